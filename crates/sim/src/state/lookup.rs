//! Finding domains: by number, name and uuid, and in XenD's order.
//!
//! Nothing changes here.

use std::collections::HashSet;

use super::machine::{Key, State};

impl State {
    /// Active domains in the order in which XenD walks them.
    pub(crate) fn active_keys(&self) -> impl Iterator<Item = Key> {
        self.active.iter().map(|(_, key)| *key)
    }

    /// Inactive domains in the order in which XenD walks them. One that is
    /// active with an older configuration is not among them.
    pub(crate) fn inactive_keys(&self) -> impl Iterator<Item = Key> {
        let active: HashSet<&str> = self
            .active_keys()
            .filter_map(|key| Some(self.domains.get(&key)?.config.uuid.as_str()))
            .collect();
        self.managed
            .iter()
            .filter(move |(uuid, _)| !active.contains(uuid.as_str()))
            .map(|(_, key)| *key)
    }

    /// Whether XenD keeps a configuration of this uuid.
    pub(crate) fn is_managed_uuid(&self, uuid: &str) -> bool {
        self.managed.get(uuid).is_some()
    }

    /// The domain with this number.
    pub(crate) fn by_domid(&self, domid: u32) -> Option<Key> {
        self.active.get(&domid).copied()
    }

    /// The domain of this name, an active one first.
    pub(crate) fn by_name(&self, name: &str) -> Option<Key> {
        let keys = self.names.get(name)?;
        let active = |key: &&Key| self.domains.get(key).is_some_and(|d| d.active.is_some());
        match keys.iter().filter(active).count() {
            0 => keys.first().copied(),
            1 => keys.iter().find(active).copied(),
            _ if self.facts.single_names => None,
            _ => self.active_keys().find(|key| keys.contains(key)),
        }
    }

    /// How many domains have this name.
    pub(crate) fn count_of_name(&self, name: &str) -> usize {
        self.names.get(name).map_or(0, Vec::len)
    }

    /// The domain of this uuid, an active one first.
    pub(crate) fn by_uuid(&self, uuid: &str) -> Option<Key> {
        self.active_of_uuid(uuid)
            .or_else(|| self.managed.get(uuid).copied())
    }

    fn active_of_uuid(&self, uuid: &str) -> Option<Key> {
        // A managed domain, which most inactive ones are, is looked up fast.
        if let Some(key) = self.managed.get(uuid)
            && self.domains.get(key).is_some_and(|d| d.active.is_some())
        {
            return Some(*key);
        }
        self.active_keys()
            .find(|key| self.domains.get(key).is_some_and(|d| d.config.uuid == uuid))
    }
}
