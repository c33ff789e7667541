//! Keeps xenstore in step with the domains.
//!
//! Nothing is written before somebody asks for the store; then the domains that
//! there are have an empty folder, which is filled when it is looked at. What
//! changes later is written when the state is let go. Which nodes a domain has
//! is in `xend::store`.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;

use super::behaviour::Hotplug;
use super::domain::{Glimpse, Life};
use super::machine::{Key, State};
use crate::xend::store::{GLANCE, Nodes, Rights, glance, nodes, vm_path};
use crate::xenstore::{Put, SimXenstore};

/// Where libxl has folders of its own.
const LIBXL: &str = "/libxl/";

/// What has been written into the store.
#[derive(Debug)]
pub(super) struct Stored {
    store: SimXenstore,
    written: HashMap<Key, Written>,
    changed: BTreeSet<Key>,
    /// Devices that will be connected, and whose domains they are.
    connecting: Vec<(Instant, Key)>,
}

#[derive(Debug)]
struct Written {
    domid: u32,
    uuid: String,
    shut_down: bool,
    /// `None` while the folder is empty.
    nodes: Option<Nodes>,
}

impl Stored {
    /// A domain has changed, or may have.
    pub(super) fn note(&mut self, key: Key) {
        self.changed.insert(key);
    }

    /// Domains that the passing of time changes.
    pub(super) fn advance(&mut self, now: Instant) {
        let changed = &mut self.changed;
        self.connecting.retain(|(at, key)| {
            let due = *at <= now;
            if due {
                changed.insert(*key);
            }
            !due
        });
    }

    /// Writes an order to shut down; a guest that obeys takes it away.
    pub(super) fn order(&self, domid: u32, order: &str, obeys: bool) {
        let path = format!("/local/domain/{domid}/control/shutdown");
        self.store.write(&path, order);
        if obeys {
            self.store.write(&path, "");
        }
    }

    /// When time will change a domain next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.connecting.iter().map(|(at, _)| *at).min()
    }
}

impl State {
    /// Keeps this store from now on.
    pub(super) fn open_store(&mut self, store: SimXenstore) {
        let mut stored = Stored {
            store,
            written: HashMap::new(),
            changed: BTreeSet::new(),
            connecting: Vec::new(),
        };
        stored.store.reserve(self.active_keys().count() * GLANCE);
        for key in self.active_keys() {
            let Some(domain) = self.glimpse(key) else {
                continue;
            };
            let Some(active) = domain.active else {
                continue;
            };
            let written = Written {
                domid: active.domid,
                uuid: domain.uuid.to_owned(),
                shut_down: matches!(active.life, Life::Shutdown(_)),
                nodes: None,
            };
            let first = glance(&domain, active, &self.facts);
            stored.write_glance(&first, written.domid, false);
            stored.store.introduce_silently(written.domid);
            stored.written.insert(key, written);
        }
        let host = Rights::Host.permissions(0);
        stored
            .store
            .apply(&[("/local/domain/0/backend", "", &host)], &[], false);
        self.stored = Some(Box::new(stored));
        self.fill_store("/local/domain/0");
    }

    /// Fills the folders that a request for this path looks into.
    pub(super) fn fill_store(&mut self, path: &str) {
        let Some(stored) = &self.stored else {
            return;
        };
        let is_empty = |key: &Key| {
            let written = stored.written.get(key);
            written.is_none_or(|written| written.nodes.is_none())
        };
        let mut wanted: Vec<Key> = match place_of(path) {
            Place::Elsewhere => return,
            Place::BackEnds => stored.written.keys().copied().collect(),
            Place::Domain(domid) => self.by_domid(domid).into_iter().collect(),
            Place::Configuration(uuid) => self.by_uuid(uuid).into_iter().collect(),
        };
        // What is filled is kept in step as it changes.
        wanted.retain(is_empty);
        for key in wanted {
            self.write_domain(key, false);
        }
    }

    /// Writes what has changed.
    pub(super) fn keep_store(&mut self) {
        while let Some(key) = self.stored.as_mut().and_then(|it| it.changed.pop_first()) {
            self.write_domain(key, true);
        }
    }

    /// Writes a domain as it is; `tell` for one that has changed, not for one that
    /// is only looked at first.
    fn write_domain(&mut self, key: Key, tell: bool) {
        let facts = self.facts;
        let Some(stored) = &mut self.stored else {
            return;
        };
        let domain = self.domains.get(key);
        let active = domain.and_then(|domain| Some((domain, domain.active.as_ref()?)));
        let before = stored.written.remove(&key);
        let Some((domain, active)) = active else {
            if let Some(before) = before {
                stored.remove(&before);
            }
            return;
        };
        let before = match before {
            Some(before) if before.domid != active.domid => {
                stored.remove(&before);
                None
            }
            before => before,
        };
        if tell && before.as_ref().is_some_and(|it| it.nodes.is_none()) {
            // Nobody has looked into it: its name and its end are told.
            if let Some(before) = before {
                stored.write_glance(
                    &glance(&Glimpse::of(domain), active, &facts),
                    active.domid,
                    true,
                );
                stored.settle(key, before, &active.life);
            }
            return;
        }
        let is_new = before.is_none();
        let new = nodes(domain, &facts);
        let old = before.as_ref().and_then(|it| it.nodes.as_ref());
        stored.write(active.domid, old, &new, tell);
        if is_new {
            stored.store.introduce(active.domid);
        }
        for device in &active.devices {
            if device.hotplug == Hotplug::Connects && device.connects > Instant::now() {
                stored.connecting.push((device.connects, key));
            }
        }
        let written = Written {
            domid: active.domid,
            uuid: domain.config.uuid.clone(),
            shut_down: before.is_some_and(|it| it.shut_down),
            nodes: Some(new),
        };
        stored.settle(key, written, &active.life);
    }
}

