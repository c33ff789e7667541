//! Plain types of counters: disks, interfaces, vcpus, balloons, the machine.
//!
//! A number that nobody counts is `None`, a device that nobody counts has the
//! reason in place of counters. Where the numbers come from is in `files` and in
//! `xen`.

use crate::{Node, VcpuInfo};
use std::time::Duration;
use virtxen_guest::{DomId, MemoryKib};

/// An active domain whose numbers are asked for. By number and not by name: what
/// counts ends with this run of the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveDomain {
    /// Number.
    pub domid: DomId,
    /// Name.
    pub name: String,
    /// Vcpus that it may have.
    pub max_vcpus: u32,
}

/// A disk and what went through it since the domain was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskStatistics {
    /// Number of the device, which Xen calls it by: 51712.
    pub device: u32,
    /// Name in the guest: `xvda`.
    pub target: String,
    /// File or block device on the host, where XenStore tells.
    pub source: Option<String>,
    /// The counters, or why there are none.
    pub counters: Result<DiskCounters, String>,
}

impl DiskStatistics {
    /// Whether it is this that somebody calls by the name in the guest, the number,
    /// or the source.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        self.target == word
            || self.source.as_deref() == Some(word)
            || crate::files::device_number(word) == Some(self.device)
    }
}

/// Counters of a disk. `None`: this kernel does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCounters {
    /// Reads.
    pub read_requests: Option<u64>,
    /// Bytes read. Kernels of Xen 3.0.4 and later.
    pub read_bytes: Option<u64>,
    /// Writes.
    pub write_requests: Option<u64>,
    /// Bytes written. Kernels of Xen 3.0.4 and later.
    pub write_bytes: Option<u64>,
    /// Flushes, on older kernels barriers. Kernels of Xen 3.3 and later.
    pub flush_requests: Option<u64>,
    /// Discards. Linux 3.2 and later.
    pub discard_requests: Option<u64>,
    /// Times that the back end had to wait because too much was under way.
    pub waits: Option<u64>,
}

/// An interface and what went through it since the domain was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceStatistics {
    /// Name on the host: `vif1.0`.
    pub name: String,
    /// Number among the domain's interfaces.
    pub handle: u32,
    /// Address, where XenStore tells.
    pub mac: Option<String>,
    /// The counters, or why there are none.
    pub counters: Result<InterfaceCounters, String>,
}

/// Counters of an interface as its guest sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// What the guest received.
    pub received: Traffic,
    /// What the guest sent.
    pub sent: Traffic,
}

/// One direction of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errors: u64,
    /// Packets that were dropped.
    pub dropped: u64,
}

/// What a vcpu does and has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VcpuTime {
    /// Number, from 0.
    pub number: u32,
    /// It is online.
    pub online: bool,
    /// It waits for something.
    pub blocked: bool,
    /// It is on a processor.
    pub running: bool,
    /// Its processor time.
    pub time: Duration,
}

/// Memory of a domain as it was told. `None`: nobody told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balloon {
    /// What it is asked to have.
    pub target: Option<MemoryKib>,
    /// What it was started for: more it can never have.
    pub most: Option<MemoryKib>,
    /// What its system says that it uses, caches not counted. Guests with Qubes OS's
    /// agent tell; a guest can tell anything.
    pub used: Option<MemoryKib>,
}

/// How the time of processors was spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessorTimes {
    /// Whose processors these are.
    pub scope: ProcessorScope,
    /// Of each processor, by number.
    pub cpus: Vec<CpuTimes>,
    /// Of all together.
    pub total: CpuTimes,
}

/// Whose processors were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessorScope {
    /// The machine's, as the hypervisor sees them.
    Machine,
    /// The vcpus of Domain-0 only: what its kernel sees.
    Domain0,
}

/// How the time of one or all processors was spent since the start. `None`: it is
/// not told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// Of the machine: all that is neither Domain-0's nor idle, and for a single
    /// processor all that is not idle. Of Domain-0: its programs.
    pub user: Option<Duration>,
    /// Of the machine: Domain-0. Of Domain-0: its kernel.
    pub system: Option<Duration>,
    /// Nothing to do.
    pub idle: Option<Duration>,
    /// Nothing to do but to wait for a disk.
    pub iowait: Option<Duration>,
}

/// Memory of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeMemory {
    /// Of the machine, and what of it no domain has.
    pub all: MemoryPart,
    /// Of each NUMA node, where the host tells.
    pub cells: Vec<MemoryPart>,
    /// What Domain-0's kernel has in buffers.
    pub buffers: Option<MemoryKib>,
    /// What Domain-0's kernel keeps of files.
    pub cached: Option<MemoryKib>,
}

/// Memory of the machine or of one NUMA node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryPart {
    /// In all; `None` where the host does not tell.
    pub total: Option<MemoryKib>,
    /// What of it no domain has.
    pub free: MemoryKib,
}

impl From<&VcpuInfo> for VcpuTime {
    fn from(vcpu: &VcpuInfo) -> Self {
        Self {
            number: vcpu.number,
            online: vcpu.online,
            blocked: vcpu.blocked,
            running: vcpu.running,
            time: vcpu.time,
        }
    }
}

impl From<&Node> for NodeMemory {
    /// As far as the node tells: caches are not among it.
    fn from(node: &Node) -> Self {
        let part = |total, free| MemoryPart { total, free };
        let cells = node.free_by_node.iter();
        Self {
            all: part(Some(node.memory), node.free_memory),
            cells: cells.map(|free| part(None, *free)).collect(),
            buffers: None,
            cached: None,
        }
    }
}
