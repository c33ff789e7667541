//! What a guest boots: `kernel`, `ramdisk`, `root`, `extra`, `cmdline`,
//! `bootloader`, `boot`, and xl's `bios` and `acpi_firmware`.
//!
//! With xm the `kernel` of a fully virtualized guest is its firmware, unless there
//! is a `loader` too.

use super::{Dialect, Host, Out, Settings};
use crate::convert::{Notes, excerpt};
use virtxen_guest::{
    AcpiTable, AcpiTableType, BootDevice, Firmware, Loader, LoaderType, Os, OsType,
};

/// Where a domain document may say firmware that xl takes without being told.
const HVMLOADER: &str = "hvmloader";
const OVMF: &str = "ovmf.bin";

/// Reads the kind of guest.
pub(super) fn kind(file: &mut Settings<'_>, notes: &mut Notes) -> OsType {
    let builder = file.filled("builder", notes);
    let (name, word) = match file.filled("type", notes) {
        Some(word) => ("type", Some(word)),
        None => ("builder", builder),
    };
    match word.as_deref() {
        None | Some("pv" | "linux" | "generic") => OsType::Xen,
        Some("hvm" | "vmx") => OsType::Hvm,
        Some("pvh") => OsType::XenPvh,
        Some(other) => {
            let reason = format!(
                "'{}' is no kind of guest known here, read as a paravirtualized one",
                excerpt(other)
            );
            notes.essential_at(name, file.at(name), reason);
            OsType::Xen
        }
    }
}

/// Reads what the guest boots.
pub(super) fn read(
    file: &mut Settings<'_>,
    kind: OsType,
    dialect: Dialect,
    host: &Host,
    notes: &mut Notes,
) -> Os {
    let mut os = Os::new(kind);
    os.arch.clone_from(&host.arch);
    let machine = match kind {
        OsType::Xen => "xenpv",
        OsType::Hvm => "xenfv",
        OsType::XenPvh => "xenpvh",
    };
    os.machine = Some(machine.to_owned());
    os.kernel = file.filled("kernel", notes);
    if kind == OsType::Hvm {
        os.loader = if dialect.xl {
            xl_firmware(file, host, notes)
        } else {
            xm_firmware(file, &mut os, notes)
        };
        read_boot(file, &mut os, notes);
        if dialect.xl {
            let table = file.filled("acpi_firmware", notes);
            os.acpi_tables.extend(table.map(|path| AcpiTable {
                kind: AcpiTableType::Slic,
                path,
            }));
        }
    } else {
        os.bootloader = file.filled("bootloader", notes);
        let name = if file.value("bootloader_args").is_some() {
            "bootloader_args"
        } else {
            "bootargs"
        };
        os.bootloader_args = file.filled(name, notes);
    }
    os.initrd = file.filled("ramdisk", notes);
    os.cmdline = command_line(file, dialect, notes);
    os
}

fn xl_firmware(file: &mut Settings<'_>, host: &Host, notes: &mut Notes) -> Option<Loader> {
    let path = file.filled("bios_path_override", notes);
    match file.filled("bios", notes).as_deref() {
        Some("ovmf") => {
            return Some(Loader {
                path: Some(path.unwrap_or_else(|| host.ovmf.clone())),
                readonly: Some(true),
                kind: Some(LoaderType::Pflash),
                ..Loader::default()
            });
        }
        None | Some("seabios" | "rombios") => {}
        Some(other) => {
            let reason = format!("'{}' is no firmware known here", excerpt(other));
            notes.essential_at("bios", file.at("bios"), reason);
        }
    }
    if let Some(path) = path {
        let reason = format!("'{}' is not kept", excerpt(&path));
        notes.setting_at("bios_path_override", file.at("bios_path_override"), reason);
    }
    let path = file.filled("firmware_override", notes);
    let path = path.or_else(|| host.loader.clone())?;
    Some(rom(path))
}

fn xm_firmware(file: &mut Settings<'_>, os: &mut Os, notes: &mut Notes) -> Option<Loader> {
    match file.filled("loader", notes) {
        None => os.kernel.take().map(rom),
        Some(loader) => {
            os.kernel.take_if(|kernel| *kernel == loader);
            Some(rom(loader))
        }
    }
}

fn rom(path: String) -> Loader {
    Loader {
        path: Some(path),
        kind: Some(LoaderType::Rom),
        ..Loader::default()
    }
}

fn read_boot(file: &mut Settings<'_>, os: &mut Os, notes: &mut Notes) {
    let letters = file.filled("boot", notes).unwrap_or_else(|| "c".to_owned());
    for letter in letters.chars() {
        match BootDevice::from_letter(letter) {
            Some(device) if os.boot.len() < BootDevice::ALL.len() => os.boot.push(device),
            _ => {
                let reason = format!("'{letter}' is no boot device");
                notes.setting_at("boot", file.at("boot"), reason);
            }
        }
    }
}

/// xl's `cmdline`, or root device and further arguments in one line.
fn command_line(file: &mut Settings<'_>, dialect: Dialect, notes: &mut Notes) -> Option<String> {
    let whole = if dialect.xl {
        file.filled("cmdline", notes)
    } else {
        None
    };
    let root = file.filled("root", notes);
    let extra = file.filled("extra", notes);
    if let Some(whole) = whole {
        for (name, said) in [("root", root.is_some()), ("extra", extra.is_some())] {
            if said {
                notes.setting_at(name, file.at(name), "cmdline goes before it");
            }
        }
        return Some(whole);
    }
    match (root, extra) {
        (Some(root), Some(extra)) => Some(format!("root={root} {extra}")),
        (Some(root), None) => Some(format!("root={root}")),
        (None, extra) => extra,
    }
}