impl Stored {
    /// Notes what was written; a domain that has shut down is told once.
    fn settle(&mut self, key: Key, mut written: Written, life: &Life) {
        let shut_down = matches!(life, Life::Shutdown(_));
        if shut_down && !written.shut_down {
            self.store.shut_down();
        }
        written.shut_down = shut_down;
        self.written.insert(key, written);
    }

    /// Writes what a folder has that nobody has looked into yet.
    fn write_glance(&self, glance: &Nodes, domid: u32, tell: bool) {
        self.write(domid, None, glance, tell);
    }

    /// Writes the nodes that differ and removes those that are gone.
    fn write(&self, domid: u32, old: Option<&Nodes>, new: &Nodes, tell: bool) {
        let differs = |it: &(&String, _)| old.is_none_or(|old| old.get(it.0) != Some(it.1));
        let rights = [
            Rights::Host,
            Rights::HostForGuest,
            Rights::Guest,
            Rights::GuestForHost,
        ]
        .map(|rights| (rights, rights.permissions(domid)));
        let put: Vec<Put<'_>> = new
            .iter()
            .filter(differs)
            .filter_map(|(path, node)| {
                let (_, permissions) = rights.iter().find(|it| it.0 == node.rights)?;
                Some((path.as_str(), node.value.as_str(), permissions))
            })
            .collect();
        let gone = old.map_or(Vec::new(), |old| {
            topmost(old.keys().filter(|path| !new.contains_key(*path)))
        });
        self.store.apply(&put, &gone, tell);
    }

    /// Takes a domain out of the store.
    fn remove(&mut self, before: &Written) {
        let home = format!("/local/domain/{}", before.domid);
        let vm = vm_path(&before.uuid);
        let mut gone = vec![home.as_str()];
        let shared = self.written.values().any(|it| it.uuid == before.uuid);
        if !shared {
            gone.push(&vm);
        }
        if let Some(nodes) = &before.nodes {
            let is_there = |path: &&String| path.contains("/backend/") || path.starts_with(LIBXL);
            let elsewhere = nodes.keys().filter(is_there);
            gone.extend(topmost(elsewhere.filter(|path| !path.starts_with(&home))));
        }
        self.store.apply(&[], &gone, true);
        self.store.release(before.domid);
    }
}

/// Of sorted paths those that are not below another.
fn topmost<'a>(paths: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut top: Vec<&str> = Vec::new();
    for path in paths {
        let rest = top.last().and_then(|above| path.strip_prefix(above));
        if !rest.is_some_and(|rest| rest.starts_with('/')) {
            top.push(path);
        }
    }
    top
}

/// What a path is about.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Domain(u32),
    Configuration(&'a str),
    /// Everybody's back ends are listed there.
    BackEnds,
    Elsewhere,
}

fn place_of(path: &str) -> Place<'_> {
    let mut names = path.split('/').skip(1);
    let domid = |name: Option<&str>| name.and_then(|name| name.parse().ok());
    match (names.next(), names.next()) {
        (Some("vm"), Some(uuid)) => Place::Configuration(uuid),
        (Some("libxl"), number) => domid(number).map_or(Place::Elsewhere, Place::Domain),
        (Some("local"), Some("domain")) => match (domid(names.next()), names.next()) {
            (Some(0), Some("backend")) => {
                names.next();
                domid(names.next()).map_or(Place::BackEnds, Place::Domain)
            }
            (Some(number), Some(name)) => match (name, names.next()) {
                // What every listing reads is there, so that it fills no folder.
                ("vm" | "name" | "domid", None) | ("memory", Some("target" | "static-max")) => {
                    Place::Elsewhere
                }
                _ => Place::Domain(number),
            },
            (Some(number), None) => Place::Domain(number),
            (None, _) => Place::Elsewhere,
        },
        _ => Place::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_whose_they_are() {
        assert_eq!(place_of("/local/domain/7/memory"), Place::Domain(7));
        assert_eq!(place_of("/local/domain/7/name"), Place::Elsewhere);
        assert_eq!(
            place_of("/local/domain/0/backend/vif/7/0"),
            Place::Domain(7)
        );
        assert_eq!(place_of("/local/domain/0/backend/vif"), Place::BackEnds);
        assert_eq!(place_of("/local/domain/0/device"), Place::Domain(0));
        assert_eq!(place_of("/vm/abc/name"), Place::Configuration("abc"));
        for path in ["/", "/local/domain", "/tool", "/vm", "/local/domain/x"] {
            assert_eq!(place_of(path), Place::Elsewhere, "{path}");
        }
    }

    #[test]
    fn the_topmost_paths_are_those_with_nothing_above() {
        let paths = ["/a", "/a/b", "/ab", "/b/c"].map(str::to_owned);
        assert_eq!(topmost(paths.iter()), ["/a", "/ab", "/b/c"]);
    }
}
