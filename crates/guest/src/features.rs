//! Features of the virtual machine: ACPI, PAE, nested paging, Viridian, Xen's own.
//!
//! Which release knows which feature is the converters' part.

use crate::words::words;
use crate::{Element, Kept};

/// Features of the virtual machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// ACPI.
    pub acpi: bool,
    /// APIC.
    pub apic: bool,
    /// Physical address extension.
    pub pae: bool,
    /// Hardware assisted paging; `None` leaves it to Xen.
    pub hap: Option<bool>,
    /// Viridian (Hyper-V) interface.
    pub viridian: bool,
    /// Single Viridian enlightenments, libvirt's newer element.
    pub hyperv: Option<Hyperv>,
    /// Features of Xen.
    pub xen: XenFeatures,
    /// Known parts without effect.
    pub kept: Kept,
}

/// Single Viridian enlightenments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hyperv {
    /// Whether unnamed ones are `custom` or `passthrough`.
    pub mode: Option<HypervMode>,
    /// `relaxed`, `vapic`, `spinlocks`, … with `state` and further attributes.
    pub enlightenments: Vec<Element>,
}

words! {
    /// What happens to enlightenments that are not named.
    HypervMode { Custom = "custom", Passthrough = "passthrough" }
}

/// Features of Xen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XenFeatures {
    /// The guest gets the memory map of the host (PV with PCI devices).
    pub e820_host: Option<bool>,
    /// Whether and how devices can be passed through, Xen 4.13 and later.
    pub passthrough: Option<Passthrough>,
}

/// Whether and how devices can be passed through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passthrough {
    /// Whether they can be.
    pub state: bool,
    /// How the IOMMU's page tables are made.
    pub mode: Option<PassthroughMode>,
}

words! {
    /// How the IOMMU's page tables are made.
    PassthroughMode { SyncPt = "sync_pt", SharePt = "share_pt" }
}
