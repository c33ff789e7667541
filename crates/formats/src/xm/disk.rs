//! xm's disks: `disk = [ "phy:/dev/x,xvda,w", "file:/y.iso,hdc:cdrom,r" ]`, and
//! drives that are names of their own: `fda`, `fdb`, and `cdrom` of Xen 3.0.2.

use crate::convert::{Notes, excerpt};
use crate::keys::{Entry, Out, Settings};
use crate::spelling::device::note_info;
use crate::spelling::disk::{plain_target, source_of, target_of, uname_of};
use crate::sxpr::ConfigVersion;
use virtxen_guest::{Address, Disk, DiskBus, DiskDevice, DiskDriver, DiskSource};

/// Reads all disks.
pub(crate) fn read(
    file: &mut Settings<'_>,
    hvm: bool,
    version: ConfigVersion,
    notes: &mut Notes,
) -> Vec<Disk> {
    let mut disks = Vec::new();
    for entry in file.entries("disk", notes) {
        disks.extend(read_one(&entry, hvm, notes));
    }
    if hvm {
        if version == ConfigVersion::Xen302 {
            disks.extend(drive(file, "cdrom", "hdc", DiskDevice::Cdrom, notes));
        }
        disks.extend(drive(file, "fda", "fda", DiskDevice::Floppy, notes));
        disks.extend(drive(file, "fdb", "fdb", DiskDevice::Floppy, notes));
    }
    disks
}

/// `UNAME,DEV,MODE` and perhaps the domain of the backend.
fn read_one(entry: &Entry, hvm: bool, notes: &mut Notes) -> Option<Disk> {
    let mut parts = entry.text.splitn(4, ',').map(str::trim);
    let (uname, dev, mode) = (parts.next()?, parts.next(), parts.next());
    let (Some(dev), Some(mode)) = (dev.filter(|dev| !dev.is_empty()), mode) else {
        let reason = format!("'{}' is not UNAME,DEV,MODE", excerpt(&entry.text));
        notes.essential_at(entry.path.clone(), entry.at, reason);
        return None;
    };
    let count = notes.count();
    let (device, target) = target_of(dev, &entry.path, notes);
    notes.place_from(count, entry.at);
    let (driver, source) = if uname.is_empty() {
        source_of("phy:", "vbd")
    } else if uname.contains(':') {
        source_of(uname, "vbd")
    } else {
        source_of(&format!("phy:{uname}"), "vbd")
    };
    if !matches!(mode, "r" | "ro" | "w" | "rw" | "w!" | "rw!" | "!" | "") {
        let reason = format!("'{}' is no mode", excerpt(mode));
        notes.setting_at(format!("{}/mode", entry.path), entry.at, reason);
    }
    let backend = parts.next().filter(|domain| !domain.is_empty());
    Some(Disk {
        device,
        bus: Some(bus_of(&target, hvm)),
        target,
        driver,
        source,
        readonly: matches!(mode, "r" | "ro"),
        shareable: mode.contains('!'),
        backend_domain: backend
            .filter(|domain| !matches!(*domain, "0" | "Domain-0"))
            .map(str::to_owned),
        ..Disk::default()
    })
}

/// The bus of a name, as both tools have it.
pub(crate) fn bus_of(target: &str, hvm: bool) -> DiskBus {
    if target.starts_with("xvd") || !hvm {
        DiskBus::Xen
    } else if target.starts_with("sd") {
        DiskBus::Scsi
    } else {
        DiskBus::Ide
    }
}

/// A drive that is a name of its own.
fn drive(
    file: &mut Settings<'_>,
    name: &'static str,
    target: &str,
    device: DiskDevice,
    notes: &mut Notes,
) -> Option<Disk> {
    let path = file.filled(name, notes)?;
    let floppy = device == DiskDevice::Floppy;
    Some(Disk {
        device,
        source: DiskSource::File { path: Some(path) },
        driver: DiskDriver {
            name: Some("file".to_owned()),
            ..DiskDriver::default()
        },
        target: target.to_owned(),
        bus: Some(if floppy { DiskBus::Fdc } else { DiskBus::Ide }),
        readonly: !floppy,
        ..Disk::default()
    })
}

