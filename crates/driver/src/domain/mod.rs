//! Domains in libvirt's words: key, state, what a look-up tells, filters.
//!
//! The calls are in the files beside this one, one a family of libvirt's API.
//! How a call reaches the host is in `call`.

mod affect;
mod autostart;
mod block;
mod bulk;
mod console;
mod devices;
mod ended;
mod image;
mod input;
mod interrupted;
mod job;
mod keyboard;
mod lifecycle;
mod list;
mod managed_save;
mod memory;
mod metadata;
mod migrate;
mod moving;
mod peer;
mod rfb;
mod save;
mod scheduler;
mod screen;
mod sleep;
mod snapshot;
mod state;
mod statistics;
mod status;
mod streaming;
mod tunnel;
mod underway;
mod vcpu;
mod xml;

pub use affect::Affect;
use affect::Part;
pub use block::InterfaceAddress;
pub use bulk::{AllStats, DomainStats, StatsGroups};
pub use console::ConsoleStream;
pub use devices::{BlockEntry, InterfaceEntry};
pub use ended::TakenDown;
pub use interrupted::Interrupted;
pub use lifecycle::{ShutdownMode, UndefineFlags};
pub use list::ListFilter;
pub use metadata::{MetadataChange, MetadataKind};
pub use migrate::MigrateFlags;
pub use moving::{Arrival, Departure};
pub use peer::Journey;
pub use save::DumpFlags;
pub use scheduler::{TypedParameter, TypedValue};
pub use sleep::SleepTarget;
pub use snapshot::{SnapshotDeletion, SnapshotEntry, SnapshotFlags, SnapshotRevert};
pub use state::{Reason, State};
pub use statistics::{CpuStats, MemoryTag, block_parameters};
pub use tunnel::Mouth;
pub(crate) use underway::Moving;
pub use vcpu::VcpuCounts;
pub use xml::{Accepted, Converted, CreateFlags, DefineFlags, NativeFormat, XmlFlags};

use std::fmt;
use std::time::Duration;
use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};
use virtxen_host::DomainInfo;

/// How a caller names a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DomainKey {
    /// By name.
    Name(String),
    /// By number; active domains only.
    Id(DomId),
    /// By identifier.
    Uuid(Uuid),
}

impl fmt::Display for DomainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "name '{name}'"),
            Self::Id(id) => write!(f, "id '{id}'"),
            Self::Uuid(uuid) => write!(f, "uuid '{uuid}'"),
        }
    }
}

impl From<&Domain> for DomainKey {
    fn from(domain: &Domain) -> Self {
        Self::Uuid(domain.uuid)
    }
}

/// A domain as it was when it was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// Name.
    pub name: String,
    /// Identifier.
    pub uuid: Uuid,
    /// Number, while it is active.
    pub id: Option<DomId>,
    /// State.
    pub state: State,
    /// How it came into this state, as far as this driver saw it happen.
    pub reason: Reason,
    /// It stays defined when it ends. `None` where the host does not tell.
    pub persistent: Option<bool>,
    /// Kind of guest.
    pub kind: OsType,
    /// Memory it has; of an inactive one, will have.
    pub memory: MemoryKib,
    /// Memory it may have.
    pub max_memory: MemoryKib,
    /// Vcpus that are online.
    pub vcpus: u32,
    /// Vcpus it may have.
    pub max_vcpus: u32,
    /// Processor time of all its vcpus since it was started.
    pub cpu_time: Duration,
}

impl Domain {
    /// It has a number.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.id.is_some()
    }

    /// It is the control domain.
    #[must_use]
    pub fn is_domain0(&self) -> bool {
        self.id == Some(DomId(0))
    }

    /// The same domain when it has ended and stays defined.
    pub(crate) fn ended(&self) -> Self {
        Self {
            id: None,
            state: State::Shutoff,
            reason: Reason::Unknown,
            memory: self.max_memory,
            cpu_time: Duration::ZERO,
            ..self.clone()
        }
    }

    /// libvirt's word for the kind of guest; documents say `linux` for `xen`.
    #[must_use]
    pub const fn os_type(&self) -> &'static str {
        self.kind.as_str()
    }
}

impl From<DomainInfo> for Domain {
    fn from(info: DomainInfo) -> Self {
        Self {
            state: State::of(info.state, info.domid.is_some()),
            reason: Reason::Unknown,
            name: info.name,
            uuid: info.uuid,
            id: info.domid,
            persistent: info.persistent,
            kind: info.kind,
            memory: info.memory,
            max_memory: info.max_memory,
            vcpus: info.vcpus,
            max_vcpus: info.max_vcpus,
            cpu_time: info.cpu_time,
        }
    }
}
