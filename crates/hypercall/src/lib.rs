//! Xen's toolstack hypercalls, on every release from 3.0.1 on.
//!
//! [`abi`] is what differs between releases, as data; [`Xen`] the operations on
//! it, with one reader and one writer for all releases. They go through a
//! [`Gate`]: [`Privcmd`] is the kernel's, a simulator has its own. Which operation
//! a host uses when is not here.

pub mod abi;
mod affinity;
mod call;
mod cpupool;
mod domain;
mod error;
pub mod evtchn;
mod gate;
mod node;
mod observe;
mod pages;
mod privcmd;
mod probe;
mod scheduler;
mod vcpu;
mod version;

pub use abi::{Abi, Arch, Release};
pub use cpupool::CpuPool;
pub use domain::{Domain, DomainFlags, Trigger, decode_domains};
pub use error::{Error, Result};
pub use gate::{Argument, Errno, Gate, Pointer, Request};
pub use node::{CpuTopology, PhysicalInfo};
pub use observe::{Observed, Observer};
pub use privcmd::Privcmd;
pub use scheduler::{SchedulerId, SchedulerParameters};
pub use vcpu::Vcpu;
pub use version::Version;

use std::sync::atomic::AtomicUsize;

/// A hypervisor and the layouts that it speaks.
pub struct Xen {
    gate: Box<dyn Gate>,
    abi: Abi,
    version: Version,
    /// How many domains the next list has room for at first.
    room: AtomicUsize,
    /// Where the answer about one domain has what, which is asked most often.
    one: Option<domain::Element>,
}

impl Xen {
    /// Finds out which layouts the hypervisor behind `gate` speaks.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::UnknownAbi`] for a Xen newer than the
    /// table, and what the gate says.
    pub fn open(gate: Box<dyn Gate>, arch: Arch) -> Result<Self> {
        let (abi, version) = probe::probe(gate.as_ref(), arch)?;
        let room = AtomicUsize::new(domain::BATCH);
        let one = domain::Element::of_one(&abi);
        Ok(Self {
            gate,
            abi,
            version,
            room,
            one,
        })
    }

    /// The layouts that were found.
    #[must_use]
    pub fn abi(&self) -> &Abi {
        &self.abi
    }

    /// The hypervisor's version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }
}
