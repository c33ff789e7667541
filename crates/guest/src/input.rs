//! Mice, tablets, keyboards.
//!
//! A PS/2 or Xen mouse and keyboard are implicit; see `defaults`.

use crate::DeviceInfo;
use crate::words::words;

/// An input device.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What it is.
    pub kind: InputType,
    /// Bus; `None` leaves it to the kind of guest.
    pub bus: Option<InputBus>,
    /// Alias, address, known parts without effect.
    pub info: DeviceInfo,
}

words! {
    /// What an input device is.
    InputType {
        Mouse = "mouse",
        Tablet = "tablet",
        Keyboard = "keyboard",
        Passthrough = "passthrough",
        Evdev = "evdev",
    }
}

words! {
    /// Bus of an input device.
    InputBus {
        Ps2 = "ps2",
        Usb = "usb",
        Xen = "xen",
        Parallels = "parallels",
        Virtio = "virtio",
        None = "none",
    }
}

impl Input {
    /// A device on this bus.
    #[must_use]
    pub fn new(kind: InputType, bus: InputBus) -> Self {
        Self {
            kind,
            bus: Some(bus),
            info: DeviceInfo::default(),
        }
    }
}
