//! Why domains ended: what was seen of each of them before it was gone.
//!
//! The hypervisor tells why a domain has shut down as long as it is there; that
//! somebody asked it to is seen in XenStore. What is gone without either was
//! destroyed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use virtxen_guest::{DomId, Uuid};
use virtxen_hypercall::Domain;

/// Why a domain is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// It shut down, by itself or because it was asked to.
    PoweredOff,
    /// It wants to start again.
    Rebooted,
    /// It crashed, or its watchdog ended it.
    Crashed,
    /// It was suspended: its memory is in a file or, for all that the hypervisor
    /// tells, on another host.
    Suspended,
    /// It runs on another host now: xl says so in its last name.
    Moved,
    /// Somebody ended it at once.
    Destroyed,
}

impl Ending {
    /// Of Xen's `SHUTDOWN_*`; the number means the same on every release that has it.
    pub(crate) fn of_code(code: u8) -> Self {
        match code {
            1 | 5 => Self::Rebooted,
            2 => Self::Suspended,
            3 | 4 => Self::Crashed,
            _ => Self::PoweredOff,
        }
    }

    /// Of what was written to `control/shutdown`; a guest takes the order away when
    /// it has read it.
    fn of_order(order: &str) -> Self {
        match order {
            "reboot" => Self::Rebooted,
            "suspend" => Self::Suspended,
            "crash" => Self::Crashed,
            _ => Self::PoweredOff,
        }
    }
}

/// A domain that has shut down and is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its number.
    pub domid: DomId,
    /// Its identifier.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Why.
    pub ending: Ending,
}

/// How sure an ending is: an order may be ignored, a name is given last of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Order,
    Code,
    Name,
}

/// What points to the end of each domain.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    signs: Mutex<HashMap<u32, (Sign, Ending)>>,
    /// Domains whose end was noticed, after all that had been told before.
    ended: Mutex<HashMap<u32, Ending>>,
    noticed: Notify,
}

impl Endings {
    /// The domains as the hypervisor has them now.
    pub(crate) fn saw(&self, domains: &[Domain]) {
        let mut signs = self.lock();
        for domain in domains {
            if domain.flags.shutdown {
                let ending = Ending::of_code(domain.flags.shutdown_code);
                add(&mut signs, domain.domid, Sign::Code, ending);
            } else if matches!(signs.get(&domain.domid), Some((Sign::Code, _))) {
                // A domain that was suspended for a copy of its memory runs on.
                signs.remove(&domain.domid);
            }
        }
    }

    /// A domain was asked to end, in these words as far as they could be read.
    ///
    /// No words are no sign: libxl makes the node empty when it builds a domain, and a
    /// guest empties it when it has read the order.
    pub(crate) fn ordered(&self, domid: u32, order: Option<&str>) {
        if let Some(order) = order.filter(|order| !order.is_empty()) {
            let mut signs = self.lock();
            signs.remove(&domid);
            add(&mut signs, domid, Sign::Order, Ending::of_order(order));
        }
    }

    /// A domain has this name now.
    pub(crate) fn named(&self, domid: u32, name: &str) {
        if name.ends_with("--migratedaway") {
            add(&mut self.lock(), domid, Sign::Name, Ending::Moved);
        }
    }

    /// The number is that of a new domain.
    pub(crate) fn begin(&self, domid: u32) {
        self.lock().remove(&domid);
        self.lock_ended().remove(&domid);
    }

    /// The domain is gone, and nothing more is to come that points to why.
    pub(crate) fn end(&self, domid: u32) -> Ending {
        let ending = self.of(domid);
        self.lock().remove(&domid);
        self.lock_ended().insert(domid, ending);
        self.noticed.notify_waiters();
        ending
    }

    /// Waits until the end of a domain was noticed.
    pub(crate) async fn ended(&self, domid: u32) -> Ending {
        loop {
            let noticed = self.noticed.notified();
            if let Some(ending) = self.lock_ended().get(&domid) {
                return *ending;
            }
            noticed.await;
        }
    }

    /// Nobody looks any more.
    pub(crate) fn forget_all(&self) {
        self.lock().clear();
        self.lock_ended().clear();
    }

    /// Why the domain is gone, by all that was seen of it.
    pub(crate) fn of(&self, domid: u32) -> Ending {
        let sign = self.lock().get(&domid).copied();
        sign.map_or(Ending::Destroyed, |(_, ending)| ending)
    }

    fn lock_ended(&self) -> MutexGuard<'_, HashMap<u32, Ending>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, (Sign, Ending)>> {
        self.signs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(signs: &mut HashMap<u32, (Sign, Ending)>, domid: u32, sign: Sign, ending: Ending) {
    if signs.get(&domid).is_none_or(|(known, _)| *known <= sign) {
        signs.insert(domid, (sign, ending));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_hypercall::DomainFlags;

    fn domain(domid: u32, shutdown: Option<u8>) -> Domain {
        Domain {
            domid,
            flags: DomainFlags {
                shutdown: shutdown.is_some(),
                shutdown_code: shutdown.unwrap_or(0),
                ..DomainFlags::default()
            },
            pages: 0,
            max_pages: 0,
            cpu_time: 0,
            online_vcpus: 1,
            max_vcpu_id: Some(0),
            handle: [0; 16],
            cpupool: None,
        }
    }

    #[test]
    fn what_left_no_sign_was_destroyed() {
        assert_eq!(Endings::default().of(7), Ending::Destroyed);
    }

    #[test]
    fn the_hypervisor_knows_better_than_an_order() {
        let endings = Endings::default();
        endings.ordered(7, Some("poweroff"));
        endings.ordered(7, Some(""));
        assert_eq!(endings.of(7), Ending::PoweredOff);
        endings.saw(&[domain(7, Some(3))]);
        assert_eq!(endings.of(7), Ending::Crashed);
        endings.named(7, "web--migratedaway");
        endings.saw(&[domain(7, Some(2))]);
        assert_eq!(endings.of(7), Ending::Moved);
    }

    #[test]
    fn an_empty_order_is_none() {
        let endings = Endings::default();
        endings.ordered(7, Some(""));
        endings.ordered(7, None);
        assert_eq!(endings.of(7), Ending::Destroyed);
    }

    #[test]
    fn who_runs_on_has_not_ended() {
        let endings = Endings::default();
        endings.saw(&[domain(7, Some(2)), domain(8, None)]);
        assert_eq!(endings.of(7), Ending::Suspended);
        endings.saw(&[domain(7, None)]);
        assert_eq!(endings.of(7), Ending::Destroyed);
        endings.ordered(8, Some("suspend"));
        endings.begin(8);
        assert_eq!(endings.of(8), Ending::Destroyed);
    }

    #[tokio::test]
    async fn an_end_is_waited_for() {
        let endings = Endings::default();
        let (ending, noticed) = tokio::join!(endings.ended(7), async {
            endings.ordered(7, Some("poweroff"));
            endings.end(7)
        });
        assert_eq!((ending, noticed), (Ending::PoweredOff, Ending::PoweredOff));
    }
}
