//! xl's disks: `disk = [ "format=raw,vdev=hda,access=rw,target=/x" ]`.
//!
//! How the words of a disk are found is in `disk_words`, images of storage
//! services are in `network_disk`.

use super::disk_words::{DiskWords, malformed};
use super::network_disk;
use crate::convert::{Error, Notes, excerpt};
use crate::keys::{Entry, Out, Settings};
use crate::spelling::disk::plain_target;
use crate::xm::disk::{bus_of, note_common};
use virtxen_guest::{Discard, Disk, DiskDevice, DiskDriver, DiskSource};

/// Formats, spelled alike by libvirt and xl.
const FORMATS: &[&str] = &["raw", "qcow", "qcow2", "qed", "vhd"];

/// xl's words for backends, and libvirt's.
const BACKENDS: &[(&str, &str)] = &[("qdisk", "qemu"), ("phy", "phy"), ("tap", "tap")];

/// Reads all disks.
pub(crate) fn read(
    file: &mut Settings<'_>,
    hvm: bool,
    notes: &mut Notes,
) -> Result<Vec<Disk>, Error> {
    let mut disks = Vec::new();
    for entry in file.entries("disk", notes) {
        let words = DiskWords::read(&entry, notes)?;
        disks.push(read_one(words, &entry, hvm, notes)?);
    }
    Ok(disks)
}

fn read_one(words: DiskWords, entry: &Entry, hvm: bool, notes: &mut Notes) -> Result<Disk, Error> {
    let mut disk = Disk::default();
    let vdev = words.vdev.unwrap_or_default();
    let vdev = vdev.strip_prefix("ioemu:").unwrap_or(&vdev);
    // The kind after a colon is xm's way to say it.
    let (target, kind) = vdev.rsplit_once(':').unwrap_or((vdev, ""));
    if target.is_empty() {
        return Err(malformed(entry, &entry.text, "a disk with a vdev"));
    }
    disk.target = target.to_owned();
    disk.bus = Some(bus_of(target, hvm));
    let kinds = [words.devtype.as_deref().unwrap_or_default(), kind];
    for kind in kinds.into_iter().filter(|kind| !kind.is_empty()) {
        match kind {
            "cdrom" => disk.device = DiskDevice::Cdrom,
            "disk" | "hd" => {}
            other => return Err(malformed(entry, other, "a type of disk: disk or cdrom")),
        }
    }
    disk.readonly = disk.device == DiskDevice::Cdrom;
    match words.access.as_deref().unwrap_or_default() {
        "" | "w" | "rw" => {}
        "r" | "ro" => disk.readonly = true,
        "!" | "w!" | "rw!" => disk.shareable = true,
        other => return Err(malformed(entry, other, "an access: ro or rw")),
    }
    let path = words.target.filter(|path| !path.is_empty());
    disk.driver = driver(&disk, &words.format, &words.backendtype, entry, notes);
    disk.driver.discard = words
        .discard
        .map(|on| if on { Discard::Unmap } else { Discard::Ignore });
    let backend = words.backend.filter(|domain| !domain.is_empty());
    disk.script = words.script.filter(|script| !script.is_empty());
    disk.backend_domain = backend.filter(|domain| !matches!(domain.as_str(), "0" | "Domain-0"));
    let count = notes.count();
    disk.source = match path {
        Some(path) if path.starts_with("rbd:") => {
            DiskSource::Network(network_disk::read(&path, &entry.path, notes))
        }
        path if disk.driver.name.as_deref() == Some("phy") => DiskSource::Block { path },
        path => DiskSource::File { path },
    };
    notes.place_from(count, entry.at);
    Ok(disk)
}

