//! Monitoring by XenStore alone, for a host that grants neither hypercalls nor a
//! XenD: which domains there are, not what they do. States and processor times are
//! in no node.

use super::homes::HOMES;
use super::{Facts, name_or_stand_in, name_path};
use crate::{DomainInfo, DomainState, Result};
use std::time::Duration;
use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};

/// What is read of each domain, in this order.
const NODES: [&str; 3] = ["vm", "memory/target", "memory/static-max"];

/// Lists domains from their homes.
pub(crate) struct StoreMonitor {
    facts: Facts,
}

impl StoreMonitor {
    pub(crate) fn new(facts: Facts) -> Self {
        Self { facts }
    }

    /// All active domains, by number.
    pub(crate) async fn domains(&self) -> Result<Vec<DomainInfo>> {
        let domids = self.domids().await?;
        self.read(&domids).await
    }

    /// The active domain of a name. Only names are read of the others.
    pub(crate) async fn domain(&self, name: &str) -> Result<Option<DomainInfo>> {
        let mut domids = self.domids().await?;
        let paths: Vec<String> = domids.iter().map(|domid| name_path(*domid)).collect();
        let mut names = self
            .facts
            .read(&paths)
            .await?
            .into_iter()
            .map(Option::unwrap_or_default);
        // Whether it stands in for a name that is missing shows when all is read.
        domids.retain(|_| names.next().is_some_and(|it| it.is_empty() || it == name));
        let domains = self.read(&domids).await?;
        Ok(domains.into_iter().find(|domain| domain.name == name))
    }

    /// Numbers of the domains that have a home, or a rest of one.
    async fn domids(&self) -> Result<Vec<u32>> {
        let homes = self.facts.store().directory(HOMES).await;
        let homes = homes.map_err(|error| self.facts.failed(error))?;
        let mut domids: Vec<u32> = homes.iter().filter_map(|home| home.parse().ok()).collect();
        domids.sort_unstable();
        Ok(domids)
    }

    async fn read(&self, domids: &[u32]) -> Result<Vec<DomainInfo>> {
        let paths: Vec<String> = domids.iter().flat_map(|domid| paths(*domid)).collect();
        let values = self.facts.read(&paths).await?;
        let rows = values.chunks_exact(NODES.len() + 1);
        let mut domains = Vec::with_capacity(domids.len());
        for (domid, row) in domids.iter().zip(rows) {
            if let [name, vm, target, limit] = row {
                domains.extend(info(*domid, name, vm.as_deref(), [target, limit]));
            }
        }
        Ok(domains)
    }
}

fn paths(domid: u32) -> [String; NODES.len() + 1] {
    let node = |path: &str| format!("{HOMES}/{domid}/{path}");
    let [vm, target, limit] = NODES.map(node);
    [name_path(domid), vm, target, limit]
}

/// A domain, unless its home is only a rest.
fn info(
    domid: u32,
    name: &Option<String>,
    vm: Option<&str>,
    memory: [&Option<String>; 2],
) -> Option<DomainInfo> {
    let uuid = vm.and_then(|vm| vm.rsplit('/').next()?.parse().ok());
    let uuid: Uuid = match uuid {
        Some(uuid) => uuid,
        None if domid == 0 => Uuid::ZERO,
        None => return None,
    };
    let [target, limit] = memory.map(|text| text.as_ref().and_then(|text| text.parse().ok()));
    let target = target.unwrap_or(0);
    Some(DomainInfo {
        name: name_or_stand_in(name.clone(), domid, uuid),
        domid: Some(DomId(domid)),
        uuid,
        state: DomainState::NoState,
        memory: MemoryKib(target),
        max_memory: MemoryKib(limit.unwrap_or(target)),
        vcpus: 0,
        max_vcpus: 0,
        cpu_time: Duration::ZERO,
        kind: OsType::Xen,
        persistent: None,
    })
}
