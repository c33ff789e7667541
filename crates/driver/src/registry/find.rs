//! What is known of single domains, for those who look one up.
//!
//! Nobody is asked here: how what is known comes about is in the folder's root.

use super::Registry;
use crate::job::lock;
use crate::{Domain, DomainKey};
use std::collections::HashSet;
use std::time::Duration;
use virtxen_guest::{DomId, Uuid};
use virtxen_host::HostEvent;

impl Registry {
    /// Whether all domains were seen within this time.
    pub(crate) fn is_fresh(&self, age: Duration) -> bool {
        let complete = lock(&self.known).complete;
        complete.is_some_and(|taken| taken.elapsed() < age)
    }

    /// The domain of a key, if it is known not to be active.
    pub(crate) fn inactive(&self, key: &DomainKey) -> Option<Domain> {
        let known = lock(&self.known);
        let mut domains = known.domains.values().map(|seen| &seen.domain);
        let domain = match key {
            DomainKey::Uuid(uuid) => &known.domains.get(uuid)?.domain,
            DomainKey::Name(name) => domains.find(|domain| domain.name == *name)?,
            DomainKey::Id(_) => return None,
        };
        (!domain.is_active()).then(|| domain.clone())
    }

    /// Takes out what was seen before the host told it, as what our own calls define is: a
    /// look at all domains for each would be much of the work.
    pub(crate) fn keep_news(&self, told: &mut Vec<HostEvent>) {
        let names = told.iter().filter_map(|event| match event {
            HostEvent::Defined(name) | HostEvent::Undefined(name) => Some(name.clone()),
            _ => None,
        });
        let names: HashSet<String> = names.collect();
        if names.is_empty() {
            return;
        }
        let known = lock(&self.known);
        let known = known.domains.values().map(|seen| &seen.domain);
        let known = known.filter(|domain| domain.persistent == Some(true));
        let known = known.map(|domain| domain.name.as_str());
        let defined: HashSet<&str> = known.filter(|name| names.contains(*name)).collect();
        told.retain(|event| match event {
            HostEvent::Defined(name) => !defined.contains(name.as_str()),
            HostEvent::Undefined(name) => defined.contains(name.as_str()),
            _ => true,
        });
    }

    /// Numbers of the active domains that are known.
    pub(crate) fn active_numbers(&self) -> Vec<DomId> {
        let known = lock(&self.known);
        let domains = known.domains.values();
        domains.filter_map(|seen| seen.domain.id).collect()
    }

    /// The name that a domain had when it was last seen.
    pub(crate) fn name(&self, uuid: Uuid) -> Option<String> {
        let known = lock(&self.known);
        known
            .domains
            .get(&uuid)
            .map(|seen| seen.domain.name.clone())
    }

    /// The uuid of a domain that had this name when it was last seen.
    pub(crate) fn uuid(&self, name: &str) -> Option<Uuid> {
        let known = lock(&self.known);
        let mut domains = known.domains.values().map(|seen| &seen.domain);
        domains
            .find(|domain| domain.name == name)
            .map(|domain| domain.uuid)
    }

    /// The number that a domain had when it was last seen.
    pub(crate) fn number(&self, uuid: Uuid) -> Option<DomId> {
        lock(&self.known).domains.get(&uuid)?.domain.id
    }
}
