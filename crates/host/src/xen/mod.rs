//! A Xen host over all its channels, with one route for each kind of operation.
//!
//! Routes are fixed when the host is opened, by what is there:
//!
//! | operation | best | else |
//! | --- | --- | --- |
//! | domains, information, vcpus | hypercalls with names of XenStore | XenD; without XenD hypercalls or XenStore alone |
//! | scheduler parameters | as information | |
//! | machine | hypercalls | XenD |
//! | pause, destroy, most memory | XenD, or libxl from Xen 4.5 on | hypercalls |
//! | pinning, scheduler parameters | XenD | hypercalls |
//! | asking a guest to shut down | XenD, or libxl | XenStore |
//! | magic keys | XenD | XenStore |
//! | vcpus one by one | XenStore, with libxl libxl | XenD, the last ones |
//! | NMI, ACPI power button | hypercalls from Xen 3.1 on | |
//! | cpupools; credit2 and RTDS | hypercalls, names of cpupools in XenStore | |
//! | consoles | XenStore | |
//! | VNC server | XenStore | XenD, for a guest of which XenStore has no port |
//! | life cycle, devices, save | XenD, or libxl where there is none | |
//! | inactive domains | XenD; before Xen 3.0.4 files of xm | without XenD, from Xen 4.2 on, libvirt's documents |
//! | events | XenStore, with hypercalls for states, and the folder of guests' files | XenStore; without it the hypervisor's event and looks |
//! | counters of disks and interfaces | files of Domain-0's kernel, with what XenStore says of devices | |
//! | PCI devices for guests and back | libxl | files of Domain-0's kernel |
//! | times of vcpus | hypercalls | XenD |
//! | times of processors | hypercalls from Xen 3.2 on | files, of Domain-0 only |
//! | memory of the machine | as machine, with Domain-0's caches from files | |
//!
//! No call tries another channel when its own fails: then the error says which one
//! failed. XenD is first asked when an operation needs it, so that one that hangs
//! stops nobody else; libxl's process is started then as well.

mod console;
mod cpupool;
mod document;
mod ended;
mod guest;
mod inactive;
mod operations;
mod pci;
mod report;
mod scheduler;
mod statistics;
mod stream;
mod toolstack;
mod usb;
mod vcpu;

use crate::channels::{Channel, Channels, XendConnector, open_xend};
use crate::guest_files::GuestFiles;
use crate::hypercall::{HypercallMonitor, Machine, node};
use crate::libxl::Libxl;
use crate::xenstore::{Changes, Facts, StoreMonitor};
use crate::{
    DiskSnapshots, DomainInfo, Error, Host, Kept, NodeFiles, Result, XenVersion, XendHost, routes,
};
use std::sync::Arc;
use tokio::sync::OnceCell;
use virtxen_guest::{DomId, Uuid};
use virtxen_xend::Deadlines;

/// A Xen host over all its channels.
pub struct XenHost {
    monitoring: Monitoring,
    hypercalls: Channel<HypercallMonitor>,
    /// Why the hypervisor does not tell of the end of domains.
    silent: String,
    store: Channel<StoreMonitor>,
    facts: Option<Facts>,
    /// What XenStore tells where hypercalls do not monitor.
    changes: Option<Changes>,
    xend: Xend,
    libxl: Channel<Libxl>,
    files: Channel<NodeFiles>,
    disks: Option<Arc<dyn DiskSnapshots>>,
    /// PCI devices change hands one after the other.
    pci: tokio::sync::Mutex<()>,
    kept: Option<Kept>,
    /// Inactive guests as files, where no XenD keeps them.
    guest_files: Channel<GuestFiles>,
    machine: Option<Machine>,
    version: XenVersion,
    relocation: Option<u16>,
    simulated: bool,
}

/// The route of monitoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Monitoring {
    Hypercalls,
    XenStore,
    Xend,
}

