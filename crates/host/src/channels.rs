//! The channels of one host, as found: what opens each of them, or why there is
//! none. Made by `probe` for the machine that virtxen runs on, by others for hosts
//! in memory.

use crate::hypercall::{EventNode, Machine};
use crate::trace::Observer;
use crate::{
    DiskSnapshots, Error, NodeFiles, Result, Trace, XenHost, XenVersion, XendHost, routes,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use virtxen_guest::Uuid;
use virtxen_hypercall::{Arch, Gate, Observed, Xen};
use virtxen_libxl::{Launch, Worker};
use virtxen_xend::{Client, Deadlines};
use virtxen_xenstore::{Store, Stream};

/// Whether XenD also keeps the configuration of an active domain, so that it stays
/// when it ends. XenD's documents look the same either way, its files do not.
pub type Kept = Arc<dyn Fn(Uuid) -> Option<bool> + Send + Sync>;

/// Makes connections to a XenD, again for each request.
pub(crate) type XendConnector = Arc<dyn virtxen_xend::Connector>;

/// The process that calls libxl.
pub(crate) struct LibxlChannel {
    pub(crate) worker: Worker,
    /// What it is, for people: the library, as far as it was looked for.
    pub(crate) place: String,
    pub(crate) observer: Option<Observer>,
}

/// A channel, or why it cannot be used.
pub(crate) type Channel<T> = std::result::Result<T, String>;

/// What a host can be reached by. Channels are added, then the host is opened.
pub struct Channels {
    pub(crate) xen: Channel<Arc<Xen>>,
    pub(crate) store: Channel<Store>,
    pub(crate) xend: Channel<XendConnector>,
    pub(crate) libxl: Channel<LibxlChannel>,
    /// Tells that a domain has ended, where there is no XenStore.
    pub(crate) exceptions: Channel<EventNode>,
    pub(crate) files: Channel<NodeFiles>,
    pub(crate) disks: Option<Arc<dyn DiskSnapshots>>,
    pub(crate) deadlines: Deadlines,
    pub(crate) kept: Option<Kept>,
    pub(crate) machine: Option<Machine>,
    pub(crate) version: Option<XenVersion>,
    pub(crate) xm_folder: Channel<PathBuf>,
    pub(crate) documents: Channel<PathBuf>,
    pub(crate) relocation: Option<u16>,
    pub(crate) simulated: bool,
    pub(crate) trace: Option<Trace>,
}

impl Channels {
    /// No channel yet; requests will be reported to `trace`.
    #[must_use]
    pub fn new(deadlines: Deadlines, trace: Option<Trace>) -> Self {
        let missing = || "it was not looked for".to_owned();
        Self {
            xen: Err(missing()),
            store: Err(missing()),
            xend: Err(missing()),
            libxl: Err(missing()),
            exceptions: Err(missing()),
            files: Err(routes::NO_COUNTERS.to_owned()),
            disks: None,
            deadlines,
            kept: None,
            machine: None,
            version: None,
            xm_folder: Err(missing()),
            documents: Err(missing()),
            relocation: None,
            simulated: false,
            trace,
        }
    }

    /// Hypercalls go through `gate`, or are not possible for the reason given.
    /// Finds out which layouts the hypervisor speaks.
    #[must_use]
    pub fn hypercalls(mut self, gate: Channel<Box<dyn Gate>>, arch: Option<Arch>) -> Self {
        let arch = arch.ok_or_else(|| "Xen does not run on this processor".to_owned());
        self.xen = arch.and_then(|arch| {
            let mut gate = gate?;
            let opened = Arc::new(AtomicBool::new(false));
            if let Some(trace) = &self.trace {
                let observer = trace.observer("hypercall");
                let opened = Arc::clone(&opened);
                // The same calls find the interface versions and then serve.
                let marked = move |what: &str, took| match opened.load(Ordering::Relaxed) {
                    true => observer(what, took),
                    false => observer(&format!("probe: {what}"), took),
                };
                gate = Box::new(Observed::new(gate, Arc::new(marked)));
            }
            let xen = Xen::open(gate, arch).map_err(|error| error.to_string())?;
            opened.store(true, Ordering::Relaxed);
            Ok(Arc::new(xen))
        });
        self
    }

    /// XenStore is there, or not for the reason given.
    #[must_use]
    pub fn xenstore(mut self, store: Channel<Store>) -> Self {
        self.store = store.map(|store| match &self.trace {
            Some(trace) => store.with_observer(trace.observer("XenStore")),
            None => store,
        });
        self
    }

    /// The node of the hypervisor's event that a domain has shut down or gone, or why
    /// there is none. It is of use where there is no XenStore.
    #[must_use]
    pub fn exceptions(mut self, node: Channel<Box<dyn Stream>>) -> Self {
        self.exceptions = node;
        self
    }

    /// XenD is reached by `connector`, or not for the reason given.
    #[must_use]
    pub fn xend(mut self, connector: Channel<Box<dyn virtxen_xend::Connector>>) -> Self {
        self.xend = connector.map(|connector| -> XendConnector {
            match &self.trace {
                Some(trace) => Arc::new(virtxen_xend::Observed::new(
                    connector,
                    trace.observer("XenD"),
                )),
                None => Arc::from(connector),
            }
        });
        self
    }

    /// libxl, found at `place`, is called by a process that is started when it is first
    /// needed, or cannot be for the reason given.
    #[must_use]
    pub fn libxl(mut self, launch: Channel<Launch>, place: impl Into<String>) -> Self {
        self.libxl = launch.map(|launch| LibxlChannel {
            worker: Worker::new(launch),
            place: place.into(),
            observer: self.trace.as_ref().map(|trace| trace.observer("libxl")),
        });
        self
    }

    /// The files of Domain-0's kernel.
    #[must_use]
    pub fn files(mut self, files: NodeFiles) -> Self {
        self.files = Ok(match &self.trace {
            Some(trace) => files.observed(trace.observer("file")),
            None => files,
        });
        self
    }

    /// What takes snapshots of the host's disks.
    #[must_use]
    pub fn disks(mut self, disks: Arc<dyn DiskSnapshots>) -> Self {
        self.disks = Some(disks);
        self
    }

    /// Who knows whether an active domain is also defined.
    #[must_use]
    pub fn kept(mut self, kept: Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    /// Domain-0's part of what is known of the machine.
    #[must_use]
    pub fn machine(mut self, machine: Machine) -> Self {
        self.machine = Some(machine);
        self
    }

    /// The hypervisor's version, where the kernel tells it without hypercalls.
    #[must_use]
    pub fn version(mut self, version: Option<XenVersion>) -> Self {
        self.version = version;
        self
    }

    /// The folder of xm's configuration files, which are the inactive guests where
    /// XenD keeps none (before Xen 3.0.4), or why there is none.
    #[must_use]
    pub fn xm_files(mut self, folder: Channel<PathBuf>) -> Self {
        self.xm_folder = folder;
        self
    }

    /// The folder of libvirt's documents, which are the inactive guests where no XenD
    /// keeps them (Xen 4.2 and later without XenD), or why there is none.
    #[must_use]
    pub fn documents(mut self, folder: Channel<PathBuf>) -> Self {
        self.documents = folder;
        self
    }

    /// The TCP port on which XenD takes domains of other hosts, if it is not 8002.
    #[must_use]
    pub fn relocation(mut self, port: Option<u16>) -> Self {
        self.relocation = port;
        self
    }

    /// The host exists in memory only.
    #[must_use]
    pub fn simulated(mut self) -> Self {
        self.simulated = true;
        self
    }

    /// Fixes the routes and opens the host. XenD is asked nothing as long as other
    /// channels serve, and libxl not started.
    ///
    /// # Errors
    /// When no channel can say what there is.
    pub async fn open(self) -> Result<XenHost> {
        XenHost::open(self).await
    }
}

/// Reaches XenD and asks what it is.
pub(crate) async fn open_xend(connector: XendConnector, deadlines: Deadlines) -> Result<XendHost> {
    let address = connector.address();
    match Client::open(connector, deadlines).await {
        Ok(client) => Ok(XendHost::new(client)),
        Err(error) => Err(Error::Channel {
            channel: format!("XenD at {address}"),
            reason: error.to_string(),
            source: Some(Box::new(error)),
        }),
    }
}
