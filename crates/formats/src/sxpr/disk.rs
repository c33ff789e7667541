//! Disks: `(vbd …)`, `(tap …)`, `(tap2 …)`, and the drives that old releases keep
//! in the image.
//!
//! `uname` is the backend and the path: `file:/x`, `phy:/dev/x`, `tap:aio:/x`.

use super::Sxpr;
use super::device::note_info;
use super::dialect::{ConfigVersion, Source};
use super::section::{Quiet, Section};
use crate::convert::{Notes, excerpt};
use crate::spelling::disk::{no_such_source, source_of, target_of, uname_of};
use virtxen_guest::{Address, Disk, DiskBus, DiskDevice, DiskDriver, DiskSource};

pub(super) use crate::spelling::disk::plain_target;

/// Classes of devices that are disks.
pub(super) const CLASSES: &[&str] = &["vbd", "tap", "tap2"];

/// What XenD says of a disk without being asked.
const QUIET: &[Quiet] = &[
    ("uuid", &[]),
    ("bootable", &[]),
    ("driver", &["paravirtualised", "ioemu"]),
    ("protocol", &[]),
    ("VDI", &[""]),
    ("devid", &[]),
    ("type", &["Disk", "CD", ""]),
    ("image", &[""]),
];

/// Reads a disk and whether XenD boots from it. A hard disk without a source,
/// which XenD keeps although it cannot connect it, is none for a document.
pub(super) fn read(mut node: Section<'_>, class: &str, notes: &mut Notes) -> Option<(Disk, bool)> {
    let mut disk = Disk::default();
    let (device, target) = target_of(node.text("dev").unwrap_or_default(), node.path(), notes);
    if target.is_empty() {
        notes.essential(node.path(), "the disk has no name in the guest");
        return None;
    }
    disk.device = device;
    disk.bus = Some(DiskBus::of_target(&target).unwrap_or(DiskBus::Ide));
    disk.target = target;
    if let Some(uname) = node.text("uname") {
        let (driver, source) = source_of(uname, class);
        disk.driver = driver;
        disk.source = source;
    } else if device == DiskDevice::Disk {
        let reason = "a disk without a source has no place in the domain document";
        notes.essential(node.path(), reason);
        return None;
    }
    let mode = node.value("mode").unwrap_or("w");
    disk.readonly = mode.contains('r') && !mode.contains('w');
    disk.shareable = mode.contains('!');
    if mode.chars().any(|c| !"rwo!".contains(c)) {
        notes.setting(
            format!("{}/mode", node.path()),
            format!("'{}' is no mode", excerpt(mode)),
        );
    }
    disk.backend_domain = super::device::backend_domain(&mut node);
    let bootable = node.value("bootable") == Some("1");
    node.finish(notes, QUIET);
    Some((disk, bootable))
}

/// Reads the drives that are in the image: floppies, and the CD-ROM of 3.0.2.
pub(super) fn read_image(image: &mut Section<'_>, source: &Source<'_>, disks: &mut Vec<Disk>) {
    let mut drive = |name: &str, target: &str, device| {
        let path = image.text(name)?;
        Some(Disk {
            device,
            source: DiskSource::File {
                path: Some(path.to_owned()),
            },
            driver: DiskDriver {
                name: Some("file".to_owned()),
                ..DiskDriver::default()
            },
            target: target.to_owned(),
            bus: Some(if device == DiskDevice::Floppy {
                DiskBus::Fdc
            } else {
                DiskBus::Ide
            }),
            readonly: device == DiskDevice::Cdrom,
            ..Disk::default()
        })
    };
    if source.version == ConfigVersion::Xen302 {
        disks.extend(drive("cdrom", "hdc", DiskDevice::Cdrom));
    }
    disks.extend(drive("fda", "fda", DiskDevice::Floppy));
    disks.extend(drive("fdb", "fdb", DiskDevice::Floppy));
}

/// The disks with their places in the document, hard disks first: XenD boots a
/// guest from the first, so a CD-ROM that a document names first must not be it.
pub(super) fn in_order(disks: &[Disk]) -> Vec<(usize, &Disk)> {
    let hard = |disk: &Disk| matches!(disk.device, DiskDevice::Disk | DiskDevice::Lun);
    let (mut first, removable): (Vec<_>, Vec<_>) =
        disks.iter().enumerate().partition(|(_, disk)| hard(disk));
    first.extend(removable);
    first
}

