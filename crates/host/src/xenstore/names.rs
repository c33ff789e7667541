//! Names of domains, and what else of them changes seldom, read from XenStore when they
//! are first needed and kept until a watch tells of a change.

use super::{Facts, name_or_stand_in, name_path};
use crate::Result;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use virtxen_guest::{MemoryKib, OsType, Uuid};

/// Domains whose last name is kept, at most: those that are being taken down are few.
const LAST_MAX: usize = 1024;

/// What is kept for each domain: the number alone is used again by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    uuid: Uuid,
    pub(crate) name: String,
    /// Its kind, as far as XenStore was asked for it.
    pub(crate) kind: OsType,
    /// Memory that it may have: libxl gives it no more. The hypervisor's limit is some more
    /// than that, or after ballooning less.
    pub(crate) most: Option<MemoryKib>,
}

impl Known {
    /// Of a domain that XenStore tells nothing of.
    pub(crate) fn nothing(domain: &Identity) -> Self {
        Self {
            uuid: domain.uuid,
            name: name_or_stand_in(None, domain.domid, domain.uuid),
            kind: OsType::Xen,
            most: None,
        }
    }
}

/// A domain as the hypervisor knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) domid: u32,
    pub(crate) uuid: Uuid,
}

/// What is read besides names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Who tells the kind.
    pub(crate) types: Types,
    /// libxl built the domains, and says how much memory they were started for.
    pub(crate) most: bool,
}

/// Where XenStore tells the kind of a domain that the hypervisor does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// What XenD built: Xen before 3.0.4 tells nothing.
    Xend,
    /// What libxl built: Xen 4.10 and later takes PVH for fully virtualized.
    Libxl,
    /// The hypervisor tells all there is.
    Told,
}

impl Types {
    fn path(self, domain: Identity) -> Option<String> {
        match self {
            Self::Xend => Some(Facts::type_path(domain.uuid)),
            Self::Libxl => Some(format!("/libxl/{}/type", domain.domid)),
            Self::Told => None,
        }
    }
}

/// The names that are known.
#[derive(Debug, Default)]
pub(crate) struct Names {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<u32, Known>,
    /// Numbers by name: two domains may have one, while one of them moves.
    numbers: HashMap<String, BTreeSet<u32>>,
    /// What was known before a change: libxl takes a domain's place in XenStore away while
    /// the hypervisor still has it, and it goes with the name that it had.
    last: HashMap<u32, Known>,
    /// Grows with each change that a watch told: what was read before is not kept.
    changes: u64,
    /// A watch is set; without one nothing is kept.
    watched: bool,
}

impl Names {
    /// What XenStore tells of each domain, as far as it has to be asked. What is not known
    /// is read in one round trip.
    pub(crate) async fn of(
        &self,
        facts: &Facts,
        domains: &[Identity],
        asked: Asked,
    ) -> Result<Vec<Known>> {
        let (mut found, changes) = self.recall(domains);
        let missing: Vec<Identity> = domains
            .iter()
            .zip(&found)
            .filter_map(|(domain, known)| known.is_none().then_some(*domain))
            .collect();
        if !missing.is_empty() {
            let mut read = read(facts, &missing, asked).await?;
            self.name_last(&missing, &mut read);
            let mut read = read.into_iter();
            self.keep(&missing, read.as_slice(), changes);
            for slot in found.iter_mut().filter(|slot| slot.is_none()) {
                *slot = read.next().map(|(known, _)| known);
            }
        }
        let named = found.into_iter().zip(domains);
        Ok(named
            .map(|(known, domain)| known.unwrap_or_else(|| Known::nothing(domain)))
            .collect())
    }

    /// From now on changes are told.
    pub(crate) fn watched(&self) {
        self.lock().watched = true;
    }

    /// What is kept of a domain, or the whole domain, has changed.
    pub(crate) fn forget(&self, domid: u32) {
        let mut state = self.lock();
        state.changes += 1;
        if let Some(known) = state.remove(domid) {
            if state.last.len() >= LAST_MAX {
                state.last.clear();
            }
            state.last.insert(domid, known);
        }
    }

    /// Changes may have been missed.
    pub(crate) fn forget_all(&self) {
        let mut state = self.lock();
        state.changes += 1;
        state.known.clear();
        state.numbers.clear();
    }

