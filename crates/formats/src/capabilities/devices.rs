//! Which devices guests of a kind can have on a release of Xen: one table.
//!
//! The words are libvirt's. That a guest's document can say a thing in Xen's languages is
//! not decided here, but in the folders of those languages.

use super::GuestType;
use super::domain::{Release, WITHOUT_XEND};

/// What can be chosen of a kind of device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCapabilities {
    /// libvirt's name: `disk`, `graphics`, …
    pub name: &'static str,
    /// Choices: what is chosen, and the words for it. A choice without words is one that
    /// other hypervisors have.
    pub choices: Vec<(&'static str, Vec<&'static str>)>,
}

const ANY: &[GuestType] = &[GuestType::Pv, GuestType::Hvm, GuestType::Pvh];
const HVM: &[GuestType] = &[GuestType::Hvm];
/// With a device model, or a frontend that needs none.
const NOT_PVH: &[GuestType] = &[GuestType::Pv, GuestType::Hvm];
const PARAVIRTUALIZED: &[GuestType] = &[GuestType::Pv, GuestType::Pvh];

const FIRST: Release = (3, 0);
const NOW: Release = (u32::MAX, 0);
/// libxl's paravirtual USB.
const PVUSB: Release = (4, 7);

/// Device, choice, word, kinds of guests, from this release, up to before that one.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [GuestType],
    Release,
    Release,
);

/// An empty word stands for a choice that is named and left empty. Floppies are
/// XenD's; SPICE and QXL are libxl's.
const TABLE: &[Row] = &[
    ("disk", "diskDevice", "disk", ANY, FIRST, NOW),
    ("disk", "diskDevice", "cdrom", ANY, FIRST, NOW),
    ("disk", "diskDevice", "floppy", HVM, FIRST, WITHOUT_XEND),
    ("disk", "bus", "ide", ANY, FIRST, NOW),
    ("disk", "bus", "fdc", HVM, FIRST, WITHOUT_XEND),
    ("disk", "bus", "scsi", ANY, FIRST, NOW),
    ("disk", "bus", "xen", ANY, FIRST, NOW),
    ("disk", "model", "", ANY, FIRST, NOW),
    ("graphics", "type", "sdl", ANY, FIRST, NOW),
    ("graphics", "type", "vnc", ANY, FIRST, NOW),
    ("graphics", "type", "spice", HVM, WITHOUT_XEND, NOW),
    ("video", "modelType", "vga", HVM, FIRST, NOW),
    ("video", "modelType", "cirrus", HVM, FIRST, NOW),
    ("video", "modelType", "xen", PARAVIRTUALIZED, FIRST, NOW),
    ("video", "modelType", "qxl", HVM, WITHOUT_XEND, NOW),
    ("hostdev", "mode", "subsystem", NOT_PVH, FIRST, NOW),
    ("hostdev", "startupPolicy", "default", NOT_PVH, FIRST, NOW),
    ("hostdev", "subsysType", "usb", NOT_PVH, PVUSB, NOW),
    ("hostdev", "subsysType", "pci", NOT_PVH, FIRST, NOW),
    ("hostdev", "capsType", "", NOT_PVH, FIRST, NOW),
    ("hostdev", "pciBackend", "xen", NOT_PVH, FIRST, NOW),
];

/// Devices of guests of a kind, in libvirt's order.
pub(super) fn of_guest(kind: GuestType, release: Release) -> Vec<DeviceCapabilities> {
    let mut devices: Vec<DeviceCapabilities> = Vec::new();
    for (device, choice, word, kinds, from, before) in TABLE {
        let in_time = (*from..*before).contains(&release.max(FIRST));
        if !(kinds.contains(&kind) && in_time) {
            continue;
        }
        if devices.last().is_none_or(|last| last.name != *device) {
            devices.push(DeviceCapabilities {
                name: device,
                choices: Vec::new(),
            });
        }
        let Some(last) = devices.last_mut() else {
            continue;
        };
        if last.choices.last().is_none_or(|(name, _)| name != choice) {
            last.choices.push((choice, Vec::new()));
        }
        if let Some((_, words)) = last.choices.last_mut().filter(|_| !word.is_empty()) {
            words.push(word);
        }
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(kind: GuestType, release: Release, device: &str, choice: &str) -> Vec<&'static str> {
        let devices = of_guest(kind, release);
        let device = devices.iter().find(|it| it.name == device);
        let choice = device.and_then(|it| it.choices.iter().find(|(name, _)| *name == choice));
        choice.map(|(_, words)| words.clone()).unwrap_or_default()
    }

    #[test]
    fn devices_follow_kind_and_release() {
        use GuestType::{Hvm, Pv, Pvh};
        let graphics = |kind, release| words(kind, release, "graphics", "type");
        assert_eq!(graphics(Hvm, (4, 4)), ["sdl", "vnc"]);
        assert_eq!(graphics(Hvm, (4, 5)), ["sdl", "vnc", "spice"]);
        assert_eq!(graphics(Pv, (4, 22)), ["sdl", "vnc"]);
        let usb = |kind, release| words(kind, release, "hostdev", "subsysType");
        assert_eq!(usb(Pv, (4, 6)), ["pci"]);
        assert_eq!(usb(Pv, (4, 7)), ["usb", "pci"]);
        assert!(usb(Pvh, (4, 22)).is_empty());
        assert_eq!(words(Pvh, (4, 22), "video", "modelType"), ["xen"]);
        let disks = |release| words(Hvm, release, "disk", "diskDevice");
        assert_eq!(disks((0, 0)), ["disk", "cdrom", "floppy"]);
        assert_eq!(disks((4, 17)), ["disk", "cdrom"]);
    }
}
