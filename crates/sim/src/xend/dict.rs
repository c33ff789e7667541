//! The order in which XenD's Python 2 walks a dictionary.
//!
//! Much of a reply comes out in that order, so it is part of the protocol: the
//! hash of a text picks a slot of a table whose size depends on how the
//! dictionary was filled. Only what XenD does to dictionaries is here.

use std::borrow::Borrow;

/// A dictionary whose iteration order is that of 64-bit Python 2.
#[derive(Clone, Debug)]
pub(crate) struct PyDict<V, K = String> {
    slots: Vec<Slot<V, K>>,
    used: usize,
    /// Used slots and those of removed keys.
    filled: usize,
}

#[derive(Clone, Debug)]
enum Slot<V, K> {
    Empty,
    Removed,
    Full { hash: u64, key: K, value: V },
}

/// A key with Python's hash of it.
pub(crate) trait PyKey: Eq + ToOwned {
    /// The hash.
    fn hash(&self) -> u64;
}

impl PyKey for str {
    fn hash(&self) -> u64 {
        let bytes = self.as_bytes();
        let Some(first) = bytes.first() else { return 0 };
        let mut value = u64::from(*first) << 7;
        for byte in bytes {
            value = value.wrapping_mul(1_000_003) ^ u64::from(*byte);
        }
        value ^= bytes.len() as u64;
        if value == u64::MAX {
            u64::MAX - 1
        } else {
            value
        }
    }
}

impl PyKey for u32 {
    fn hash(&self) -> u64 {
        u64::from(*self)
    }
}

const SMALLEST: usize = 8;

impl<V, K> Default for PyDict<V, K> {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl<V, K> PyDict<V, K> {
    /// A dictionary written as a literal of this many entries, which has room
    /// for them from the start.
    pub(crate) fn with_room(entries: usize) -> Self {
        let size = if entries > 5 {
            table(entries)
        } else {
            SMALLEST
        };
        Self {
            slots: empty(size),
            used: 0,
            filled: 0,
        }
    }

    /// The value of a key.
    pub(crate) fn get<Q: PyKey<Owned = K> + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self.slots.get(self.find(key, key.hash())?) {
            Some(Slot::Full { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// The value of a key, to change it.
    pub(crate) fn get_mut<Q: PyKey<Owned = K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key, key.hash())?;
        match self.slots.get_mut(at) {
            Some(Slot::Full { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// Whether a key is there.
    pub(crate) fn has<Q: PyKey<Owned = K> + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key, key.hash()).is_some()
    }

    /// Sets the value of a key.
    pub(crate) fn set<Q: PyKey<Owned = K> + ?Sized>(&mut self, key: &Q, value: V)
    where
        K: Borrow<Q>,
    {
        let hash = key.hash();
        if let Some(Slot::Full { value: old, .. }) =
            self.find(key, hash).and_then(|at| self.slots.get_mut(at))
        {
            *old = value;
            return;
        }
        self.place(hash, key.to_owned(), value);
        if self.filled * 3 >= self.slots.len() * 2 {
            let factor = if self.used > 50_000 { 2 } else { 4 };
            self.resize(self.used * factor);
        }
    }

    /// Takes a key out.
    pub(crate) fn remove<Q: PyKey<Owned = K> + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key, key.hash())?;
        let slot = std::mem::replace(self.slots.get_mut(at)?, Slot::Removed);
        self.used -= 1;
        match slot {
            Slot::Full { value, .. } => Some(value),
            Slot::Empty | Slot::Removed => None,
        }
    }

    /// Keys and values in Python's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Full { key, value, .. } => Some((key, value)),
            Slot::Empty | Slot::Removed => None,
        })
    }

    fn find<Q: PyKey<Owned = K> + ?Sized>(&self, key: &Q, hash: u64) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        for at in Probe::new(hash, self.slots.len()) {
            match self.slots.get(at) {
                Some(Slot::Full {
                    hash: other,
                    key: stored,
                    ..
                }) if *other == hash && stored.borrow() == key => return Some(at),
                Some(Slot::Full { .. } | Slot::Removed) => {}
                Some(Slot::Empty) | None => return None,
            }
        }
        None
    }

    fn place(&mut self, hash: u64, key: K, value: V) {
        let mut free = None;
        for at in Probe::new(hash, self.slots.len()) {
            match self.slots.get(at) {
                Some(Slot::Empty) => {
                    if free.is_none() {
                        self.filled += 1;
                        free = Some(at);
                    }
                    break;
                }
                Some(Slot::Removed) if free.is_none() => free = Some(at),
                _ => {}
            }
        }
        if let Some(slot) = free.and_then(|at| self.slots.get_mut(at)) {
            *slot = Slot::Full { hash, key, value };
            self.used += 1;
        }
    }

    fn resize(&mut self, more_than: usize) {
        let old = std::mem::replace(&mut self.slots, empty(table(more_than)));
        self.used = 0;
        self.filled = 0;
        for slot in old {
            if let Slot::Full { hash, key, value } = slot {
                self.place(hash, key, value);
            }
        }
    }
}

