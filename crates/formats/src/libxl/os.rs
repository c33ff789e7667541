//! What a guest boots: `kernel`, `ramdisk`, `cmdline`, `bootloader`, `boot`, `bios`,
//! `system_firmware`, `firmware`, `acpi_firmware`.

use super::guest::Parts;
use super::write::Writer;
use crate::convert::Notes;
use crate::keys::Host;
use virtxen_guest::{
    AcpiTable, AcpiTableType, BootDevice, DeviceInfo, DiskDevice, Firmware, Guest, Loader,
    LoaderType, OsType,
};

/// Firmware that starts the others, and that libxl finds itself.
const HVMLOADER: &str = "hvmloader";

/// The bootloader of a paravirtualized guest that names neither one nor a kernel.
const BOOTLOADER: &str = "pygrub";

/// Writes what the guest boots.
pub(super) fn write(writer: &mut Writer<'_>) {
    let os = &writer.guest.os;
    writer.build.some("kernel", os.kernel.clone());
    writer.build.some("ramdisk", os.initrd.clone());
    let cmdline = match (&os.root, &os.cmdline) {
        (None, cmdline) => cmdline.clone(),
        (Some(root), None) => Some(format!("root={root}")),
        (Some(root), Some(rest)) => Some(format!("root={root} {rest}")),
    };
    writer.build.some("cmdline", cmdline);
    if writer.is_hvm() {
        write_firmware(writer);
        write_boot(writer);
        if os.bootloader.is_some() {
            let reason = "a fully virtualized guest has none";
            writer.notes.setting("/domain/bootloader", reason);
        }
    } else {
        write_bootloader(writer);
        for (element, said) in [
            ("boot", !os.boot.is_empty()),
            ("loader", os.loader.is_some()),
        ] {
            if said {
                let path = format!("/domain/os/{element}");
                let reason = "such a guest has no firmware that boots";
                writer.notes.setting(path, reason);
            }
        }
    }
    write_tables(writer);
    let reason = "libxl does not know it";
    writer.notes.kept("/domain/os", &os.kept, reason);
}

fn write_firmware(writer: &mut Writer<'_>) {
    let os = &writer.guest.os;
    let loader = os.loader.clone().unwrap_or_default();
    let uefi = loader.kind == Some(LoaderType::Pflash) || os.firmware == Some(Firmware::Efi);
    let path = loader.path.filter(|path| !path.is_empty());
    if uefi {
        writer.own.set("bios", "ovmf");
        if let Some(path) = path {
            let place = "/domain/os/loader";
            let (own, notes) = (&mut writer.own, &mut writer.notes);
            own.try_set("system_firmware", path, place, notes);
        }
    } else if let Some(path) = path.filter(|path| path.rsplit('/').next() != Some(HVMLOADER)) {
        writer.own.set("firmware", path);
    }
    if loader.readonly == Some(false) {
        let path = "/domain/os/loader/@readonly";
        writer.notes.setting(path, "the firmware is read-only");
    }
    if loader.secure == Some(true) {
        let path = "/domain/os/loader/@secure";
        writer.notes.essential(path, "libxl has no secure boot");
    }
}

/// Devices by kind; an order of single devices becomes that of their kinds.
fn write_boot(writer: &mut Writer<'_>) {
    let guest = writer.guest;
    let mut letters: String = guest.os.boot.iter().map(|device| device.letter()).collect();
    if letters.is_empty() {
        let order = |info: &DeviceInfo| info.boot_order;
        let disks = guest.devices.disks.iter().map(|disk| {
            let kind = match disk.device {
                DiskDevice::Cdrom => BootDevice::Cdrom,
                DiskDevice::Floppy => BootDevice::Fd,
                DiskDevice::Disk | DiskDevice::Lun => BootDevice::Hd,
            };
            (order(&disk.info), kind)
        });
        let cards = guest.devices.interfaces.iter();
        let cards = cards.map(|card| (order(&card.info), BootDevice::Network));
        let mut said: Vec<(u32, BootDevice)> = disks
            .chain(cards)
            .filter_map(|(order, kind)| Some((order?, kind)))
            .collect();
        said.sort_unstable();
        for (_, kind) in said {
            if !letters.contains(kind.letter()) {
                letters.push(kind.letter());
            }
        }
    }
    if letters.is_empty() {
        letters.push(BootDevice::Hd.letter());
    }
    writer.own.set("boot", letters);
}

