//! The domains of the machine by key, name and uuid.
//!
//! A guest of the start is only sketched until somebody looks closer at it than a
//! listing does; a [`Glimpse`] says of each domain what needs no closer look. What
//! a sketch becomes is in `guests`, what happens to domains in `machine`.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::domain::{Domain, Glimpse};
use super::guests::Sketch;
use super::machine::Key;

/// All domains.
#[derive(Debug, Default)]
pub(super) struct Domains {
    places: HashMap<Key, Place>,
    names: Index,
    uuids: Index,
    next: Key,
}

/// Domains by what several may share, in the order in which they came.
type Index = HashMap<String, Vec<Key>>;

#[derive(Debug)]
enum Place {
    Made(Box<Domain>),
    /// Made at the first closer look, changed into the other at the first change.
    /// `None` in the cell for one that the release cannot have.
    Sketched(Box<Sketch>, OnceCell<Option<Box<Domain>>>),
}

impl Place {
    fn glimpse(&self) -> Glimpse<'_> {
        match self {
            Self::Made(domain) => Glimpse::of(domain),
            Self::Sketched(sketch, _) => sketch.glimpse(),
        }
    }
}

impl Domains {
    /// Adds a domain.
    pub(super) fn insert(&mut self, domain: Domain) -> Key {
        self.place(Place::Made(Box::new(domain)))
    }

    /// Adds a guest that is made when it is looked at.
    pub(super) fn insert_sketch(&mut self, sketch: Sketch) -> Key {
        self.place(Place::Sketched(Box::new(sketch), OnceCell::new()))
    }

    /// Makes room for this many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.places.reserve(more);
        self.names.reserve(more);
        self.uuids.reserve(more);
    }

    /// A domain.
    pub(super) fn get(&self, key: Key) -> Option<&Domain> {
        match self.places.get(&key)? {
            Place::Made(domain) => Some(domain),
            Place::Sketched(sketch, made) => made.get_or_init(|| sketch.make()).as_deref(),
        }
    }

    /// A domain, to change all of it but its name and uuid.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Domain> {
        let place = self.places.get_mut(&key)?;
        if let Place::Sketched(sketch, made) = place {
            let made = made.take().unwrap_or_else(|| sketch.make());
            *place = Place::Made(made?);
        }
        match place {
            Place::Made(domain) => Some(domain),
            Place::Sketched(..) => None,
        }
    }

    /// What a listing shows of a domain.
    pub(super) fn glimpse(&self, key: Key) -> Option<Glimpse<'_>> {
        self.places.get(&key).map(Place::glimpse)
    }

    /// Whether a domain is active.
    pub(super) fn is_active(&self, key: Key) -> bool {
        self.glimpse(key)
            .is_some_and(|domain| domain.active.is_some())
    }

    /// Domains of which somebody has changed something.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Domain> {
        self.places.values().filter_map(|place| match place {
            Place::Made(domain) => Some(&**domain),
            Place::Sketched(..) => None,
        })
    }

    /// The domains of a name.
    pub(super) fn named(&self, name: &str) -> &[Key] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// The domains of a uuid.
    pub(super) fn of_uuid(&self, uuid: &str) -> &[Key] {
        self.uuids.get(uuid).map_or(&[], Vec::as_slice)
    }

    /// Gives a domain another name.
    pub(super) fn rename(&mut self, key: Key, name: &str) {
        if let Some(domain) = self.get_mut(key) {
            let old = std::mem::replace(&mut domain.config.name, name.to_owned());
            unlist(&mut self.names, &old, key);
            list(&mut self.names, name, key);
        }
    }

    /// Gives a domain another uuid.
    pub(super) fn set_uuid(&mut self, key: Key, uuid: &str) {
        if let Some(domain) = self.get_mut(key) {
            let old = std::mem::replace(&mut domain.config.uuid, uuid.to_owned());
            unlist(&mut self.uuids, &old, key);
            list(&mut self.uuids, uuid, key);
        }
    }

    /// Takes a domain out.
    pub(super) fn remove(&mut self, key: Key) {
        let Some(place) = self.places.remove(&key) else {
            return;
        };
        let domain = place.glimpse();
        unlist(&mut self.names, domain.name, key);
        unlist(&mut self.uuids, domain.uuid, key);
    }

    fn place(&mut self, place: Place) -> Key {
        let key = self.next;
        self.next += 1;
        let domain = place.glimpse();
        list(&mut self.names, domain.name, key);
        list(&mut self.uuids, domain.uuid, key);
        self.places.insert(key, place);
        key
    }
}

fn list(index: &mut Index, word: &str, key: Key) {
    match index.get_mut(word) {
        Some(keys) => keys.push(key),
        None => drop(index.insert(word.to_owned(), vec![key])),
    }
}

fn unlist(index: &mut Index, word: &str, key: Key) {
    if let Some(keys) = index.get_mut(word) {
        keys.retain(|other| *other != key);
        if keys.is_empty() {
            index.remove(word);
        }
    }
}
