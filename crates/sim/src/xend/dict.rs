//! The order in which XenD's Python 2 walks a dictionary.
//!
//! Much of a reply comes out in that order, so it is part of the protocol: the
//! hash of a text picks a slot of a table whose size depends on how the
//! dictionary was filled. Only what XenD does to dictionaries is here.

use std::borrow::Borrow;

/// A dictionary whose iteration order is that of 64-bit Python 2.
///
/// Its table says only where an entry is, and is made when the first comes, since
/// a host of a thousand guests has many small dictionaries.
#[derive(Clone, Debug)]
pub(crate) struct PyDict<V, K = String> {
    table: Vec<u32>,
    entries: Vec<Option<Entry<V, K>>>,
    /// How many slots the table has, also before it is made.
    size: usize,
    used: usize,
    /// Used slots and those of removed keys.
    filled: usize,
}

#[derive(Clone, Debug)]
struct Entry<V, K> {
    hash: u64,
    key: K,
    value: V,
}

/// Slots of the table that lead to no entry.
const EMPTY: u32 = u32::MAX;
const REMOVED: u32 = u32::MAX - 1;

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
            table: Vec::new(),
            entries: Vec::new(),
            size,
            used: 0,
            filled: 0,
        }
    }

    /// The value of a key.
    pub(crate) fn get<Q: PyKey<Owned = K> + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let index = self.find(key, key.hash())?.1;
        self.entries.get(index)?.as_ref().map(|entry| &entry.value)
    }

    /// The value of a key, to change it.
    pub(crate) fn get_mut<Q: PyKey<Owned = K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let index = self.find(key, key.hash())?.1;
        let entry = self.entries.get_mut(index)?.as_mut();
        entry.map(|entry| &mut entry.value)
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
        let found = self.find(key, hash);
        if let Some(Some(entry)) = found.and_then(|(_, index)| self.entries.get_mut(index)) {
            entry.value = value;
            return;
        }
        let key = key.to_owned();
        self.place(Entry { hash, key, value });
        if self.filled * 3 >= self.size * 2 {
            let factor = if self.used > 50_000 { 2 } else { 4 };
            self.resize(self.used * factor);
        }
    }

    /// Takes a key out.
    pub(crate) fn remove<Q: PyKey<Owned = K> + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (at, index) = self.find(key, key.hash())?;
        *self.table.get_mut(at)? = REMOVED;
        self.used -= 1;
        let entry = self.entries.get_mut(index)?.take();
        entry.map(|entry| entry.value)
    }

    /// Keys and values in Python's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.table.iter().filter_map(|slot| {
            let entry = self.entry(*slot)?.1;
            Some((&entry.key, &entry.value))
        })
    }

    /// The entry that a slot leads to, and where it is.
    fn entry(&self, slot: u32) -> Option<(usize, &Entry<V, K>)> {
        let index = usize::try_from(slot).ok()?;
        Some((index, self.entries.get(index)?.as_ref()?))
    }

    /// Slot and entry of a key.
    fn find<Q: PyKey<Owned = K> + ?Sized>(&self, key: &Q, hash: u64) -> Option<(usize, usize)>
    where
        K: Borrow<Q>,
    {
        if self.table.is_empty() {
            return None;
        }
        for at in Probe::new(hash, self.table.len()) {
            let slot = *self.table.get(at)?;
            if slot == EMPTY {
                return None;
            }
            if let Some((index, entry)) = self.entry(slot)
                && entry.hash == hash
                && entry.key.borrow() == key
            {
                return Some((at, index));
            }
        }
        None
    }

    fn place(&mut self, entry: Entry<V, K>) {
        // What a removed key left is used again.
        let index = if self.entries.len() > self.used {
            self.entries.iter().position(Option::is_none)
        } else {
            None
        };
        let index = index.unwrap_or(self.entries.len());
        let Ok(slot_value) = u32::try_from(index) else {
            return;
        };
        if self.table.is_empty() {
            self.table = vec![EMPTY; self.size];
        }
        let mut free = None;
        for at in Probe::new(entry.hash, self.size) {
            match self.table.get(at) {
                Some(&EMPTY) => {
                    if free.is_none() {
                        self.filled += 1;
                        free = Some(at);
                    }
                    break;
                }
                Some(&REMOVED) if free.is_none() => free = Some(at),
                _ => {}
            }
        }
        if let Some(slot) = free.and_then(|at| self.table.get_mut(at)) {
            *slot = slot_value;
            match self.entries.get_mut(index) {
                Some(vacant) => *vacant = Some(entry),
                None => self.entries.push(Some(entry)),
            }
            self.used += 1;
        }
    }

    fn resize(&mut self, more_than: usize) {
        self.size = table(more_than);
        let slots = std::mem::replace(&mut self.table, vec![EMPTY; self.size]);
        let mut old = std::mem::take(&mut self.entries);
        self.used = 0;
        self.filled = 0;
        for slot in slots {
            let index = usize::try_from(slot).ok();
            if let Some(Some(entry)) = index.and_then(|at| old.get_mut(at)).map(Option::take) {
                self.place(entry);
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
        for _ in 0..10 {
            dict.remove("b");
            dict.set("b", 7);
        }
        assert_eq!(dict.entries.len(), 3);
        assert_eq!(dict.iter().count(), 3);
        for n in 0..1000 {
            dict.set(format!("key{n}").as_str(), n);
        }
        assert!((0..1000).all(|n| dict.get(format!("key{n}").as_str()) == Some(&n)));
    }
}