/// Writes the drives that belong into the image.
pub(super) fn write_image(
    disks: &[(usize, &Disk)],
    version: ConfigVersion,
    image: &mut Vec<Sxpr>,
    notes: &mut Notes,
) {
    for (index, disk) in disks {
        let path = format!("/domain/devices/disk[{}]", index + 1);
        let target = plain_target(disk);
        let word = match disk.device {
            DiskDevice::Cdrom if version == ConfigVersion::Xen302 => {
                if target != "hdc" {
                    notes.essential(path, "XenD before 3.0.3 has its CD-ROM at hdc only");
                    continue;
                }
                "cdrom"
            }
            DiskDevice::Floppy if matches!(target, "fda" | "fdb") => target,
            DiskDevice::Floppy => {
                notes.essential(path, "XenD has floppies at fda and fdb only");
                continue;
            }
            _ => continue,
        };
        match &disk.source {
            DiskSource::File { path: Some(file) } | DiskSource::Block { path: Some(file) } => {
                image.push(Sxpr::quoted_pair(word, file));
            }
            source if disk.is_empty() => {
                let reason = "XenD before 3.0.3 has no empty drive; floppy drives are never empty";
                notes.setting(format!("{path}[@type='{}']", source.kind()), reason);
            }
            source => notes.essential(path.clone(), no_such_source(source)),
        }
        if disk
            .driver
            .name
            .as_deref()
            .is_some_and(|name| name != "file")
        {
            let reason = "qemu-dm serves the drives of the image itself";
            notes.setting(format!("{path}/driver/@name"), reason);
        }
        note_settings(disk, &path, notes);
    }
}

/// Whether a disk of a fully virtualized guest is in its image.
pub(super) fn is_in_image(disk: &Disk, hvm: bool, version: ConfigVersion) -> bool {
    hvm && match disk.device {
        DiskDevice::Floppy => true,
        DiskDevice::Cdrom => version == ConfigVersion::Xen302,
        DiskDevice::Disk | DiskDevice::Lun => false,
    }
}

/// The class of the device that the disk is.
pub(super) fn class_of(disk: &Disk) -> &'static str {
    match disk.driver.name.as_deref() {
        Some("tap") => "tap",
        Some("tap2") => "tap2",
        _ => "vbd",
    }
}

/// Writes `(vbd …)`; `None` when XenD cannot serve the source.
pub(super) fn write(
    disk: &Disk,
    path: &str,
    hvm: bool,
    version: ConfigVersion,
    notes: &mut Notes,
) -> Option<Sxpr> {
    let uname = uname_of(disk, path, notes).ok()?;
    let target = plain_target(disk);
    let dev = match (hvm, disk.device) {
        (true, _) if version == ConfigVersion::Xen302 => format!("ioemu:{target}"),
        (_, DiskDevice::Cdrom) => format!("{target}:cdrom"),
        (true, _) => format!("{target}:disk"),
        (false, _) => target.to_owned(),
    };
    let mut children = vec![Sxpr::quoted_pair("dev", dev)];
    children.extend(uname.map(|uname| Sxpr::quoted_pair("uname", uname)));
    let mode = match (disk.readonly, disk.shareable) {
        (true, _) => "r",
        (false, true) => "w!",
        (false, false) => "w",
    };
    children.push(Sxpr::quoted_pair("mode", mode));
    let backend = disk.backend_domain.iter();
    children.extend(backend.map(|domain| Sxpr::quoted_pair("backend", domain)));
    if matches!(disk.device, DiskDevice::Floppy | DiskDevice::Lun) {
        let reason = format!("XenD has no {} here, a disk is written", disk.device);
        notes.essential(format!("{path}/@device"), reason);
    }
    note_settings(disk, path, notes);
    Some(Sxpr::named(class_of(disk), children))
}

fn note_settings(disk: &Disk, path: &str, notes: &mut Notes) {
    if disk.transient {
        notes.essential(format!("{path}/transient"), "XenD keeps what is written");
    }
    if disk.script.is_some() {
        notes.essential(
            format!("{path}/script"),
            "XenD has a script for each backend",
        );
    }
    if disk.driver.discard.is_some() {
        notes.setting(format!("{path}/driver/@discard"), "XenD does not know it");
    }
    let mut info = disk.info.clone();
    if disk.address_by_name().map(Address::Drive) == info.address {
        info.address = None;
    }
    note_info(&info, path, notes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_disks_come_first() {
        let disk = |target: &str, device| Disk {
            device,
            target: target.to_owned(),
            ..Disk::default()
        };
        let disks = [
            disk("hdc", DiskDevice::Cdrom),
            disk("hdb", DiskDevice::Disk),
            disk("hda", DiskDevice::Disk),
        ];
        let names: Vec<_> = in_order(&disks)
            .into_iter()
            .map(|(_, d)| plain_target(d))
            .collect();
        assert_eq!(names, ["hdb", "hda", "hdc"]);
    }
}
