//! The hypervisor's side of hypercalls: requests as bytes in, answers as bytes
//! out, in the layout of any release.
//!
//! [`SimHypervisor`] checks what Xen checks (version before command, privilege,
//! lengths of buffers) and keeps each release's habits; the domains themselves
//! are a [`Machine`]'s: `host` has those of a simulated host. `page` writes answers,
//! `serve` carries calls of other processes.

mod cpupool;
mod exception;
mod host;
mod node;
mod operations;
mod page;
pub(crate) mod scheduler;
mod serve;

pub(crate) use cpupool::Pools;
pub use scheduler::Schedule;

use page::Page;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use virtxen_hypercall::abi::{Arch, Family};
use virtxen_hypercall::{Abi, Argument, Errno, Gate, Release, Request};

/// A domain as the hypervisor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineDomain {
    /// Its number.
    pub domid: u32,
    /// Its uuid.
    pub handle: [u8; 16],
    /// Fully virtualized.
    pub hvm: bool,
    /// Stopped by the toolstack.
    pub paused: bool,
    /// All its vcpus wait.
    pub blocked: bool,
    /// It has shut down, with this code.
    pub shutdown: Option<u8>,
    /// Being destroyed.
    pub dying: bool,
    /// Memory in pages of 4 KiB.
    pub pages: u64,
    /// Most memory in pages of 4 KiB.
    pub max_pages: u64,
    /// Processor time in nanoseconds.
    pub cpu_time: u64,
    /// Processors that each vcpu may run on.
    pub affinity: Vec<Vec<u32>>,
    /// How many vcpus are online.
    pub online: u32,
    /// Which they are; without it the first ones.
    pub online_vcpus: Option<BTreeSet<u32>>,
    /// Processors that each vcpu should rather run on; nothing set means all.
    pub soft_affinity: Vec<Vec<u32>>,
    /// Parameters under each scheduler.
    pub schedule: Schedule,
}

/// What is in the machine, and what can be done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineFacts {
    /// Processors.
    pub cpus: u32,
    /// Cores of a socket, with one thread each.
    pub cores: u32,
    /// NUMA nodes.
    pub nodes: u32,
    /// Number of the scheduler that Xen was started with.
    pub scheduler: u32,
    /// Memory in pages of 4 KiB: all, and free.
    pub pages: (u64, u64),
    /// Clock in kHz.
    pub cpu_khz: u32,
    /// Guest types: `xen-3.0-x86_64 …`.
    pub capabilities: String,
}

/// What a control domain asks for a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Stop its vcpus.
    Pause,
    /// Let them run on.
    Unpause,
    /// End it.
    Destroy,
    /// The most memory it may have, in KiB.
    MaxMemory(u64),
    /// Where a vcpu may run.
    Affinity(u32, Vec<u32>),
    /// Where a vcpu should rather run.
    SoftAffinity(u32, Vec<u32>),
    /// Parameters under a scheduler.
    Schedule(Schedule),
    /// Press its power button.
    PowerButton,
}

/// Domains behind a simulated hypervisor.
pub trait Machine: Send + Sync {
    /// The machine itself.
    fn facts(&self) -> MachineFacts;

    /// How long each processor has been idle, in nanoseconds.
    fn idle_times(&self) -> Vec<u64> {
        vec![0; self.facts().cpus as usize]
    }

    /// All domains, by number.
    fn domains(&self) -> Vec<MachineDomain>;

    /// At most so many domains from this number on, by number.
    fn domains_from(&self, first: u32, most: usize) -> Vec<MachineDomain> {
        let mut domains = self.domains();
        domains.retain(|domain| domain.domid >= first);
        domains.truncate(most);
        domains
    }

    /// The domain of this number.
    fn domain(&self, domid: u32) -> Option<MachineDomain> {
        let mut domains = self.domains_from(domid, 1).into_iter();
        domains.find(|domain| domain.domid == domid)
    }

    /// Does something to a domain.
    ///
    /// # Errors
    /// ESRCH when there is no such domain, and what Xen would say.
    fn change(&self, domid: u32, change: Change) -> Result<(), Errno>;
}

