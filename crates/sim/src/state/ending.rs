//! The end of a run: orders, the moment in which a domain has shut down and is
//! still there, and what its configuration says shall become of it.

use std::time::Duration;

use tokio::time::Instant;

use super::domain::{Life, Reason};
use super::machine::{Due, Key, State};

impl State {
    /// XenD writes an order to shut down where the guest looks for it.
    pub(crate) fn write_order(&mut self, domid: u32, order: &str, obeys: bool) {
        if let Some(stored) = &self.stored {
            stored.order(domid, order, obeys);
        }
    }

    /// A guest waits for its memory to be written.
    pub(crate) fn suspend(&mut self, key: Key) {
        let active = self.get_mut(key).and_then(|it| it.active.as_mut());
        if let Some(active) = active {
            let domid = active.domid;
            active.set_life(Life::Shutdown(Reason::Suspend));
            self.exceptions.send_modify(|count| *count += 1);
            self.write_order(domid, "suspend", true);
        }
    }

    /// A domain has shut down; the toolstack will see to it.
    pub(super) fn shut_down(&mut self, domid: u32, reason: Reason, time: Instant) {
        let Some(key) = self.by_domid(domid) else {
            return;
        };
        self.note(key);
        let domain = self.domains.get_mut(key);
        let mut kept = false;
        if let Some(active) = domain.and_then(|domain| domain.active.as_mut()) {
            active.set_life(Life::Shutdown(reason));
            kept = active.libxl.is_some();
            self.exceptions.send_modify(|count| *count += 1);
        }
        // Who had libxl start it has to end it.
        if kept {
            return;
        }
        match self.timing.reap {
            Duration::ZERO => self.take_down(domid, time),
            reap => self.due.push((time + reap, Due::Reap(domid))),
        }
    }

    /// Does with a domain that has shut down what its configuration says.
    pub(super) fn take_down(&mut self, domid: u32, time: Instant) {
        let Some(key) = self.by_domid(domid) else {
            return;
        };
        self.note(key);
        let restart_after = self.facts.restart_after;
        let first_free = self.facts.first_restart_free;
        let now = self.now();
        let Some(domain) = self.domains.get(key) else {
            return;
        };
        let Some(active) = &domain.active else {
            return;
        };
        let action = match active.life {
            Life::Shutdown(Reason::Poweroff) => domain.config.on_poweroff.clone(),
            Life::Shutdown(Reason::Reboot) => domain.config.on_reboot.clone(),
            Life::Shutdown(Reason::Crash) => domain.config.on_crash.clone(),
            Life::Shutdown(Reason::Suspend) | Life::Paused | Life::Running => return,
        };
        match action.as_str() {
            "preserve" => {}
            "restart" | "rename-restart" | "coredump-restart" => {
                let mut config = domain.config.clone();
                let too_fast = if first_free {
                    let limit = restart_after.as_secs_f64();
                    config.restarted.is_some_and(|last| now - last < limit)
                } else {
                    active.created.elapsed() < restart_after
                };
                config.restarted = Some(now);
                if action == "rename-restart" && !too_fast {
                    let uuid = self.entropy.uuid();
                    self.rename(key, &format!("Domain-{uuid}"));
                    self.domains.set_uuid(key, &uuid);
                } else {
                    self.destroy(key);
                }
                if !too_fast {
                    let at = time + self.timing.reboot;
                    self.due.push((at, Due::Start(key, Box::new(config))));
                }
            }
            _ => self.destroy(key),
        }
    }
}
