//! What a Xen guest is: a typed model and libvirt's domain XML for it.
//!
//! Parse with positions, validate, format. Nothing here does I/O or knows how
//! a guest is started; conversions to Xen's own configuration languages are in
//! `virtxen-formats`.
//!
//! The model has one file a device family. Typed fields are what a Xen toolstack
//! uses; what libvirt's schema knows beside that is carried along in [`Kept`] and
//! [`Element`], so that nothing of a document is lost.
#![forbid(unsafe_code)]

mod address;
mod chardev;
mod clock;
mod controller;
mod cpu;
mod defaults;
mod devices;
mod disk;
mod element;
mod emulator;
mod features;
mod format;
mod graphics;
mod guest;
mod hostdev;
mod input;
mod interface;
mod kept;
mod lifecycle;
mod memballoon;
mod os;
mod parse;
mod problem;
mod rank;
mod seclabel;
mod settle;
mod snapshot;
mod sound;
mod units;
mod validate;
mod video;
mod words;

pub use address::{Address, DeviceInfo, DriveAddress, PciAddress, PciAddressError};
pub use chardev::{
    Chardev, ChardevSource, ChardevTarget, ChardevTargetType, SocketMode, TcpProtocol,
};
pub use clock::{Clock, ClockBasis, ClockOffset, Timer, TimerMode, TimerName};
pub use controller::{Controller, ControllerType};
pub use cpu::{
    Cpu, CpuFallback, CpuFeature, CpuMode, CpuModel, CpuSet, CpuSetError, CpuTopology, CpuTune,
    FeaturePolicy, NumaCell, NumaDistance, Placement, VcpuPin, Vcpus,
};
pub use defaults::Rules;
pub use devices::{Device, Devices};
pub use disk::{
    Discard, Disk, DiskAuth, DiskBus, DiskDevice, DiskDriver, DiskSource, NetworkDisk, NetworkHost,
};
pub use element::{Attribute, Element, Node};
pub use emulator::{Emulator, EmulatorType};
pub use features::{Features, Hyperv, HypervMode, Passthrough, PassthroughMode, XenFeatures};
pub use format::{FormatOptions, format_device, format_element, format_guest, format_snapshot};
pub use graphics::{Graphics, GraphicsListen, GraphicsServer, MouseMode, Qubes, Sdl, Spice, Vnc};
pub use guest::Guest;
pub use hostdev::{Hostdev, HostdevSource, UsbSource};
pub use input::{Input, InputBus, InputType};
pub use interface::{
    Bandwidth, Interface, InterfaceIp, InterfaceSource, IpFamily, MacAddress, MacAddressError,
    NativeMode, Rate, VirtualPort, Vlan, VlanTag,
};
pub use kept::{Kept, KeptContent, KeptItem};
pub use lifecycle::{Lifecycle, LifecycleAction};
pub use memballoon::{Memballoon, MemballoonModel};
pub use os::{AcpiTable, AcpiTableType, BootDevice, Firmware, Loader, LoaderType, Os, OsType};
pub use parse::{
    Limits, Loss, ParseOptions, Parsed, parse_device, parse_element, parse_guest, parse_snapshot,
    place_losses,
};
pub use problem::{Problem, ProblemKind, Problems, Severity};
pub use seclabel::{Seclabel, SeclabelType};
pub use snapshot::{Snapshot, SnapshotDisk, SnapshotLocation, SnapshotMemory, SnapshotState};
pub use sound::{Sound, SoundModel};
pub use units::{DomId, MemoryKib, Uuid, UuidError};
pub use validate::{Part, Rule, Violation};
pub use video::{Video, VideoModel};
pub use words::{UnknownWord, Word};

/// Namespace of `<xen:commandline>`.
pub const XEN_NAMESPACE: &str = "http://libvirt.org/schemas/domain/xen/1.0";