/// The keys of a literal in Python's order.
pub(crate) fn literal_order(keys: &[&'static str]) -> Vec<&'static str> {
    let mut dict: PyDict<&'static str> = PyDict::with_room(keys.len());
    for key in keys {
        dict.set(*key, *key);
    }
    dict.iter().map(|(_, key)| *key).collect()
}

fn empty<V, K>(size: usize) -> Vec<Slot<V, K>> {
    std::iter::repeat_with(|| Slot::Empty).take(size).collect()
}

/// The smallest table with more slots than this.
fn table(more_than: usize) -> usize {
    let mut size = SMALLEST;
    while size <= more_than {
        size *= 2;
    }
    size
}

/// The slots that are tried for a hash, in order.
struct Probe {
    next: u64,
    perturb: u64,
    mask: u64,
}

impl Probe {
    fn new(hash: u64, size: usize) -> Self {
        let mask = (size - 1) as u64;
        Self {
            next: hash & mask,
            perturb: hash,
            mask,
        }
    }
}

impl Iterator for Probe {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let at = (self.next & self.mask) as usize;
        self.next = (self.next << 2)
            .wrapping_add(self.next)
            .wrapping_add(self.perturb)
            .wrapping_add(1);
        self.perturb >>= 5;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_those_of_recorded_replies() {
        let mut vif: PyDict<()> = PyDict::default();
        for key in ["backend", "script", "bridge", "mac", "uuid"] {
            vif.set(key, ());
        }
        let order: Vec<_> = vif.iter().map(|(key, ())| key.as_str()).collect();
        assert_eq!(order, ["bridge", "mac", "script", "uuid", "backend"]);
        let order = literal_order(&[
            "uuid",
            "VCPUs_max",
            "cpus",
            "name_label",
            "actions_after_shutdown",
            "actions_after_reboot",
            "actions_after_crash",
            "PV_bootloader",
            "PV_bootloader_args",
            "Description",
            "pool_name",
        ]);
        assert_eq!(
            order,
            [
                "pool_name",
                "PV_bootloader",
                "VCPUs_max",
                "cpus",
                "actions_after_shutdown",
                "Description",
                "actions_after_crash",
                "uuid",
                "PV_bootloader_args",
                "name_label",
                "actions_after_reboot",
            ]
        );
    }

    #[test]
    fn removed_keys_leave_their_slot_to_the_next() {
        let mut dict: PyDict<usize> = PyDict::default();
        for (value, key) in ["a", "b", "c"].into_iter().enumerate() {
            dict.set(key, value);
        }
        assert_eq!(dict.remove("b"), Some(1));
        assert!(!dict.has("b"));
        dict.set("b", 7);
        assert_eq!(dict.get("b"), Some(&7));
        assert_eq!(dict.iter().count(), 3);
        for n in 0..1000 {
            dict.set(format!("key{n}").as_str(), n);
        }
        assert!((0..1000).all(|n| dict.get(format!("key{n}").as_str()) == Some(&n)));
    }
}