/// Backend and format; a CD-ROM is always qemu's, and raw.
fn driver(
    disk: &Disk,
    format: &Option<String>,
    backend: &Option<String>,
    entry: &Entry,
    notes: &mut Notes,
) -> DiskDriver {
    let mut note = |key: &str, value: &str| {
        let reason = format!("'{}' is not known here", excerpt(value));
        notes.essential_at(format!("{}/{key}", entry.path), entry.at, reason);
    };
    let format = match format.as_deref().unwrap_or_default() {
        "" | "empty" => "raw",
        // libvirt writes xl's format so.
        "xvhd" => "vhd",
        word => FORMATS
            .iter()
            .find(|known| **known == word)
            .unwrap_or_else(|| {
                note("format", word);
                &"raw"
            }),
    };
    let name = match backend.as_deref().unwrap_or_default() {
        "" => "qemu",
        word => match BACKENDS.iter().find(|(known, _)| *known == word) {
            Some((_, name)) => name,
            None => {
                note("backendtype", word);
                "qemu"
            }
        },
    };
    let cdrom = disk.device == DiskDevice::Cdrom;
    DiskDriver {
        name: Some(if cdrom { "qemu" } else { name }.to_owned()),
        format: Some(if cdrom { "raw" } else { format }.to_owned()),
        ..DiskDriver::default()
    }
}

/// Writes all disks.
pub(crate) fn write(disks: &[Disk], out: &mut Out, notes: &mut Notes) {
    let mut texts = Vec::new();
    for (i, disk) in disks.iter().enumerate() {
        let path = format!("/domain/devices/disk[{}]", i + 1);
        texts.extend(write_one(disk, &path, notes));
    }
    out.texts("disk", texts);
}

fn write_one(disk: &Disk, path: &str, notes: &mut Notes) -> Option<String> {
    if disk.device == DiskDevice::Floppy {
        notes.essential(path, "xl has no floppies");
        return None;
    }
    let target = match &disk.source {
        DiskSource::File { path } | DiskSource::Block { path } => path.clone(),
        DiskSource::Network(image) => Some(network_disk::write(image, path, notes)?),
        other => {
            let reason = format!("xl serves no source of type '{}'", other.kind());
            notes.essential(path, reason);
            return None;
        }
    };
    let format = format_word(disk, path, notes);
    let access = if disk.readonly { "ro" } else { "rw" };
    let mut text = format!(
        "format={format},vdev={},access={access}",
        plain_target(disk)
    );
    if let Some(word) = backend_word(disk, path, notes) {
        text += &format!(",backendtype={word}");
    }
    if disk.device == DiskDevice::Cdrom {
        text += ",devtype=cdrom";
    }
    if let Some(domain) = &disk.backend_domain {
        text += &format!(",backend={domain}");
    }
    match disk.driver.discard {
        Some(Discard::Unmap) => text += ",discard",
        Some(Discard::Ignore) => text += ",no-discard",
        None => {}
    }
    if let Some(script) = &disk.script {
        text += &format!(",script={script}");
    }
    // It takes the rest, so it is the last.
    if let Some(target) = target {
        text += &format!(",target={target}");
    }
    if disk.device == DiskDevice::Lun {
        notes.essential(
            format!("{path}/@device"),
            "xl has no lun, a disk is written",
        );
    }
    if disk.shareable {
        let reason = "xl does not look whether others write";
        notes.setting(format!("{path}/shareable"), reason);
    }
    note_common(disk, path, "xl", notes);
    Some(text)
}

fn format_word(disk: &Disk, path: &str, notes: &mut Notes) -> &'static str {
    let format = match disk.driver.format.as_deref() {
        None | Some("aio") => "raw",
        Some("vpc") => "vhd",
        Some(format) => format,
    };
    FORMATS
        .iter()
        .find(|known| **known == format)
        .unwrap_or_else(|| {
            let reason = format!("xl has no format {format}, raw is written");
            notes.essential(format!("{path}/driver/@type"), reason);
            &"raw"
        })
}

fn backend_word(disk: &Disk, path: &str, notes: &mut Notes) -> Option<&'static str> {
    let name = disk.driver.name.as_deref()?;
    match name {
        "qemu" | "file" => Some("qdisk"),
        "tap" | "tap2" => Some("tap"),
        "phy" => Some("phy"),
        _ => {
            let reason = format!("xl has no backend {name}, it chooses one");
            notes.setting(format!("{path}/driver/@name"), reason);
            None
        }
    }
}