impl Monitoring {
    /// The best that there is.
    fn of(
        hypercalls: &Channel<HypercallMonitor>,
        store: &Channel<virtxen_xenstore::Store>,
        xend: &Channel<XendConnector>,
    ) -> Result<Self> {
        Ok(match (hypercalls, store, xend) {
            (Ok(_), Ok(_), _) | (Ok(_), _, Err(_)) => Self::Hypercalls,
            (_, _, Ok(_)) => Self::Xend,
            (Err(_), Ok(_), Err(_)) => Self::XenStore,
            (Err(hypercalls), Err(store), Err(xend)) => {
                return Err(nothing(&[
                    ("hypercalls", hypercalls),
                    ("XenStore", store),
                    ("XenD", xend),
                ]));
            }
        })
    }
}

/// XenD, which is asked what it is when it is first needed.
struct Xend {
    connector: Channel<XendConnector>,
    deadlines: Deadlines,
    opened: OnceCell<XendHost>,
}

impl XenHost {
    /// Fixes the routes.
    pub(crate) async fn open(channels: Channels) -> Result<Self> {
        let facts = channels.store.clone().ok().map(Facts::new);
        let silent = channels.exceptions.as_ref().err().cloned();
        let event = channels.exceptions.ok();
        let hypercalls = channels.xen.and_then(|xen| {
            let monitor = HypercallMonitor::new(xen, facts.clone(), event);
            monitor.map_err(|error| error.to_string())
        });
        let monitoring = Monitoring::of(&hypercalls, &channels.store, &channels.xend)?;
        let store = channels
            .store
            .map(|store| StoreMonitor::new(Facts::new(store)));
        let tells = monitoring != Monitoring::Hypercalls;
        let changes = facts.clone().filter(|_| tells);
        let mut host = Self {
            monitoring,
            hypercalls,
            silent: silent.unwrap_or_default(),
            changes: changes.map(|facts| Changes::new(facts, Arc::default(), None)),
            store,
            facts,
            xend: Xend {
                connector: channels.xend,
                deadlines: channels.deadlines,
                opened: OnceCell::new(),
            },
            libxl: Err(String::new()),
            files: channels.files,
            disks: channels.disks,
            pci: tokio::sync::Mutex::default(),
            kept: channels.kept,
            guest_files: Err(String::new()),
            machine: channels.machine,
            version: XenVersion::UNKNOWN,
            relocation: channels.relocation,
            simulated: channels.simulated,
        };
        host.version = host.find_version(channels.version).await?;
        host.libxl = host.find_libxl(channels.libxl);
        let folders = inactive::Folders {
            xm: channels.xm_folder,
            documents: channels.documents,
        };
        let (version, trace) = (&host.version, channels.trace.as_ref());
        host.guest_files = inactive::files(folders, version, host.has_xend(), trace);
        host.glance_at_files().await;
        Ok(host)
    }

    /// The version of Xen, where somebody knows it; `told` by who made the channels.
    async fn find_version(&self, told: Option<XenVersion>) -> Result<XenVersion> {
        Ok(match (&self.hypercalls, told) {
            (Ok(hypercalls), _) => node::version(hypercalls.xen().version()),
            (Err(_), Some(version)) => version,
            (Err(_), None) if self.has_xend() => self.xend("connect").await?.version(),
            (Err(_), None) => XenVersion::UNKNOWN,
        })
    }

    /// The host through XenD, for what only XenD can do.
    async fn xend(&self, operation: &'static str) -> Result<&XendHost> {
        let connector = match &self.xend.connector {
            Ok(connector) => Arc::clone(connector),
            Err(why) => return Err(routes::no_xend(operation, why, &self.libxl)),
        };
        let open = || async {
            let mut host = open_xend(connector, self.xend.deadlines).await?;
            if let Some(facts) = &self.facts {
                host = host.with_xenstore(facts.store().clone());
            }
            if let Some(kept) = &self.kept {
                host = host.with_kept(Arc::clone(kept));
            }
            Ok(host)
        };
        self.xend.opened.get_or_try_init(open).await
    }

    /// Number of an active domain, for an operation that inactive ones do not have.
    async fn active_number(&self, name: &str, operation: &'static str) -> Result<DomId> {
        if let Some((domid, _)) = self.number(name).await? {
            return Ok(domid);
        }
        if self.in_file(name).await?.is_none() {
            if !self.keeps_inactive() {
                return Err(no_domain(name));
            }
            self.xend(operation).await?.domain(name).await?;
        }
        Err(Error::State {
            name: name.to_owned(),
            operation,
            state: "not active".to_owned(),
            needed: "active",
        })
    }