/// Writes what the guest boots.
pub(super) fn write(os: &Os, dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    let tool = dialect.tool();
    match os.kind {
        OsType::Hvm => write_hvm(os, dialect, out, notes),
        OsType::Xen => {}
        OsType::XenPvh if dialect.xl => out.text("type", "pvh"),
        OsType::XenPvh => notes.essential(
            "/domain/os/type",
            "xm has no PVH guests; a paravirtualized one is written",
        ),
    }
    if os.kind != OsType::Hvm {
        write_bootloader(os, out, notes);
        out.optional("kernel", os.kernel.as_ref());
        out.optional("ramdisk", os.initrd.as_ref());
        write_command_line(os, dialect, out);
    }
    if let Some(loader) = &os.loader {
        if loader.readonly == Some(false) {
            let path = "/domain/os/loader/@readonly";
            notes.setting(path, "the firmware is read-only");
        }
        if loader.secure == Some(true) {
            let path = "/domain/os/loader/@secure";
            notes.essential(path, format!("{tool} has no secure boot"));
        }
    }
    write_tables(os, dialect, out, notes);
    notes.kept("/domain/os", &os.kept, &format!("{tool} does not know it"));
}

fn write_hvm(os: &Os, dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    out.text("builder", "hvm");
    if dialect.xl {
        write_xl_firmware(os, out, notes);
        out.optional("kernel", os.kernel.as_ref());
    } else {
        write_xm_firmware(os, out, notes);
    }
    out.optional("ramdisk", os.initrd.as_ref());
    write_command_line(os, dialect, out);
    let letters: String = os.boot.iter().map(|device| device.letter()).collect();
    let letters = Some(letters).filter(|letters| !letters.is_empty());
    out.text("boot", letters.unwrap_or_else(|| "c".to_owned()));
    if os.bootloader.is_some() {
        let reason = "a fully virtualized guest has none";
        notes.setting("/domain/bootloader", reason);
    }
}

fn write_xl_firmware(os: &Os, out: &mut Out, notes: &mut Notes) {
    let loader = os.loader.as_ref();
    let path = loader.and_then(|loader| loader.path.as_ref());
    let named = |path: &&String, name: &str| path.rsplit('/').next() == Some(name);
    if loader.and_then(|loader| loader.kind) == Some(LoaderType::Pflash)
        || os.firmware == Some(Firmware::Efi)
    {
        out.text("bios", "ovmf");
        out.optional("bios_path_override", path.filter(|path| !named(path, OVMF)));
        return;
    }
    if let Some(path) = path.filter(|path| !named(path, HVMLOADER)) {
        out.text("firmware_override", path);
        let reason = "xl starts hvmloader; this file replaces it";
        notes.setting("/domain/os/loader", reason);
    }
}

fn write_xm_firmware(os: &Os, out: &mut Out, notes: &mut Notes) {
    let loader = os.loader.as_ref();
    if loader.and_then(|loader| loader.kind) == Some(LoaderType::Pflash) {
        notes.essential("/domain/os/loader/@type", "xm maps firmware as rom only");
    }
    if let Some(firmware) = os.firmware {
        let reason = format!("xm cannot choose {firmware} firmware");
        notes.essential("/domain/os/@firmware", reason);
    }
    let path = loader.and_then(|loader| loader.path.as_ref());
    if let Some(kernel) = &os.kernel {
        out.text("kernel", kernel);
        out.optional("loader", path);
    } else if let Some(path) = path {
        out.text("kernel", path);
    } else {
        let default = Host::default().loader.unwrap_or_default();
        let reason = format!("not said, {default} is taken");
        notes.setting("/domain/os/loader", reason);
        out.text("kernel", default);
    }
}

fn write_bootloader(os: &Os, out: &mut Out, notes: &mut Notes) {
    if os.bootloader.as_deref() == Some("") {
        out.text("bootloader", "pygrub");
        notes.setting("/domain/bootloader", "not named, pygrub is taken");
    } else {
        out.optional("bootloader", os.bootloader.as_ref());
    }
    out.optional("bootargs", os.bootloader_args.as_ref());
    for (element, said) in [
        ("boot", !os.boot.is_empty()),
        ("loader", os.loader.is_some()),
    ] {
        if said {
            let path = format!("/domain/os/{element}");
            notes.setting(path, "such a guest has no firmware that boots");
        }
    }
}

fn write_command_line(os: &Os, dialect: Dialect, out: &mut Out) {
    match &os.root {
        None if dialect.xl => out.optional("cmdline", os.cmdline.as_ref()),
        root => {
            out.optional("root", root.as_ref());
            out.optional("extra", os.cmdline.as_ref());
        }
    }
}

fn write_tables(os: &Os, dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    let mut written = false;
    for (i, table) in os.acpi_tables.iter().enumerate() {
        let takes = dialect.xl && os.kind == OsType::Hvm && !written;
        if takes && table.kind == AcpiTableType::Slic {
            out.text("acpi_firmware", &table.path);
            written = true;
        } else {
            let path = format!("/domain/os/acpi/table[{}]", i + 1);
            let reason = format!("{} does not take it for this guest", dialect.tool());
            notes.setting(path, reason);
        }
    }
}
