//! A host's domains through libxl: Xen 4.5 and later.
//!
//! One file a family of operations, called as XenD's. The library is called by a
//! process of its own, which `virtxen-libxl` starts when it is first needed; what a
//! configuration means is in `virtxen-formats`. What the hypervisor and XenStore tell
//! is not asked here.

mod config;
mod devices;
mod emulator;
mod failure;
mod guest;
mod input;
mod lifecycle;
mod memory;
mod migrate;
mod save;
mod seen;
mod vcpu;

use crate::channels::LibxlChannel;
use crate::files::NodeFiles;
use crate::hypercall::HypercallMonitor;
use crate::xenstore::Facts;
use crate::{DomainInfo, Result};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;
use virtxen_formats::libxl::{Release, Target};
use virtxen_guest::DomId;
use virtxen_hypercall::Xen;
use virtxen_libxl::{Operation, Outcome};

pub(crate) use save::open;

/// libxl of a host. Clones are the same.
#[derive(Clone)]
pub(crate) struct Libxl {
    inner: Arc<Inner>,
}

struct Inner {
    channel: LibxlChannel,
    target: Target,
    facts: Option<Facts>,
    files: Option<NodeFiles>,
    xen: Option<Arc<Xen>>,
    /// Guests are given memory one after the other, so that none takes what was made
    /// free for another.
    room: tokio::sync::Mutex<()>,
    seen: seen::Seen,
}

/// A domain that runs, and the libxl that has it.
pub(crate) struct Running {
    libxl: Libxl,
    domid: u32,
    info: DomainInfo,
}

impl Libxl {
    /// libxl of a release, which knows from others how large the host is.
    pub(crate) fn new(
        channel: LibxlChannel,
        release: Release,
        facts: Option<Facts>,
        files: Option<NodeFiles>,
        hypercalls: Option<&HypercallMonitor>,
    ) -> Self {
        let mut target = Target::new(release);
        let xen = hypercalls.map(HypercallMonitor::shared);
        if let Some(physical) = xen.as_ref().and_then(|xen| xen.physical_info().ok()) {
            target.cpus = Some(physical.cpus);
            target.nodes = Some(physical.nodes);
        }
        Self {
            inner: Arc::new(Inner {
                channel,
                target,
                facts,
                files,
                xen,
                room: tokio::sync::Mutex::default(),
                seen: seen::Seen::default(),
            }),
        }
    }

    /// What it is, for people.
    pub(crate) fn place(&self) -> String {
        self.inner.channel.place.clone()
    }

    pub(crate) fn release(&self) -> Release {
        self.inner.target.release
    }

    /// A domain that runs; one without a number does not.
    pub(crate) fn running(&self, info: DomainInfo) -> Option<Running> {
        let domid = info.domid?.0;
        Some(Running {
            libxl: self.clone(),
            domid,
            info,
        })
    }

    /// Asks for something about the guest `name`. Whoever stops waiting aborts it.
    async fn ask(
        &self,
        name: &str,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
    ) -> Result<Outcome> {
        let what = operation.name();
        let begin = Instant::now();
        let channel = &self.inner.channel;
        let outcome = channel.worker.call(operation, descriptors, |_| {}).await;
        if let Some(observer) = &channel.observer {
            let told = match &outcome {
                Ok(_) => format!("{what} {name}"),
                Err(error) => format!("{what} {name}: {error}"),
            };
            observer(told.trim_end(), begin.elapsed());
        }
        outcome.map_err(|error| failure::failed(name, what, error))
    }
}

impl Running {
    pub(crate) fn number(&self) -> DomId {
        DomId(self.domid)
    }

    /// Vcpus that it may have.
    pub(crate) fn vcpus_max(&self) -> u32 {
        self.info.max_vcpus
    }

    pub(crate) fn name(&self) -> &str {
        &self.info.name
    }

    async fn ask(&self, operation: Operation) -> Result<Outcome> {
        self.libxl.ask(self.name(), operation, Vec::new()).await
    }

    /// Changes something of the domain.
    async fn done(&self, operation: Operation) -> Result<()> {
        let done = self.ask(operation).await;
        self.libxl.inner.seen.forget(self.domid);
        done.map(drop)
    }
}