fn write_bootloader(writer: &mut Writer<'_>) {
    let os = &writer.guest.os;
    let pv = writer.kind == OsType::Xen;
    let bootloader = match os.bootloader.as_deref() {
        Some("") => Some(BOOTLOADER),
        None if os.kernel.is_none() && pv => Some(BOOTLOADER),
        said => said,
    };
    if let Some(bootloader) = bootloader {
        writer.moved("bootloader", bootloader, "/domain/bootloader");
    }
    if let Some(text) = &os.bootloader_args {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        writer.moved("bootloader_args", words, "/domain/bootloader_args");
    }
}

fn write_tables(writer: &mut Writer<'_>) {
    let mut written = false;
    for (i, table) in writer.guest.os.acpi_tables.iter().enumerate() {
        if writer.is_hvm() && !written && table.kind == AcpiTableType::Slic {
            writer.own.set("acpi_firmware", table.path.clone());
            written = true;
        } else {
            let path = format!("/domain/os/acpi/table[{}]", i + 1);
            let reason = "libxl does not take it for this guest";
            writer.notes.setting(path, reason);
        }
    }
}

/// Reads what the guest boots.
pub(super) fn read(parts: &mut Parts<'_, '_>, guest: &mut Guest, notes: &mut Notes) {
    let os = &mut guest.os;
    os.machine = Some(
        match parts.kind {
            OsType::Xen => "xenpv",
            OsType::Hvm => "xenfv",
            OsType::XenPvh => "xenpvh",
        }
        .to_owned(),
    );
    os.kernel = parts.place_of("kernel").text("kernel", notes);
    os.initrd = parts.place_of("ramdisk").text("ramdisk", notes);
    os.cmdline = parts.place_of("cmdline").text("cmdline", notes);
    if parts.kind == OsType::Hvm {
        os.loader = read_firmware(parts, notes);
        let letters = parts.own.text("boot", notes);
        for letter in letters.as_deref().unwrap_or("c").chars() {
            match BootDevice::from_letter(letter) {
                Some(device) if !os.boot.contains(&device) => os.boot.push(device),
                Some(_) => {}
                None => {
                    let reason = format!("'{letter}' is no boot device");
                    notes.setting(parts.own.place("boot"), reason);
                }
            }
        }
        let table = parts.own.text("acpi_firmware", notes);
        os.acpi_tables.extend(table.map(|path| AcpiTable {
            kind: AcpiTableType::Slic,
            path,
        }));
    } else {
        os.bootloader = parts.place_of("bootloader").text("bootloader", notes);
        let place = parts.place_of("bootloader_args");
        let words = place.texts("bootloader_args", notes);
        os.bootloader_args = (!words.is_empty()).then(|| words.join(" "));
    }
}

fn read_firmware(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Option<Loader> {
    let host = Host::default();
    let path = parts.own.text("system_firmware", notes);
    let rom = parts.own.text("firmware", notes);
    if parts.own.word("bios", notes) == Some("ovmf") {
        return Some(Loader {
            path: Some(path.unwrap_or(host.ovmf)),
            readonly: Some(true),
            kind: Some(LoaderType::Pflash),
            ..Loader::default()
        });
    }
    if path.is_some() {
        let reason = "a document names no firmware that hvmloader starts but UEFI";
        notes.setting(parts.own.place("system_firmware"), reason);
    }
    Some(Loader {
        path: rom.or(host.loader),
        kind: Some(LoaderType::Rom),
        ..Loader::default()
    })
}
