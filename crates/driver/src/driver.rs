//! The driver: a host, its registry and jobs, and the rights of one caller.
//!
//! Calls are in `domain/` and `node`; how they reach the host is in `call`.

use crate::access::{Access, AllowAll};
use crate::destinations::Destinations;
use crate::documents::Documents;
use crate::events::Subscription;
use crate::job::Jobs;
use crate::registry::{Registry, Snapshot};
use crate::store::Store;
use crate::{Error, JobInfo, Networks, Operation, Result};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::broadcast;
use virtxen_formats::cpu_map::CpuDescription;
use virtxen_guest::Uuid;
use virtxen_host::{Folders, Host};

/// How a driver is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a call waits for another job of the domain.
    pub job_wait: Duration,
    /// Limits every operation further than its own deadline does.
    pub deadline: Option<Duration>,
    /// A list may be this old. Zero: the host is asked each time, and only when it
    /// does not answer is the last snapshot shown.
    pub max_age: Duration,
    /// A document may be this old in what neither the hypervisor shows nor anybody tells.
    /// Zero: the host is asked each time.
    pub document_age: Duration,
    /// A list or a document waits no longer than this for a host that does not answer, when
    /// an older one can be shown instead.
    pub patience: Duration,
    /// Time between two looks at the host while somebody listens for events. A host
    /// that is slow to answer is asked less often.
    pub poll_interval: Duration,
    /// Events that wait for a slow subscriber before it has to look again.
    pub event_queue: usize,
    /// Where what the host cannot keep of its guests is kept; nowhere without.
    pub folders: Option<Folders>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            job_wait: Duration::from_secs(30),
            deadline: None,
            max_age: Duration::ZERO,
            document_age: Duration::ZERO,
            patience: Duration::MAX,
            poll_interval: Duration::from_secs(1),
            event_queue: 1024,
            folders: None,
        }
    }
}

/// The one call path to a Xen host. Cheap to clone; clones share everything.
///
/// Calls that change something must be made inside a tokio runtime: they run in a
/// task of their own and go on when the caller goes away.
#[derive(Clone)]
pub struct Driver {
    pub(crate) inner: Arc<Inner>,
    pub(crate) session: Session,
}

pub(crate) struct Inner {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) options: Options,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) documents: Documents,
    /// The last look at all domains did not end in time, or has not yet: who has an older
    /// one to show does not wait for the next.
    pub(crate) is_silent: AtomicBool,
    /// Tells which domains this driver has changed.
    pub(crate) changes: broadcast::Sender<Uuid>,
    /// Domains on their way to and from other hosts.
    pub(crate) moving: crate::domain::Moving,
    /// The model of the host's processors; none if it has no name.
    pub(crate) cpu_model: tokio::sync::OnceCell<Option<CpuDescription>>,
    /// A poller is at work.
    pub(crate) polling: AtomicBool,
    /// When the last look began that callers shared; held while one is under way.
    pub(crate) looked: tokio::sync::Mutex<Option<tokio::time::Instant>>,
}

/// The rights of one caller.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) access: Arc<dyn Access>,
    pub(crate) read_only: bool,
    pub(crate) networks: Option<Arc<dyn Networks>>,
    pub(crate) destinations: Option<Arc<dyn Destinations>>,
}

impl Driver {
    /// A driver for a host, whose caller may do everything. Asks the host nothing.
    #[must_use]
    pub fn open(host: Arc<dyn Host>, options: Options) -> Self {
        Self {
            inner: Arc::new(Inner {
                registry: Registry::new(options.event_queue),
                store: Store::new(options.folders.as_ref(), &*host),
                documents: Documents::new(options.document_age, options.patience),
                is_silent: AtomicBool::new(false),
                changes: broadcast::Sender::new(options.event_queue),
                host,
                options,
                jobs: Arc::default(),
                moving: crate::domain::Moving::default(),
                cpu_model: tokio::sync::OnceCell::new(),
                polling: AtomicBool::new(false),
                looked: tokio::sync::Mutex::default(),
            }),
            session: Session {
                access: Arc::new(AllowAll),
                read_only: false,
                networks: None,
                destinations: None,
            },
        }
    }

    /// The same driver for a caller with other rights.
    #[must_use]
    pub fn with_access(&self, access: Arc<dyn Access>, read_only: bool) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            session: Session {
                access,
                read_only,
                networks: self.session.networks.clone(),
                destinations: self.session.destinations.clone(),
            },
        }
    }

    /// The same driver for a caller whose guests may be on virtual networks.
    #[must_use]
    pub fn with_networks(mut self, networks: Arc<dyn Networks>) -> Self {
        self.session.networks = Some(networks);
        self
    }

    /// The same driver for a caller whose guests may go to hosts of other daemons.
    #[must_use]
    pub fn with_destinations(mut self, destinations: Arc<dyn Destinations>) -> Self {
        self.session.destinations = Some(destinations);
        self
    }

    /// The host itself, for what has no words in libvirt: routes, logs, warnings.
    #[must_use]
    pub fn host(&self) -> &Arc<dyn Host> {
        &self.inner.host
    }

    /// The host itself, as a connection that may have none says it.
    pub(crate) fn reached_host(&self) -> Option<&Arc<dyn Host>> {
        Some(self.host())
    }

    /// The last snapshot of all domains, if there is one; waits for nothing.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.inner.registry.snapshot()
    }

    /// The job that runs on the domain of this name.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<JobInfo> {
        self.inner.jobs.current(name)
    }

    /// The jobs that run, with the names of their domains: what has to end before the
    /// program does.
    #[must_use]
    pub fn jobs(&self) -> Vec<(String, JobInfo)> {
        self.inner.jobs.running()
    }

    /// Subscribes to lifecycle events. The domains that are there when this
    /// returns give no event.
    ///
    /// # Errors
    /// When the host cannot be asked for its domains.
    pub async fn subscribe(&self) -> Result<Subscription> {
        self.check(Operation::Events, None)?;
        // What changed since the last look, before anybody listened, is no event. Who
        // has the inactive domains may hang: then their events begin when he answers.
        if self.inner.host.lists_active_apart() {
            self.inner.look_at_active().await?;
        } else {
            self.inner.look_at_all().await?;
        }
        let subscription = self.inner.registry.subscribe();
        crate::poll::start(&self.inner);
        Ok(subscription)
    }

    /// Files where the driver keeps what the host cannot that are nothing of the kind, and
    /// why: for people.
    pub async fn store_notices(&self) -> Vec<String> {
        self.inner.store.notices().await
    }

    /// Refuses what the caller may not do.
    pub(crate) fn check(&self, operation: Operation, domain: Option<&crate::Domain>) -> Result<()> {
        let row = operation.row();
        if row.writes && self.session.read_only {
            return Err(Error::ReadOnly {
                operation: row.verb,
            });
        }
        if self.session.access.allows(&row, domain) {
            return Ok(());
        }
        Err(Error::Denied {
            operation: row.verb,
            permission: row.permission,
        })
    }
}
