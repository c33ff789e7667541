//! Disks: `disks`.

use super::guest::Parts;
use super::section::Section;
use super::write::{Out, Writer, flag};
use crate::convert::{Notes, excerpt};
use crate::spelling::disk::plain_target;
use crate::xl::network_disk;
use crate::xm::disk::{bus_of, note_common};
use serde_json::Value;
use virtxen_guest::{Discard, Disk, DiskDevice, DiskDriver, DiskSource};

/// Writes all disks.
pub(super) fn write(writer: &mut Writer<'_>) {
    let mut disks = Vec::new();
    for (i, disk) in writer.guest.devices.disks.iter().enumerate() {
        let path = format!("/domain/devices/disk[{}]", i + 1);
        let out = writer.out("device_disk");
        disks.extend(write_one(disk, out, &path, &mut writer.notes));
    }
    writer.list("disks", disks, "/domain/devices/disk");
}

fn write_one(disk: &Disk, mut out: Out, path: &str, notes: &mut Notes) -> Option<Value> {
    if disk.device == DiskDevice::Floppy {
        notes.essential(path, "libxl has no floppies");
        return None;
    }
    let file = match &disk.source {
        DiskSource::File { path } | DiskSource::Block { path } => path.clone(),
        DiskSource::Network(image) => Some(network_disk::write(image, path, notes)?),
        other => {
            let reason = format!("libxl serves no source of type '{}'", other.kind());
            notes.essential(path, reason);
            return None;
        }
    };
    let cdrom = disk.device == DiskDevice::Cdrom;
    let (backend, format) = backend_and_format(disk, path, notes);
    let format = if file.is_none() && cdrom {
        "empty"
    } else {
        format
    };
    out.some("pdev_path", file);
    out.set("vdev", plain_target(disk));
    out.some("backend", backend);
    out.need("format", format, &format!("{path}/driver/@type"), notes);
    out.some("script", disk.script.clone());
    out.set("removable", 1);
    out.set("readwrite", u8::from(!disk.readonly));
    if cdrom {
        out.set("is_cdrom", 1);
    }
    match disk.driver.discard {
        Some(discard) if !disk.readonly => {
            out.set("discard_enable", flag(discard == Discard::Unmap));
        }
        Some(Discard::Unmap) => {
            let reason = "of a read-only disk nothing is discarded";
            notes.setting(format!("{path}/driver/@discard"), reason);
        }
        Some(Discard::Ignore) | None => {}
    }
    if let Some(domain) = &disk.backend_domain {
        out.set("backend_domname", domain.clone());
        distrust(&mut out);
    }
    if disk.device == DiskDevice::Lun {
        let reason = "libxl has no lun, a disk is written";
        notes.essential(format!("{path}/@device"), reason);
    }
    if disk.shareable {
        let reason = "libxl does not look whether others write";
        notes.setting(format!("{path}/shareable"), reason);
    }
    note_common(disk, path, "libxl", notes);
    Some(out.into_value())
}

/// A backend outside Domain-0 is not trusted with more of the guest's memory than it
/// needs (Qubes OS); releases without the key trust every backend.
pub(super) fn distrust(out: &mut Out) {
    if out.has("trusted") {
        out.set("trusted", flag(false));
    }
}

