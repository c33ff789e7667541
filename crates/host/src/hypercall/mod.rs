//! Monitoring by hypercalls: domains, vcpus, scheduler parameters, the machine.
//!
//! One `getdomaininfolist` lists 1024 domains; what the hypervisor does not know,
//! names above all, comes from XenStore. A hypercall takes microseconds and waits
//! for nobody, so it is made where it is needed, on the caller's thread.

mod control;
mod exception;
pub(crate) mod node;

use crate::statistics::{ActiveDomain, VcpuTime};
use crate::xenstore::{Asked, Changes, Facts, Identity, Known, Names, Types};
use crate::{DomainInfo, DomainState, Ending, Error, HostEvents, Result, VcpuInfo};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};
use virtxen_hypercall::{Domain, Release, Xen};

pub(crate) use exception::{EventNode, Exceptions};
pub use node::Machine;

/// KiB of a page.
const PAGE_KIB: u64 = 4;

/// Why a domain has shut down: it crashed.
const SHUTDOWN_CRASH: u8 = 3;

/// Why a domain has shut down: it was suspended.
const SHUTDOWN_SUSPEND: u8 = 2;

/// From this release on the hypervisor tells fully virtualized domains.
const TELLS_TYPE: Release = Release {
    major: 3,
    minor: 0,
    point: 4,
};

/// From this release on there are PVH guests, of which it tells that they are fully
/// virtualized.
const HAS_PVH: Release = Release {
    major: 4,
    minor: 10,
    point: 0,
};

/// From this release on libxl builds all guests: there is no XenD.
const BUILT_BY_LIBXL: Release = Release {
    major: 4,
    minor: 5,
    point: 0,
};

/// Nanoseconds that SEDF counts in, of a millisecond.
const MILLISECOND: u64 = 1_000_000;

/// Monitors a host by hypercalls.
pub(crate) struct HypercallMonitor {
    xen: Arc<Xen>,
    named: Option<Named>,
    /// Who tells of changes where there is no XenStore.
    exceptions: Option<Exceptions>,
    /// Processors and memory, which do not change while Xen runs.
    cpus: u32,
    memory: MemoryKib,
}

/// Where names come from.
struct Named {
    facts: Facts,
    names: Arc<Names>,
    changes: Changes,
}

impl HypercallMonitor {
    /// Changes are told by XenStore, with `facts`, else by the hypervisor's event.
    pub(crate) fn new(
        xen: Arc<Xen>,
        facts: Option<Facts>,
        event: Option<EventNode>,
    ) -> Result<Self> {
        let physical = xen.physical_info().map_err(|error| failed(&error))?;
        let named = facts.map(|facts| {
            let names = Arc::new(Names::default());
            let changes = Changes::new(facts.clone(), Arc::clone(&names), Some(Arc::clone(&xen)));
            Named {
                facts,
                names,
                changes,
            }
        });
        let exceptions = match named {
            Some(_) => None,
            None => Some(Exceptions::new(Arc::clone(&xen), event)),
        };
        Ok(Self {
            xen,
            named,
            exceptions,
            cpus: physical.cpus,
            memory: MemoryKib(physical.memory / 1024),
        })
    }

    pub(crate) fn xen(&self) -> &Xen {
        &self.xen
    }

    pub(crate) fn shared(&self) -> Arc<Xen> {
        Arc::clone(&self.xen)
    }

    /// All active domains, by number.
    pub(crate) async fn domains(&self) -> Result<Vec<DomainInfo>> {
        let domains = self.xen.domains().map_err(|error| failed(&error))?;
        if let Some(named) = &self.named {
            named.changes.endings().saw(&domains);
        }
        let domains = without_remains(domains);
        let identities: Vec<Identity> = domains.iter().map(identity).collect();
        let names = match &self.named {
            Some(named) => named.of(&identities, self.asked()).await?,
            None => identities.iter().map(Known::nothing).collect(),
        };
        let infos = domains.iter().zip(names);
        Ok(infos
            .map(|(domain, known)| self.info(domain, known))
            .collect())
    }

