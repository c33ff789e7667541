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

    /// The same with their numbers.
    pub(crate) fn active_domids(&self) -> impl Iterator<Item = (u32, Key)> {
        self.active.iter().map(|(domid, key)| (*domid, *key))
    }

    /// Inactive domains in the order in which XenD walks them. One that is
    /// active with an older configuration is not among them.
    pub(crate) fn inactive_keys(&self) -> impl Iterator<Item = Key> {
        let active: HashSet<&str> = self
            .active_keys()
            .filter_map(|key| Some(self.glimpse(key)?.uuid))
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
        let keys = self.domains.named(name);
        let mut active = keys.iter().filter(|key| self.domains.is_active(**key));
        match (active.next(), active.next()) {
            (None, _) => keys.first().copied(),
            (Some(one), None) => Some(*one),
            _ if self.facts.single_names => None,
            _ => self.first_walked(keys),
        }
    }

    /// How many domains have this name.
    pub(crate) fn count_of_name(&self, name: &str) -> usize {
        self.domains.named(name).len()
    }

    /// The domain of this uuid, an active one first.
    pub(crate) fn by_uuid(&self, uuid: &str) -> Option<Key> {
        self.active_of_uuid(uuid)
            .or_else(|| self.managed.get(uuid).copied())
    }

    fn active_of_uuid(&self, uuid: &str) -> Option<Key> {
        if let Some(key) = self.managed.get(uuid)
            && self.domains.is_active(*key)
        {
            return Some(*key);
        }
        let keys = self.domains.of_uuid(uuid);
        let mut active = keys.iter().filter(|key| self.domains.is_active(**key));
        match (active.next(), active.next()) {
            (first, None) => first.copied(),
            _ => self.first_walked(keys),
        }
    }

    /// Of these the active one to which XenD comes first.
    fn first_walked(&self, keys: &[Key]) -> Option<Key> {
        self.active_keys().find(|key| keys.contains(key))
    }
}
