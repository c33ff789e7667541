//! Plain types of the seam, in Xen's words.
//!
//! No behaviour beyond display, nothing of any one channel.

use std::collections::BTreeMap;
use std::time::Duration;
use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};

/// Version of the hypervisor, as far as the host tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct XenVersion {
    /// 3 or 4.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// What follows, with its dot or dash: `.1`, `-rc3`.
    pub extra: String,
}

impl XenVersion {
    /// Where no channel tells it.
    pub const UNKNOWN: Self = Self {
        major: 0,
        minor: 0,
        extra: String::new(),
    };

    /// Version of the format of XenD's configurations in this release,
    /// `xend_config_format`; XenD tells it from 3.0.3 on.
    #[must_use]
    pub fn config_format(&self) -> Option<u32> {
        let patch = self.extra.trim_start_matches('.');
        match (self.major, self.minor) {
            (..=2, _) => None,
            (3, 0) => match patch.chars().next() {
                Some('0'..='2') => None,
                Some('3') => Some(2),
                _ => Some(3),
            },
            _ => Some(4),
        }
    }
}

impl std::fmt::Display for XenVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if *self == Self::UNKNOWN {
            return f.write_str("of unknown version");
        }
        write!(f, "{}.{}{}", self.major, self.minor, self.extra)
    }
}

/// The machine under Xen.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Host name.
    pub host_name: String,
    /// Kernel of Domain-0: name, release, machine.
    pub system: String,
    /// Kernel release of Domain-0.
    pub kernel: String,
    /// Machine as `uname -m` says it.
    pub machine: String,
    /// Processors and how they hang together.
    pub topology: NodeTopology,
    /// Clock in MHz.
    pub cpu_mhz: u32,
    /// Feature words of the processors, as Xen prints them.
    pub hw_caps: String,
    /// Whether guests can be given devices behind an IOMMU, where the host tells.
    pub has_iommu: Option<bool>,
    /// Memory of the machine.
    pub memory: MemoryKib,
    /// Memory that no domain has.
    pub free_memory: MemoryKib,
    /// Free memory of each NUMA node, where the host tells.
    pub free_by_node: Vec<MemoryKib>,
    /// Memory of each NUMA node, where the host tells.
    pub memory_by_node: Vec<MemoryKib>,
    /// Guest types: `xen-3.0-x86_64 hvm-3.0-x86_32 …`.
    pub guest_types: Vec<String>,
    /// Scheduler: `credit`, `sedf`, …, where the host tells.
    pub scheduler: Option<String>,
    /// Hypervisor's version.
    pub version: XenVersion,
}

/// Processors and how they hang together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTopology {
    /// Logical processors.
    pub cpus: u32,
    /// NUMA nodes.
    pub nodes: u32,
    /// Sockets of a NUMA node.
    pub sockets_per_node: u32,
    /// Cores of a socket.
    pub cores_per_socket: u32,
    /// Threads of a core.
    pub threads_per_core: u32,
    /// Processors of each NUMA node, where the host tells.
    pub node_cpus: Vec<Vec<u32>>,
    /// Socket and core of each processor, where the host tells (Xen 4.1 on).
    pub places: BTreeMap<u32, CpuPlace>,
}

/// Where a processor sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuPlace {
    /// Its socket.
    pub socket: u32,
    /// Its core within the socket.
    pub core: u32,
}

/// What a domain is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainState {
    /// On a processor.
    Running,
    /// Alive, waiting for something.
    Blocked,
    /// Its vcpus are stopped.
    Paused,
    /// It has shut down and is being cleaned up or preserved.
    Shutdown,
    /// It was suspended and waits to go on: it sleeps, or its memory was saved or sent.
    Suspended,
    /// It has crashed and is preserved.
    Crashed,
    /// It is being destroyed.
    Dying,
    /// Active, no flag set.
    NoState,
    /// Not active.
    Halted,
}

