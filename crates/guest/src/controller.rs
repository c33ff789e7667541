//! Controllers: of disks, of USB devices, and Xen's own bus.
//!
//! Those that disks need are implicit; see `defaults`.

use crate::DeviceInfo;
use crate::words::words;

/// A controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// Kind.
    pub kind: ControllerType,
    /// Number among its kind; `None` leaves it to the order.
    pub index: Option<u32>,
    /// Model: `qusb1`, `qusb2`, …
    pub model: Option<String>,
    /// Ports of a USB controller.
    pub ports: Option<u32>,
    /// Most event channels of the guest (`xenbus`).
    pub max_event_channels: Option<u32>,
    /// Most grant frames of the guest (`xenbus`).
    pub max_grant_frames: Option<u32>,
    /// Alias, address, known parts without effect.
    pub info: DeviceInfo,
}

words! {
    /// Kind of a controller.
    ControllerType {
        Ide = "ide",
        Fdc = "fdc",
        Scsi = "scsi",
        Sata = "sata",
        VirtioSerial = "virtio-serial",
        Ccid = "ccid",
        Usb = "usb",
        Pci = "pci",
        Xenbus = "xenbus",
        Isa = "isa",
    }
}

impl Controller {
    /// A controller of this kind with nothing else said.
    #[must_use]
    pub fn new(kind: ControllerType, index: u32) -> Self {
        Self {
            kind,
            index: Some(index),
            model: None,
            ports: None,
            max_event_channels: None,
            max_grant_frames: None,
            info: DeviceInfo::default(),
        }
    }
}