/// libvirt's driver and format in libxl's words.
fn backend_and_format(
    disk: &Disk,
    path: &str,
    notes: &mut Notes,
) -> (Option<&'static str>, &'static str) {
    let DiskDriver { name, format, .. } = &disk.driver;
    let format = match format.as_deref().unwrap_or("raw") {
        "raw" | "aio" => "raw",
        "vhd" | "vpc" | "xvhd" => "vhd",
        "qcow" => "qcow",
        "qcow2" => "qcow2",
        "qed" => "qed",
        other => {
            let reason = format!("libxl has no format {}, raw is written", excerpt(other));
            notes.essential(format!("{path}/driver/@type"), reason);
            "raw"
        }
    };
    let backend = match (name.as_deref(), format) {
        (None, _) => None,
        (Some("qemu" | "file"), _) | (Some("tap" | "tap2"), "qcow" | "qcow2" | "qed") => {
            Some("qdisk")
        }
        (Some("tap" | "tap2"), _) => Some("tap"),
        (Some("phy"), _) => Some("phy"),
        (Some(other), _) => {
            let reason = format!("libxl has no backend {}, it chooses one", excerpt(other));
            notes.setting(format!("{path}/driver/@name"), reason);
            None
        }
    };
    if let Some(name @ ("file" | "phy")) = name.as_deref()
        && format != "raw"
    {
        let reason = format!("{name} serves raw images, not {format}");
        notes.essential(format!("{path}/driver/@type"), reason);
    }
    (backend, format)
}

/// Reads all disks.
pub(super) fn read(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Vec<Disk> {
    let hvm = parts.is_hvm();
    let list = parts.config.list("disks", notes);
    list.into_iter()
        .filter_map(|disk| read_one(disk, hvm, notes))
        .collect()
}

fn read_one(mut section: Section<'_>, hvm: bool, notes: &mut Notes) -> Option<Disk> {
    let Some(target) = section.text("vdev", notes) else {
        notes.essential(section.place("vdev"), "a disk without a name is not read");
        return None;
    };
    let cdrom = section.number("is_cdrom", notes).unwrap_or(0) != 0;
    let file = section.text("pdev_path", notes);
    let backend = section.word("backend", notes);
    let format = section.word("format", notes);
    let discard = section.flag("discard_enable", notes);
    let readwrite = section.number("readwrite", notes).unwrap_or(0) != 0;
    let name = match backend {
        Some("qdisk") => Some("qemu"),
        Some(known @ ("phy" | "tap")) => Some(known),
        Some(other) => {
            let reason = format!("a document has no backend {other}");
            notes.essential(section.place("backend"), reason);
            None
        }
        None => None,
    };
    let format = match format {
        Some("empty") => Some("raw"),
        other => other,
    };
    let source = match file {
        Some(file) if file.starts_with("rbd:") => {
            let place = section.place("pdev_path");
            DiskSource::Network(network_disk::read(&file, &place, notes))
        }
        // libxl does not say which it is; files are seldom there.
        Some(path) if name == Some("phy") || path.starts_with("/dev/") => {
            DiskSource::Block { path: Some(path) }
        }
        None if name == Some("phy") => DiskSource::Block { path: None },
        path => DiskSource::File { path },
    };
    let disk = Disk {
        device: if cdrom {
            DiskDevice::Cdrom
        } else {
            DiskDevice::Disk
        },
        source,
        driver: DiskDriver {
            name: name.map(str::to_owned),
            format: format.map(str::to_owned),
            // Of a disk that is only read nothing is discarded.
            discard: discard
                .filter(|on| *on || readwrite)
                .map(|on| if on { Discard::Unmap } else { Discard::Ignore }),
        },
        bus: Some(bus_of(&target, hvm)),
        target,
        readonly: !readwrite || cdrom,
        backend_domain: backend_of(&mut section, notes),
        script: section.text("script", notes),
        ..Disk::default()
    };
    section.finish(notes);
    Some(disk)
}

/// The domain of a device's backend, if it is not Domain-0.
pub(super) fn backend_of(section: &mut Section<'_>, notes: &mut Notes) -> Option<String> {
    let domain = section.text("backend_domname", notes);
    let number = section.number("backend_domid", notes);
    let numbered = number.filter(|number| *number > 0 && domain.is_none());
    let domain = domain.or_else(|| numbered.map(|number| number.to_string()));
    let domain = domain.filter(|domain| !matches!(domain.as_str(), "0" | "Domain-0"));
    // Of such a backend it is what is written.
    if domain.is_some() && section.flag("trusted", notes) == Some(true) {
        let reason = "a document does not say so; the backend will not be trusted";
        notes.setting(section.place("trusted"), reason);
    }
    domain
}