/// What monitoring knows of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainInfo {
    /// Name.
    pub name: String,
    /// Number, while active.
    pub domid: Option<DomId>,
    /// Identifier.
    pub uuid: Uuid,
    /// State.
    pub state: DomainState,
    /// Memory it has; for an inactive one, will have.
    pub memory: MemoryKib,
    /// Memory it may have.
    pub max_memory: MemoryKib,
    /// Vcpus that are online.
    pub vcpus: u32,
    /// Vcpus that it may have.
    pub max_vcpus: u32,
    /// Processor time of all vcpus since it was started.
    pub cpu_time: Duration,
    /// Kind of guest.
    pub kind: OsType,
    /// It is also defined and stays when it ends. `None` where the host does not
    /// tell: XenD says it of inactive domains only, for active ones it is known
    /// from its files, so not from another machine.
    pub persistent: Option<bool>,
}

/// One vcpu.
#[derive(Clone, Debug, PartialEq)]
pub struct VcpuInfo {
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
    /// The processor it ran on last, if it ever ran.
    pub cpu: Option<u32>,
    /// The processors it may run on.
    pub affinity: Vec<u32>,
}

/// What the guest is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownReason {
    /// Shut down and power off.
    Poweroff,
    /// Shut down and start again.
    Reboot,
    /// Shut down and halt.
    Halt,
}

/// An event of the machine that a guest is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A non-maskable interrupt of its first vcpu, which many kernels answer with a
    /// dump of their state.
    Nmi,
    /// Its ACPI power button; fully virtualized guests only.
    PowerButton,
}

impl Trigger {
    /// How messages call it.
    pub(crate) const fn operation(self) -> &'static str {
        match self {
            Self::Nmi => "inject-nmi",
            Self::PowerButton => "shutdown by the power button",
        }
    }
}

/// How memory is dumped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpMode {
    /// The guest runs on meanwhile.
    pub live: bool,
    /// The domain is destroyed afterwards.
    pub crash: bool,
    /// The domain is restarted afterwards.
    pub reset: bool,
}

/// Where and how a domain is moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrateOptions {
    /// Host name or address of the destination.
    pub host: String,
    /// Port of its relocation server; XenD's default is 8002.
    pub port: Option<u16>,
    /// The guest runs on meanwhile.
    pub live: bool,
}

/// Parameters of a domain under the host's scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// Credit scheduler, Xen 3.0.3 and later.
    Credit {
        /// Share, 1 to 65535; 256 is normal.
        weight: u32,
        /// Limit in percent of one processor, 0 for none.
        cap: u32,
    },
    /// Credit2 scheduler, Xen 4.1 and later.
    Credit2 {
        /// Share, 1 to 65535; 256 is normal.
        weight: u32,
        /// Limit in percent of one processor, 0 for none; `None` before Xen 4.10.
        cap: Option<u32>,
    },
    /// RTDS scheduler, Xen 4.5 and later. Times in microseconds.
    Rtds {
        /// Period.
        period: u32,
        /// Guaranteed time in each period.
        budget: u32,
    },
    /// SEDF scheduler, until Xen 4.5. Times in milliseconds.
    Sedf {
        /// Period.
        period: u64,
        /// Guaranteed time in each period.
        slice: u64,
        /// Scaled period for domains that do much I/O.
        latency: u64,
        /// May have time that is left over.
        extra_time: bool,
        /// Share instead of period and slice, 0 for none.
        weight: u32,
    },
}

/// Where a VNC server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VncServer {
    /// Address, empty for all.
    pub address: String,
    /// TCP port.
    pub port: u16,
}

/// A channel that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The channel: `XenD`, `XenStore`, `hypercalls`, …
    pub channel: &'static str,
    /// Where it was looked for.
    pub place: String,
    /// It can be used.
    pub found: bool,
    /// What it is, or why it cannot be used and what to do about it.
    pub note: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = if self.found { "found" } else { "missing" };
        write!(f, "{} ({}: {found})", self.channel, self.place)
    }
}

/// The route of one kind of operation, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteReport {
    /// Kind of operation: `monitoring`, `life cycle`, `inactive guests`, …
    pub operation: &'static str,
    /// Channel that serves it, `None` if nothing does.
    pub channel: Option<String>,
    /// Why this one, or what to do about it when there is none.
    pub note: String,
}