/// A hypervisor of one release.
pub struct SimHypervisor {
    abi: Abi,
    release: Release,
    extra: String,
    privileged: bool,
    machine: Box<dyn Machine>,
    pools: Pools,
    calls: AtomicU64,
}

impl SimHypervisor {
    /// The hypervisor of a release; `None` for one that the table does not have.
    #[must_use]
    pub fn new(release: Release, arch: Arch, machine: Box<dyn Machine>) -> Option<Self> {
        let abi = Abi::of_release(arch, release)?;
        let extra = format!(".{}", release.point);
        let calls = AtomicU64::new(0);
        Some(Self {
            abi,
            release,
            extra,
            privileged: true,
            machine,
            pools: Pools::default(),
            calls,
        })
    }

    /// The same with cpupools that others see too.
    #[must_use]
    pub(crate) fn with_pools(mut self, pools: Pools) -> Self {
        self.pools = pools;
        self
    }

    /// Whether this is a release or a later one.
    fn since(&self, major: u8, minor: u8) -> bool {
        (self.release.major, self.release.minor) >= (major, minor)
    }

    /// The same, called from a domain that controls nothing.
    #[must_use]
    pub fn unprivileged(mut self) -> Self {
        self.privileged = false;
        self
    }

    /// The same with another interface, as a Xen newer than the table has.
    #[must_use]
    pub fn with_interfaces(mut self, interfaces: virtxen_hypercall::abi::Interfaces) -> Self {
        self.abi.interfaces = interfaces;
        self
    }

    /// Hypercalls that were made so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// `xen_version`: numbers, extra version, capabilities, changeset, size of a page.
    fn version(&self, arguments: &[Argument], buffers: &mut [Vec<u8>]) -> Result<u64, Errno> {
        let text = match arguments.first() {
            Some(Argument::Value(0)) => {
                let Release { major, minor, .. } = self.release;
                return Ok(u64::from(major) << 16 | u64::from(minor));
            }
            Some(Argument::Value(1)) => self.extra.clone(),
            Some(Argument::Value(3)) => self.machine.facts().capabilities,
            Some(Argument::Value(4)) => "simulated".to_owned(),
            Some(Argument::Value(7)) => return Ok(4096),
            _ => return Err(Errno::ENOSYS),
        };
        let Some(Argument::Buffer(index)) = arguments.get(1) else {
            return Err(Errno::EFAULT);
        };
        let buffer = buffers.get_mut(*index).ok_or(Errno::EFAULT)?;
        let room = buffer.get_mut(..=text.len()).ok_or(Errno::EFAULT)?;
        room.fill(0);
        room.iter_mut()
            .zip(text.bytes())
            .for_each(|(to, from)| *to = from);
        Ok(0)
    }
}

impl Gate for SimHypervisor {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        let (number, arguments, pointers) =
            (request.number(), request.arguments(), request.pointers());
        let buffers = request.answer();
        self.calls.fetch_add(1, Ordering::Relaxed);
        if number == 17 {
            return self.version(arguments, buffers);
        }
        let families = [Family::Dom0Op, Family::Sysctl, Family::Domctl];
        let known = families
            .into_iter()
            .find(|family| family.number() == number);
        let family = known.ok_or(Errno::ENOSYS)?;
        let Some(version) = self.abi.version(family) else {
            return Err(Errno::ENOSYS);
        };
        let Some(Argument::Buffer(0)) = arguments.first() else {
            return Err(Errno::EFAULT);
        };
        let mut page = Page::new(&self.abi, family, buffers, pointers)?;
        // Up to 3.3 privilege is looked at first, from 4.0 on the version.
        let late = self.since(4, 0);
        if !late && !self.privileged {
            return Err(Errno::EPERM);
        }
        if page.word(4)? != version {
            return Err(Errno::EACCES);
        }
        if !self.privileged {
            return Err(Errno::EPERM);
        }
        let command = page.word(0)?;
        self.operation(family, command, &mut page)
    }
}
