//! Disks: hard disks, CD-ROMs, floppies.
//!
//! How XenD, xm and xl spell a disk (`phy:`, `tap:aio:`, vdev) is the converters'
//! part; here are libvirt's words.

use crate::words::words;
use crate::{DeviceInfo, Element};

/// A disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    /// What the guest sees.
    pub device: DiskDevice,
    /// Where the data are.
    pub source: DiskSource,
    /// What serves the data.
    pub driver: DiskDriver,
    /// Name in the guest: `xvda`, `hda`, `sda1`, …
    pub target: String,
    /// Bus that the guest sees it on; `None` leaves it to the name.
    pub bus: Option<DiskBus>,
    /// The guest may not write.
    pub readonly: bool,
    /// Several guests may write (`w!` in Xen's words).
    pub shareable: bool,
    /// Writes are dropped when the guest ends; both of libvirt's Xen drivers refuse it.
    pub transient: bool,
    /// Domain with the backend, Domain-0 if `None`.
    pub backend_domain: Option<String>,
    /// Script that connects the backend (`<script path=…/>`, Qubes OS; libvirt's schema
    /// has it for interfaces only).
    pub script: Option<String>,
    /// Boot order, alias, address, known parts without effect.
    pub info: DeviceInfo,
}

words! {
    /// What the guest sees.
    #[derive(Default)]
    DiskDevice {
        #[default]
        Disk = "disk",
        Cdrom = "cdrom",
        Floppy = "floppy",
        Lun = "lun",
    }
}

words! {
    /// Bus of a disk.
    DiskBus {
        Ide = "ide",
        Fdc = "fdc",
        Scsi = "scsi",
        Virtio = "virtio",
        Xen = "xen",
        Usb = "usb",
        Uml = "uml",
        Sata = "sata",
        Sd = "sd",
        Nvme = "nvme",
    }
}

/// Where the data of a disk are.
#[derive(Clone, Debug, PartialEq)]
pub enum DiskSource {
    /// A file of Domain-0; none for an empty drive.
    File {
        /// Its path.
        path: Option<String>,
    },
    /// A block device of Domain-0; none for an empty drive.
    Block {
        /// Its path.
        path: Option<String>,
    },
    /// A folder of Domain-0.
    Dir {
        /// Its path.
        path: Option<String>,
    },
    /// A storage service.
    Network(NetworkDisk),
    /// A volume of a storage pool.
    Volume {
        /// Name of the pool.
        pool: String,
        /// Name of the volume.
        volume: String,
    },
    /// Another type of libvirt (`nvme`, `vhostuser`, `vhostvdpa`).
    Other {
        /// The type.
        kind: String,
        /// The source as it is written.
        source: Option<Element>,
    },
}

impl Default for DiskSource {
    fn default() -> Self {
        Self::File { path: None }
    }
}

impl DiskSource {
    /// Path in Domain-0, if it has one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::File { path } | Self::Block { path } | Self::Dir { path } => path.as_deref(),
            Self::Network(_) | Self::Volume { .. } | Self::Other { .. } => None,
        }
    }

    /// libvirt's word for the type of source.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::File { .. } => "file",
            Self::Block { .. } => "block",
            Self::Dir { .. } => "dir",
            Self::Network(_) => "network",
            Self::Volume { .. } => "volume",
            Self::Other { kind, .. } => kind,
        }
    }
}

/// An image at a storage service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkDisk {
    /// Protocol: `rbd`, `nbd`, `iscsi`, …
    pub protocol: String,
    /// Name of the image there.
    pub name: Option<String>,
    /// Servers.
    pub hosts: Vec<NetworkHost>,
    /// Who we are there.
    pub auth: Option<DiskAuth>,
}

/// A storage server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkHost {
    /// Host name or address.
    pub name: Option<String>,
    /// Port, a number or a service name.
    pub port: Option<String>,
    /// `tcp`, `unix`, `rdma`.
    pub transport: Option<String>,
    /// Path of the UNIX socket.
    pub socket: Option<String>,
}

/// Who we are at a storage server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskAuth {
    /// User name.
    pub username: String,
    /// Type of the secret: `ceph`, `iscsi`.
    pub secret_type: Option<String>,
    /// Identifier of the secret.
    pub secret_uuid: Option<String>,
    /// Usage of the secret.
    pub secret_usage: Option<String>,
}

/// What serves the data of a disk. Not written when nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskDriver {
    /// Backend: `file`, `phy`, `tap`, `tap2`, `qemu`.
    pub name: Option<String>,
    /// Format (`type`): `raw`, `qcow2`, `vhd`, …; `aio` with `tap`.
    pub format: Option<String>,
    /// What happens to discarded blocks.
    pub discard: Option<Discard>,
}

words! {
    /// What happens to discarded blocks.
    Discard { Unmap = "unmap", Ignore = "ignore" }
}

impl Disk {
    /// Whether it is a removable drive without a medium.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(
            self.source,
            DiskSource::File { path: None }
                | DiskSource::Block { path: None }
                | DiskSource::Dir { path: None }
        )
    }
}
