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

    /// The first number that none of these has among its kind.
    #[must_use]
    pub fn free_index(controllers: &[Self], kind: ControllerType) -> u32 {
        let is_free = |index: &u32| {
            let mut there = controllers.iter();
            !there.any(|it| it.kind == kind && it.index == Some(*index))
        };
        (0..=u32::MAX).find(is_free).unwrap_or(u32::MAX)
    }

    /// Gives those without a number one that is free, in their order.
    pub fn number(controllers: &mut [Self]) {
        for place in 0..controllers.len() {
            let Some(Self {
                kind, index: None, ..
            }) = controllers.get(place)
            else {
                continue;
            };
            let index = Self::free_index(controllers, *kind);
            if let Some(controller) = controllers.get_mut(place) {
                controller.index = Some(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_another_says_is_not_given() {
        let controller = |(kind, index)| Controller {
            index,
            ..Controller::new(kind, 0)
        };
        let mut controllers = [
            (ControllerType::Usb, None),
            (ControllerType::Usb, Some(0)),
            (ControllerType::Ide, None),
            (ControllerType::Usb, Some(2)),
            (ControllerType::Usb, None),
        ]
        .map(controller);
        Controller::number(&mut controllers);
        let numbers = controllers.map(|it| it.index);
        assert_eq!(numbers, [Some(1), Some(0), Some(0), Some(2), Some(3)]);
    }
}