    /// The domain of a name, if it is known, and what is known of it.
    pub(crate) fn whose(&self, name: &str) -> Option<(Identity, Known)> {
        let state = self.lock();
        let domid = *state.numbers.get(name)?.first()?;
        let known = state.known.get(&domid)?;
        let identity = Identity {
            domid,
            uuid: known.uuid,
        };
        Some((identity, known.clone()))
    }

    /// What is known of these domains, and after how many changes.
    fn recall(&self, domains: &[Identity]) -> (Vec<Option<Known>>, u64) {
        let mut state = self.lock();
        let known = |domain: &Identity| {
            let known = state.known.get(&domain.domid);
            known.filter(|known| known.uuid == domain.uuid).cloned()
        };
        let found: Vec<Option<Known>> = domains.iter().map(known).collect();
        // Domains that are gone are dropped, so that the memory stays flat.
        if state.known.len() > found.iter().flatten().count() {
            let present = domains.iter().zip(&found);
            let present =
                present.filter_map(|(domain, known)| known.as_ref().map(|_| domain.domid));
            let present: HashSet<u32> = present.collect();
            let mut gone: Vec<u32> = state.known.keys().copied().collect();
            gone.retain(|domid| !present.contains(domid));
            gone.iter().for_each(|domid| drop(state.remove(*domid)));
        }
        (found, state.changes)
    }

    /// Gives domains that XenStore has no name of the last one that it had.
    fn name_last(&self, domains: &[Identity], read: &mut [(Known, bool)]) {
        let state = self.lock();
        for (domain, (known, is_named)) in domains.iter().zip(read) {
            let last = state.last.get(&domain.domid);
            if let Some(last) = last.filter(|last| !*is_named && last.uuid == domain.uuid) {
                *known = last.clone();
            }
        }
    }

    fn keep(&self, domains: &[Identity], read: &[(Known, bool)], changes: u64) {
        let mut state = self.lock();
        if !state.watched || state.changes != changes {
            return;
        }
        for (domain, (known, is_named)) in domains.iter().zip(read) {
            if *is_named {
                state.insert(domain.domid, known.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, domid: u32, known: Known) {
        self.remove(domid);
        let named = self.numbers.entry(known.name.clone()).or_default();
        named.insert(domid);
        self.known.insert(domid, known);
    }

    fn remove(&mut self, domid: u32) -> Option<Known> {
        let known = self.known.remove(&domid)?;
        if let Some(named) = self.numbers.get_mut(&known.name) {
            named.remove(&domid);
            if named.is_empty() {
                self.numbers.remove(&known.name);
            }
        }
        Some(known)
    }
}

/// Reads what is asked; with each goes whether XenStore has a name of it.
async fn read(facts: &Facts, domains: &[Identity], asked: Asked) -> Result<Vec<(Known, bool)>> {
    let mut paths: Vec<String> = domains.iter().map(|d| name_path(d.domid)).collect();
    paths.extend(domains.iter().filter_map(|it| asked.types.path(*it)));
    let most_at = paths.len();
    if asked.most {
        paths.extend(domains.iter().map(|it| most_path(it.domid)));
    }
    let mut values = facts.read(&paths).await?;
    let most = values.split_off(most_at.min(values.len()));
    let types = values.split_off(domains.len().min(values.len()));
    let types = types.into_iter().chain(std::iter::repeat(None));
    let most = most.into_iter().chain(std::iter::repeat(None));
    let named = domains.iter().zip(values).zip(types.zip(most));
    Ok(named
        .map(|((domain, name), (kind, most))| {
            let is_named = name.as_ref().is_some_and(|name| !name.is_empty());
            let known = Known {
                uuid: domain.uuid,
                name: name_or_stand_in(name, domain.domid, domain.uuid),
                kind: match kind.as_deref() {
                    Some("hvm" | "vmx") => OsType::Hvm,
                    Some("pvh") => OsType::XenPvh,
                    _ => OsType::Xen,
                },
                most: most.and_then(|kib| kib.parse().ok()).map(MemoryKib),
            };
            (known, is_named)
        })
        .collect())
}

fn most_path(domid: u32) -> String {
    format!("/local/domain/{domid}/memory/static-max")
}