    /// Domains that have shut down and are not being destroyed.
    pub(crate) fn shut_down(&self) -> Result<Vec<(DomId, Uuid, Ending)>> {
        let domains = self.xen.domains().map_err(|error| failed(&error))?;
        let ended = domains.iter().filter(|it| {
            let flags = &it.flags;
            it.domid != 0 && flags.shutdown && !flags.dying
        });
        let told = ended.map(|it| {
            let ending = Ending::of_code(it.flags.shutdown_code);
            (DomId(it.domid), Uuid(it.handle), ending)
        });
        Ok(told.collect())
    }

    /// The active domain of a name that was read and has not changed since; `None`
    /// when only a list can tell.
    pub(crate) fn known(&self, name: &str) -> Option<DomainInfo> {
        let (identity, known) = self.named.as_ref()?.names.whose(name)?;
        let domain = self.xen.domain(identity.domid).ok()?;
        // While it is taken down, its next run may be there.
        let same = !domain.flags.dying && Uuid(domain.handle) == identity.uuid;
        same.then(|| self.info(&domain, known))
    }

    /// The vcpus of a domain that may have `count` of them.
    pub(crate) fn vcpus(&self, name: &str, domid: DomId, count: u32) -> Result<Vec<VcpuInfo>> {
        let mut vcpus = Vec::new();
        for number in 0..count {
            let vcpu = self.xen.vcpu(domid.0, number);
            let Some(vcpu) = vcpu.map_err(|error| about(name, error))? else {
                continue;
            };
            let affinity = self.xen.affinity(domid.0, number, self.cpus);
            let ran = vcpu.cpu_time > 0 || vcpu.running;
            vcpus.push(VcpuInfo {
                number,
                online: vcpu.online,
                blocked: vcpu.blocked,
                running: vcpu.running,
                time: Duration::from_nanos(vcpu.cpu_time),
                cpu: (vcpu.online && ran && vcpu.cpu < self.cpus).then_some(vcpu.cpu),
                affinity: affinity.map_err(|error| about(name, error))?,
            });
        }
        Ok(vcpus)
    }

    /// Where the vcpus of a domain that has `count` should rather run.
    pub(crate) fn soft_affinity(
        &self,
        name: &str,
        domid: DomId,
        count: u32,
    ) -> Result<Vec<Vec<u32>>> {
        let of_vcpu = |vcpu| self.xen.soft_affinity(domid.0, vcpu, self.cpus);
        let all = (0..count).map(|vcpu| of_vcpu(vcpu).map_err(|error| about(name, error)));
        all.collect()
    }

    /// What the vcpus of a domain do, without where they may run.
    pub(crate) fn vcpu_times(&self, domain: &ActiveDomain) -> Result<Vec<VcpuTime>> {
        let mut times = Vec::new();
        for number in 0..domain.max_vcpus {
            let vcpu = self.xen.vcpu(domain.domid.0, number);
            let Some(vcpu) = vcpu.map_err(|error| about(&domain.name, error))? else {
                continue;
            };
            times.push(VcpuTime {
                number,
                online: vcpu.online,
                blocked: vcpu.blocked,
                running: vcpu.running,
                time: Duration::from_nanos(vcpu.cpu_time),
            });
        }
        Ok(times)
    }

    /// Events of XenStore, else of the hypervisor.
    pub(crate) async fn events(&self) -> Option<HostEvents> {
        if let Some(exceptions) = &self.exceptions {
            return Some(exceptions.listen());
        }
        let named = self.named.as_ref()?;
        named.changes.begin().await;
        Some(HostEvents::new(named.changes.listen()))
    }

    /// Whether the hypervisor itself tells of the end of domains.
    pub(crate) fn hears_exceptions(&self) -> bool {
        self.exceptions.as_ref().is_some_and(Exceptions::has_node)
    }

    /// Why a domain that is gone has ended, if somebody saw it.
    pub(crate) async fn ending(&self, domid: DomId) -> Option<Ending> {
        match &self.exceptions {
            Some(exceptions) => exceptions.ending(domid),
            None => self.named.as_ref()?.changes.ending(domid).await,
        }
    }