    /// Why a domain's details cannot be told without hypercalls.
    fn unmonitored(&self, name: &str, operation: &'static str) -> Error {
        match usable("hypercalls", &self.hypercalls) {
            Ok(_) => no_domain(name),
            Err(error) => Error::Unsupported {
                operation,
                reason: format!("it needs hypercalls: {error}"),
            },
        }
    }

    /// The hypercalls of a host that is monitored by them.
    fn hypercalls(&self) -> Result<&HypercallMonitor> {
        usable("hypercalls", &self.hypercalls)
    }

    async fn types_of_guests(&self) -> Result<Vec<String>> {
        match &self.hypercalls {
            Ok(hypercalls) => Ok(hypercalls.guest_types()),
            Err(_) => Ok(self.node().await?.guest_types),
        }
    }

    async fn active(&self) -> Result<Vec<DomainInfo>> {
        let mut domains = match self.monitoring {
            Monitoring::Xend => self.xend("list").await?.domains().await?,
            Monitoring::Hypercalls => self.hypercalls()?.domains().await?,
            Monitoring::XenStore => usable("XenStore", &self.store)?.domains().await?,
        };
        self.mark(&mut domains).await;
        Ok(domains)
    }

    /// Says of active domains whether they outlive their run.
    async fn mark(&self, domains: &mut [DomainInfo]) {
        if self.guest_files.is_ok() {
            self.mark_defined(domains).await;
        } else if self.monitoring != Monitoring::Xend {
            for domain in domains {
                domain.persistent = self.is_kept(domain.uuid);
            }
        }
    }

    async fn active_domain(&self, name: &str) -> Result<Option<DomainInfo>> {
        let mut domains = self.active_of(name).await?;
        let found = domains.iter().position(|domain| domain.name == name);
        Ok(found.map(|at| domains.swap_remove(at)))
    }

    /// The active domain of a name alone where that can be told, else all.
    async fn active_of(&self, name: &str) -> Result<Vec<DomainInfo>> {
        if self.monitoring == Monitoring::Hypercalls
            && let Some(mut domain) = self.hypercalls()?.known(name)
        {
            self.mark(std::slice::from_mut(&mut domain)).await;
            return Ok(vec![domain]);
        }
        if self.monitoring == Monitoring::XenStore {
            let mut domain = usable("XenStore", &self.store)?.domain(name).await?;
            self.mark(domain.as_mut_slice()).await;
            return Ok(domain.into_iter().collect());
        }
        self.active().await
    }

    /// Number of an active domain, and how many vcpus it may have; `None` for one
    /// that XenD may know.
    async fn number(&self, name: &str) -> Result<Option<(DomId, u32)>> {
        let found = self.active_domain(name).await?;
        Ok(found.and_then(|domain| Some((domain.domid?, domain.max_vcpus))))
    }

    fn has_xend(&self) -> bool {
        self.xend.connector.is_ok()
    }

    /// Whether XenD has inactive domains to be asked for.
    fn keeps_inactive(&self) -> bool {
        self.has_xend() && inactive::kept_by_xend(&self.version)
    }

    fn is_kept(&self, uuid: Uuid) -> Option<bool> {
        if uuid == Uuid::ZERO {
            // Domain-0 outlives everything.
            Some(true)
        } else if self.has_xend() && !self.keeps_inactive() {
            Some(false)
        } else {
            self.kept.as_ref().and_then(|kept| kept(uuid))
        }
    }
}

fn no_domain(name: &str) -> Error {
    Error::NoDomain {
        name: name.to_owned(),
    }
}

fn usable<'a, T>(channel: &str, it: &'a Channel<T>) -> Result<&'a T> {
    it.as_ref().map_err(|why| Error::Channel {
        channel: channel.to_owned(),
        reason: why.clone(),
        source: None,
    })
}

fn nothing(reasons: &[(&str, &String)]) -> Error {
    let reasons: Vec<String> = reasons
        .iter()
        .map(|(channel, why)| format!("{channel}: {why}"))
        .collect();
    Error::Channel {
        channel: "xen".to_owned(),
        reason: format!("no channel can be used; {}", reasons.join("; ")),
        source: None,
    }
}
