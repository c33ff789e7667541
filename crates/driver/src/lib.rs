//! The driver: libvirt's calls on a Xen host, and the one path that they take.
//!
//! [`Driver`] speaks libvirt's words (flags, states, persistent and transient,
//! error codes) above and [`virtxen_host::Host`] below. Every change goes through
//! one function (`call`): look up, access check, one job a domain, deadline, look at
//! the outcome, event. Reads never wait for a job. Front ends are elsewhere: no
//! sockets, no text output here.
#![forbid(unsafe_code)]

mod access;
mod call;
mod compare;
pub mod connection;
mod cpu;
mod cpupool;
mod destinations;
mod document;
mod documents;
mod domain;
mod driver;
mod error;
mod events;
mod job;
mod look;
mod networks;
mod node;
mod node_device;
mod node_statistics;
mod operations;
mod poll;
mod registry;
mod store;

pub use access::{Access, AllowAll};
pub use connection::Connection;
pub use cpu::CpuComparison;
pub use destinations::{Destination, Destinations, Finished, Offer, Tunnel};
pub use document::{read_device, read_guest};
pub use domain::ConsoleStream;
pub use domain::InterfaceAddress;
pub use domain::{
    Accepted, Affect, Arrival, BlockEntry, Converted, CreateFlags, DefineFlags, Departure, Domain,
    DomainKey, DumpFlags, InterfaceEntry, Interrupted, Journey, ListFilter, MetadataChange,
    MetadataKind, MigrateFlags, Mouth, NativeFormat, Reason, ShutdownMode, SleepTarget,
    SnapshotDeletion, SnapshotEntry, SnapshotFlags, SnapshotRevert, State, TakenDown,
    TypedParameter, TypedValue, UndefineFlags, VcpuCounts, XmlFlags,
};
pub use domain::{AllStats, CpuStats, DomainStats, MemoryTag, StatsGroups, block_parameters};
pub use driver::{Driver, Options};
pub use error::{Error, LibvirtError, Result};
pub use events::{Delivery, Event, EventKind, Subscription, Tunable};
pub use job::{JobInfo, JobState, JobStats, Monitor, Progress};
pub use networks::Networks;
pub use node::{FreeMemory, NodeInfo};
pub use node_device::pci_device_name;
pub use node_statistics::{NodeCpuStats, NodeMemoryStats};
pub use operations::{JobKind, Need, Operation, OperationRow};
pub use registry::Snapshot;
pub use virtxen_formats::capabilities::DomainQuery;
pub use virtxen_host::{DiskImage, VcpuInfo};