    /// What XenStore is to be asked of domains.
    fn asked(&self) -> Asked {
        let release = self.xen.version().release;
        let types = match release {
            release if release < TELLS_TYPE => Types::Xend,
            release if release >= HAS_PVH => Types::Libxl,
            _ => Types::Told,
        };
        Asked {
            types,
            most: self.built_by_libxl(),
        }
    }

    fn built_by_libxl(&self) -> bool {
        self.xen.version().release >= BUILT_BY_LIBXL
    }

    /// What XenStore says of a domain has changed, and nobody has to be told of it first.
    pub(crate) fn forget(&self, domid: DomId) {
        if let Some(named) = &self.named {
            named.names.forget(domid.0);
        }
    }

    fn info(&self, domain: &Domain, known: Known) -> DomainInfo {
        let memory = MemoryKib(domain.pages.saturating_mul(PAGE_KIB));
        let limit = MemoryKib(domain.max_pages.saturating_mul(PAGE_KIB));
        DomainInfo {
            name: known.name,
            domid: Some(DomId(domain.domid)),
            uuid: Uuid(domain.handle),
            state: match state(domain) {
                // XenD suspends domains only to save them.
                DomainState::Suspended if !self.built_by_libxl() => DomainState::Shutdown,
                state => state,
            },
            memory,
            // Domain-0 has no limit on many hosts; then it is the machine's memory.
            max_memory: match known.most {
                Some(most) if domain.domid != 0 => most,
                _ if self.memory.0 > 0 && limit > self.memory => self.memory,
                _ => limit,
            },
            vcpus: domain.online_vcpus,
            max_vcpus: domain.max_vcpu_id.map_or(0, |id| id.saturating_add(1)),
            cpu_time: Duration::from_nanos(domain.cpu_time),
            kind: match known.kind {
                OsType::Xen if domain.flags.hvm => OsType::Hvm,
                kind => kind,
            },
            persistent: None,
        }
    }
}

impl Named {
    async fn of(&self, domains: &[Identity], asked: Asked) -> Result<Vec<Known>> {
        // The watches go first on the connection, so that no change is missed.
        let names = self.names.of(&self.facts, domains, asked);
        let ((), names) = tokio::join!(biased; self.changes.begin(), names);
        names
    }
}

fn identity(domain: &Domain) -> Identity {
    Identity {
        domid: domain.domid,
        uuid: Uuid(domain.handle),
    }
}

/// Leaves out a domain that is being taken down while its next run is there: a
/// reboot, as everybody but the hypervisor sees it.
fn without_remains(mut domains: Vec<Domain>) -> Vec<Domain> {
    let alive = domains.iter().filter(|domain| !domain.flags.dying);
    let alive: HashSet<[u8; 16]> = alive.map(|domain| domain.handle).collect();
    domains.retain(|domain| !domain.flags.dying || !alive.contains(&domain.handle));
    domains
}

/// The worst flag counts.
fn state(domain: &Domain) -> DomainState {
    let flags = domain.flags;
    if flags.dying {
        DomainState::Dying
    } else if flags.shutdown && flags.shutdown_code == SHUTDOWN_CRASH {
        DomainState::Crashed
    } else if flags.shutdown && flags.shutdown_code == SHUTDOWN_SUSPEND {
        DomainState::Suspended
    } else if flags.shutdown {
        DomainState::Shutdown
    } else if flags.paused {
        DomainState::Paused
    } else if flags.running {
        DomainState::Running
    } else if flags.blocked {
        DomainState::Blocked
    } else {
        DomainState::NoState
    }
}

fn about(name: &str, error: virtxen_hypercall::Error) -> Error {
    match error {
        virtxen_hypercall::Error::NoDomain { .. } => Error::NoDomain {
            name: name.to_owned(),
        },
        error => failed(&error),
    }
}

pub(crate) fn failed(error: &virtxen_hypercall::Error) -> Error {
    match error {
        virtxen_hypercall::Error::Unsupported { operation, .. } => Error::Unsupported {
            operation,
            reason: error.to_string(),
        },
        virtxen_hypercall::Error::Refused { operation, errno } => Error::Refused {
            operation,
            reason: errno.to_string(),
        },
        _ => Error::Channel {
            channel: "hypercalls".to_owned(),
            reason: error.to_string(),
            source: Some(Box::new(error.clone())),
        },
    }
}
