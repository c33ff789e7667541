//! Time that passes for those who only watch: xenstore's clients are told of what
//! happens by itself, without asking XenD first.
//!
//! [`Kept`] is the state while somebody holds it; letting it go writes what has
//! changed into the store, and sets the clock for what is due next.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, Weak};

use tokio::sync::Notify;

use super::behaviour;
use super::domain::{Life, Reason};
use super::host::{Inner, SimHost};
use super::machine::State;
use crate::xenstore::{Behind, Event};

/// Consoles that are opened because their node is read. Each needs two files of
/// the process, of which it has a thousand or so.
const MOST_CONSOLES: usize = 200;

/// Wakes up when something is due; runs once xenstore has a client.
#[derive(Debug, Default)]
pub(super) struct Clock {
    changed: Arc<Notify>,
    runs: AtomicBool,
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// The state while it is held.
pub(crate) struct Kept<'a> {
    pub(super) state: MutexGuard<'a, State>,
    pub(super) clock: &'a Clock,
}

impl Deref for Kept<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Kept<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.state.keep_store();
        if self.clock.runs.load(Ordering::Relaxed) {
            let next = self.state.next_due();
            if next != self.state.clock_set {
                self.state.clock_set = next;
                self.clock.changed.notify_one();
            }
        }
    }
}

/// The host as its xenstore knows it.
#[derive(Debug)]
pub(super) struct StoreHost(pub(super) Weak<Inner>);

impl StoreHost {
    fn host(&self) -> Option<SimHost> {
        let inner = self.0.upgrade()?;
        Some(SimHost { inner })
    }
}

impl SimHost {
    /// Lets time pass by itself from now on.
    pub(crate) fn start_clock(&self) {
        if !self.inner.clock.runs.swap(true, Ordering::Relaxed) {
            let changed = Arc::clone(&self.inner.clock.changed);
            tokio::spawn(run(Arc::downgrade(&self.inner), changed));
        }
    }
}

impl Behind for StoreHost {
    fn connected(&self) {
        if let Some(host) = self.host() {
            host.start_clock();
        }
    }

    fn asked(&self, path: &str) {
        let Some(host) = self.host() else { return };
        let mut state = host.state();
        state.fill_store(path);
        let console = console_of(path).filter(|_| state.open_consoles() < MOST_CONSOLES);
        drop(state);
        if let Some(domid) = console {
            // A console that cannot be opened stays unknown.
            let _ = host.console(domid);
        }
    }

    fn changed(&self, events: &[Event]) {
        let Some(host) = self.host() else { return };
        events
            .iter()
            .filter_map(Event::written)
            .for_each(|path| host.obey(path));
    }
}

/// Passes the time until the host is gone.
async fn run(host: Weak<Inner>, changed: Arc<Notify>) {
    loop {
        let next = match host.upgrade() {
            Some(inner) => SimHost { inner }.state().next_due(),
            None => return,
        };
        match next {
            Some(at) => {
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = changed.notified() => {}
                }
            }
            None => changed.notified().await,
        }
    }
}

/// The domain whose console's place a path is.
fn console_of(path: &str) -> Option<u32> {
    let (domid, rest) = path.strip_prefix("/local/domain/")?.split_once('/')?;
    let is_tty = matches!(rest, "console/tty" | "serial/0/tty");
    domid.parse().ok().filter(|_| is_tty)
}

impl SimHost {
    /// A guest reads what was written for it: an order to shut down, how much memory it
    /// is to have, which vcpus.
    fn obey(&self, path: &str) {
        let Some((domid, rest)) = path
            .strip_prefix("/local/domain/")
            .and_then(|rest| rest.split_once('/'))
        else {
            return;
        };
        let Some(domid) = domid.parse().ok().filter(|domid| *domid != 0) else {
            return;
        };
        let Some(value) = self.xenstore().text_of(path) else {
            return;
        };
        match rest {
            "control/shutdown" => self.obey_shutdown(domid, &value, path),
            "memory/target" => self.obey_target(domid, &value),
            "memory/static-max" => self.read_most_memory(domid, &value),
            _ => {
                let vcpu = rest.strip_prefix("cpu/");
                let vcpu = vcpu.and_then(|rest| rest.strip_suffix("/availability"));
                if let Some(vcpu) = vcpu.and_then(|vcpu| vcpu.parse().ok()) {
                    self.obey_availability(domid, vcpu, &value);
                }
            }
        }
    }

    /// The first vcpu of a guest stays.
    fn obey_availability(&self, domid: u32, vcpu: u32, value: &str) {
        let online = match value {
            "online" => true,
            "offline" if vcpu != 0 => false,
            _ => return,
        };
        let mut state = self.state();
        let Some(key) = state.by_domid(domid) else {
            return;
        };
        let Some(domain) = state.get_mut(key) else {
            return;
        };
        let most = domain.config.vcpus;
        if let Some(active) = domain.active.as_mut()
            && active.life == Life::Running
            && i64::from(vcpu) < most
        {
            active.plug(vcpu, online);
        }
    }

    fn obey_shutdown(&self, domid: u32, order: &str, path: &str) {
        let reason = match order {
            "poweroff" | "halt" => Reason::Poweroff,
            "reboot" => Reason::Reboot,
            _ => return,
        };
        let mut state = self.state();
        let domain = state.by_domid(domid).and_then(|key| state.get(key));
        let obeys = domain.is_some_and(|domain| {
            let name = &domain.config.name;
            let runs = domain
                .active
                .as_ref()
                .is_some_and(|it| it.life == Life::Running);
            runs && !behaviour::is_deaf(name) && !self.xend().faults().is_hung(name)
        });
        if obeys {
            // The guest says that it has read the order.
            self.xenstore().write(path, "");
            state.order_shutdown(domid, reason);
        }
    }

    /// libxl compares targets to what XenStore says.
    fn read_most_memory(&self, domid: u32, kib: &str) {
        let mut state = self.state();
        let key = state.by_domid(domid);
        let domain = key.and_then(|key| state.get_mut(key));
        if let (Some(domain), Ok(kib)) = (domain, kib.parse::<i64>()) {
            domain.config.static_max = kib / 1024;
        }
    }

    fn obey_target(&self, domid: u32, kib: &str) {
        let Ok(kib) = kib.parse::<i64>() else { return };
        let mut state = self.state();
        let Some(key) = state.by_domid(domid) else {
            return;
        };
        let Some(active) = state.get(key).and_then(|domain| domain.active.as_ref()) else {
            return;
        };
        let wanted = (kib / 1024).clamp(1, active.limit.max(1));
        if active.life == Life::Running && wanted - active.memory <= state.free_memory() {
            state.set_memory(key, wanted);
        }
    }
}