/// Writes all disks.
pub(crate) fn write(
    disks: &[Disk],
    hvm: bool,
    version: ConfigVersion,
    out: &mut Out,
    notes: &mut Notes,
) {
    // Without it Xen 3.0.2 gives a disk that needs a driver.
    let emulated = if hvm && version == ConfigVersion::Xen302 {
        "ioemu:"
    } else {
        ""
    };
    let mut texts = Vec::new();
    for (i, disk) in disks.iter().enumerate() {
        let path = format!("/domain/devices/disk[{}]", i + 1);
        match (disk.device, plain_target(disk)) {
            (DiskDevice::Floppy, "fda") if hvm => write_drive("fda", disk, &path, out, notes),
            (DiskDevice::Floppy, "fdb") if hvm => write_drive("fdb", disk, &path, out, notes),
            (DiskDevice::Floppy, _) => {
                let reason = "xm has floppies of fully virtualized guests at fda and fdb only";
                notes.essential(path, reason);
            }
            (DiskDevice::Cdrom, "hdc") if hvm && version == ConfigVersion::Xen302 => {
                write_drive("cdrom", disk, &path, out, notes);
            }
            (DiskDevice::Cdrom, _) if hvm && version == ConfigVersion::Xen302 => {
                notes.essential(path, "xm before 3.0.3 has its CD-ROM at hdc only");
            }
            _ => texts.extend(write_one(disk, &path, emulated, notes)),
        }
    }
    out.texts("disk", texts);
}

fn write_drive(name: &'static str, disk: &Disk, path: &str, out: &mut Out, notes: &mut Notes) {
    match disk.source.path() {
        Some(file) => out.text(name, file),
        None if disk.is_empty() => {
            notes.setting(path, "such a drive is never empty");
        }
        None => {
            let reason = format!("xm serves no source of type '{}'", disk.source.kind());
            notes.essential(path, reason);
        }
    }
    note_settings(disk, path, notes);
}

fn write_one(disk: &Disk, path: &str, emulated: &str, notes: &mut Notes) -> Option<String> {
    let uname = uname_of(disk, path, notes).ok()?.unwrap_or_default();
    if uname.contains(',') {
        notes.essential(path, "xm takes no path with a comma");
        return None;
    }
    let target = plain_target(disk);
    let kind = if disk.device == DiskDevice::Cdrom {
        ":cdrom"
    } else {
        ""
    };
    let mode = match (disk.readonly, disk.shareable) {
        (true, _) => "r",
        (false, true) => "w!",
        (false, false) => "w",
    };
    if disk.device == DiskDevice::Lun {
        notes.essential(
            format!("{path}/@device"),
            "xm has no lun, a disk is written",
        );
    }
    note_settings(disk, path, notes);
    let backend = disk
        .backend_domain
        .iter()
        .map(|domain| format!(",{domain}"));
    let backend: String = backend.collect();
    Some(format!("{uname},{emulated}{target}{kind},{mode}{backend}"))
}

fn note_settings(disk: &Disk, path: &str, notes: &mut Notes) {
    if disk.script.is_some() {
        notes.essential(format!("{path}/script"), "xm has a script for each backend");
    }
    if disk.driver.discard.is_some() {
        notes.setting(format!("{path}/driver/@discard"), "xm does not know it");
    }
    note_common(disk, path, "xm", notes);
}

/// Notes what neither tool carries.
pub(crate) fn note_common(disk: &Disk, path: &str, tool: &str, notes: &mut Notes) {
    if disk.transient {
        let reason = format!("{tool} keeps what is written");
        notes.essential(format!("{path}/transient"), reason);
    }
    let mut info = disk.info.clone();
    if disk.address_by_name().map(Address::Drive) == info.address {
        info.address = None;
    }
    note_info(&info, path, tool, notes);
}
