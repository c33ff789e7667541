//! XenD starts anew while its domains live on.
//!
//! What it knew is read back: of active domains from the store, which does not
//! have everything, of inactive ones from its files. Some are started.

use crate::state::{CPUS, Key, State};

impl State {
    /// XenD is killed and started again.
    pub(crate) fn restart_xend(&mut self) {
        let active: Vec<Key> = self.active_keys().collect();
        for key in active {
            let Some(domain) = self.get_mut(key) else {
                continue;
            };
            let Some(active) = domain.active.as_mut().filter(|a| a.domid != 0) else {
                continue;
            };
            active.pages_known = false;
            for (cpus, allowed) in domain.config.cpus.iter_mut().zip(&active.affinity) {
                *cpus = if allowed.is_empty() {
                    (0..CPUS).collect()
                } else {
                    allowed.clone()
                };
            }
            domain.config.description = None;
            domain.config.vcpu_avail_given = true;
        }
        let inactive: Vec<Key> = self.inactive_keys().collect();
        for key in inactive {
            let Some(domain) = self.get_mut(key) else {
                continue;
            };
            domain.config.vcpu_avail_given = true;
            if domain.config.on_xend_start == "start" {
                self.order_start(key);
            }
        }
    }

    /// Starts a domain because XenD has.
    pub(crate) fn start_with_xend(&mut self, key: Key) {
        let Some(config) = self.get(key).map(|domain| domain.config.clone()) else {
            return;
        };
        let domid = self.take_domid();
        match super::build(self, domid, &config) {
            Ok(active) => {
                let config = super::build::built(self, config);
                if let Some(domain) = self.get_mut(key) {
                    domain.config = config;
                }
                self.activate(key, active);
                self.let_run(key);
            }
            Err(_) => self.note_failed(domid),
        }
    }
}
