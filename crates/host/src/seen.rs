//! What a look at the domains shows, and what two looks tell together.
//!
//! Xen tells that something has happened and not what: the domain list is read
//! again. When to look is not here.

use crate::ending::Endings;
use crate::{Ending, HostEvent};
use std::collections::BTreeMap;
use virtxen_guest::DomId;
use virtxen_hypercall::{Domain, Xen};

/// What a look shows of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) paused: bool,
    /// It has shut down, with this code.
    pub(crate) shutdown: Option<u8>,
    /// It is being taken down.
    pub(crate) dying: bool,
    /// It has run: until then it is being built.
    pub(crate) ran: bool,
}

/// The domains of one look, by number.
pub(crate) type Look = BTreeMap<u32, Seen>;

impl Seen {
    fn of(domain: &Domain) -> Self {
        let flags = domain.flags;
        Self {
            paused: flags.paused,
            shutdown: flags.shutdown.then_some(flags.shutdown_code),
            dying: flags.dying,
            ran: domain.cpu_time > 0 || !flags.paused,
        }
    }

    /// It runs or could: what is done to its devices is not its end or beginning.
    pub(crate) fn lives(&self) -> bool {
        self.ran && !self.dying && self.shutdown.is_none()
    }
}

/// What the hypervisor shows; `None` when it cannot be asked.
pub(crate) fn look(xen: &Xen, endings: &Endings) -> Option<Look> {
    let domains = xen.domains().ok()?;
    endings.saw(&domains);
    let seen = |domain: &Domain| (domain.domid, Seen::of(domain));
    Some(domains.iter().map(seen).collect())
}

/// What has happened between two looks: what is gone first, then by number.
pub(crate) fn changes(before: &Look, now: &Look) -> Vec<HostEvent> {
    let gone = before.iter().filter(|(domid, _)| !now.contains_key(domid));
    let mut events: Vec<HostEvent> = gone
        .map(|(domid, was)| HostEvent::Vanished {
            domid: DomId(*domid),
            ending: was.shutdown.map(Ending::of_code),
        })
        .collect();
    for (domid, is) in now {
        let was = before.get(domid).copied();
        let domid = DomId(*domid);
        if was.is_none() {
            events.push(HostEvent::Appeared(domid));
        }
        let was = was.unwrap_or_default();
        match (was.ran, is.ran) {
            (false, true) => events.push(HostEvent::Started(domid)),
            (true, _) if was.paused && !is.paused => events.push(HostEvent::Resumed(domid)),
            _ => {}
        }
        if is.ran && is.paused && !was.paused {
            events.push(HostEvent::Paused(domid));
        }
        if is.shutdown.is_some() && was.shutdown.is_none() {
            events.push(HostEvent::Shutdown(domid));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: Seen = Seen {
        paused: true,
        shutdown: None,
        dying: false,
        ran: false,
    };
    const RUNS: Seen = Seen {
        paused: false,
        ran: true,
        ..BUILT
    };
    const PAUSED: Seen = Seen {
        paused: true,
        ..RUNS
    };
    const CRASHED: Seen = Seen {
        shutdown: Some(3),
        ..RUNS
    };

    #[test]
    fn two_looks_tell_what_happened() {
        let before = Look::from([
            (0, RUNS),
            (1, RUNS),
            (2, PAUSED),
            (3, CRASHED),
            (5, BUILT),
            (6, CRASHED),
        ]);
        let now = Look::from([
            (0, PAUSED),
            (2, CRASHED),
            (3, CRASHED),
            (4, BUILT),
            (5, RUNS),
            (7, PAUSED),
        ]);
        let vanished = |domid, ending| HostEvent::Vanished {
            domid: DomId(domid),
            ending,
        };
        assert_eq!(
            changes(&before, &now),
            [
                vanished(1, None),
                vanished(6, Some(Ending::Crashed)),
                HostEvent::Paused(DomId(0)),
                HostEvent::Resumed(DomId(2)),
                HostEvent::Shutdown(DomId(2)),
                HostEvent::Appeared(DomId(4)),
                HostEvent::Started(DomId(5)),
                HostEvent::Appeared(DomId(7)),
                HostEvent::Started(DomId(7)),
                HostEvent::Paused(DomId(7)),
            ]
        );
        assert_eq!(changes(&now, &now), []);
    }
}
