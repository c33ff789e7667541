//! What a guest boots: `(bootloader …)` and the first part of `(image …)`.
//!
//! Floppies and the CD-ROM that old releases keep in the image are disks.

use super::Sxpr;
use super::dialect::{Dialect, Source};
use super::section::Section;
use crate::convert::Notes;
use virtxen_guest::{BootDevice, Loader, LoaderType, Os, OsType};

/// Where hvmloader is when a document does not say.
const HVMLOADER: &str = "/usr/lib/xen/boot/hvmloader";
/// Its forerunner's place in Xen 3.0.0 and 3.0.1.
const VMXLOADER: &str = "/usr/lib/xen/boot/vmxloader";

/// Reads what the guest boots.
pub(super) fn read(
    domain: &mut Section<'_>,
    image: Option<&mut Section<'_>>,
    source: &Source<'_>,
    notes: &mut Notes,
) -> Os {
    let mut os = Os::new(if source.hvm { OsType::Hvm } else { OsType::Xen });
    if let Some(image) = image {
        if source.hvm {
            read_hvm(image, &mut os, notes);
        } else {
            read_direct(image, &mut os);
        }
    }
    // XenD 3.1 and later say both for every guest, empty if there is none.
    let bootloader = domain.value("bootloader");
    let args = domain.text("bootloader_args").map(str::to_owned);
    if source.hvm {
        return os;
    }
    os.bootloader = match bootloader {
        Some("") if os.kernel.is_some() || source.domid.is_some_and(|id| id.0 == 0) => None,
        other => other.map(str::to_owned),
    };
    if os.bootloader.is_some() {
        os.bootloader_args = args;
    }
    os
}

fn read_hvm(image: &mut Section<'_>, os: &mut Os, notes: &mut Notes) {
    let kernel = image.text("kernel").map(str::to_owned);
    let loader = match image.text("loader").map(str::to_owned) {
        // Only Xen 3.4 and later tell the firmware from the kernel.
        None => kernel,
        loader => {
            os.kernel = kernel.filter(|kernel| loader.as_ref() != Some(kernel));
            loader
        }
    };
    os.loader = loader.map(|path| Loader {
        path: Some(path),
        kind: Some(LoaderType::Rom),
        ..Loader::default()
    });
    let direct = os.kernel.clone();
    if direct.is_some() {
        read_direct(image, os);
        os.kernel = direct;
    }
    let letters = image.value("boot").unwrap_or_default();
    if os.kernel.is_some() && letters == "c" {
        // What XenD says when nobody asked; the kernel is what is booted.
        return;
    }
    for letter in letters.chars() {
        match BootDevice::from_letter(letter) {
            Some(device) if os.boot.len() < BootDevice::ALL.len() => os.boot.push(device),
            _ => notes.setting(
                format!("{}/boot", image.path()),
                format!("'{letter}' is no boot device"),
            ),
        }
    }
}

fn read_direct(image: &mut Section<'_>, os: &mut Os) {
    let mut text = |name: &str| image.text(name).map(str::to_owned);
    os.kernel = text("kernel");
    os.initrd = text("ramdisk");
    os.cmdline = text("args");
    os.root = text("root").filter(|root| {
        // XenD 3.0.4 says it twice: it puts the root device into the arguments.
        let args = os.cmdline.as_deref().unwrap_or_default();
        let rest = args.strip_prefix("root=");
        !rest.is_some_and(|rest| rest.starts_with(root.as_str()))
    });
}

/// Writes `(bootloader …)` and its arguments.
pub(super) fn write_bootloader(os: &Os, dialect: Dialect, out: &mut Vec<Sxpr>, notes: &mut Notes) {
    let Some(bootloader) = &os.bootloader else {
        if os.bootloader_args.is_some() {
            notes.setting("/domain/bootloader_args", "there is no bootloader");
        }
        return;
    };
    if !dialect.boot_loader {
        notes.essential(
            "/domain/bootloader",
            "XenD runs boot loaders from Xen 3.0.3 on; before, only xm does: \
             give the guest its kernel",
        );
    }
    out.push(if bootloader.is_empty() {
        Sxpr::named("bootloader", Vec::new())
    } else {
        Sxpr::quoted_pair("bootloader", bootloader)
    });
    if let Some(args) = &os.bootloader_args {
        out.push(Sxpr::quoted_pair("bootloader_args", args));
    }
}

/// Writes the kernel of a paravirtualized guest; with a bootloader only the
/// command line, since the bootloader finds the rest.
pub(super) fn write_pv(os: &Os, image: &mut Vec<Sxpr>, notes: &mut Notes) {
    if os.bootloader.is_none() {
        direct(os, image);
    } else {
        for (name, there) in [
            ("kernel", os.kernel.is_some()),
            ("initrd", os.initrd.is_some()),
            ("root", os.root.is_some()),
        ] {
            if there {
                notes.setting(format!("/domain/os/{name}"), "the bootloader finds it");
            }
        }
        image.extend(
            os.cmdline
                .iter()
                .map(|args| Sxpr::quoted_pair("args", args)),
        );
    }
    if !os.boot.is_empty() {
        notes.setting(
            "/domain/os/boot",
            "a paravirtualized guest boots its kernel",
        );
    }
    if os.loader.is_some() {
        notes.setting(
            "/domain/os/loader",
            "a paravirtualized guest has no firmware",
        );
    }
}

/// Writes the kernel and the firmware of a fully virtualized guest.
pub(super) fn write_hvm(os: &Os, dialect: Dialect, image: &mut Vec<Sxpr>, notes: &mut Notes) {
    if os.kernel.is_some() && !dialect.hvm_kernel {
        notes.essential(
            "/domain/os/kernel",
            "a fully virtualized guest boots a kernel directly from Xen 3.2 on; \
             before, it boots a disk, a CD or the network",
        );
    }
    direct(os, image);
    let path = os.loader.as_ref().and_then(|loader| loader.path.clone());
    let path = path.unwrap_or_else(|| {
        let taken = if dialect.vmx_image {
            VMXLOADER
        } else {
            HVMLOADER
        };
        notes.setting("/domain/os/loader", format!("not said, {taken} is taken"));
        taken.to_owned()
    });
    let name = if os.kernel.is_some() {
        "loader"
    } else {
        "kernel"
    };
    image.push(Sxpr::quoted_pair(name, path));
    if os.bootloader.is_some() {
        notes.setting("/domain/bootloader", "a fully virtualized guest has none");
    }
}

/// Writes the boot devices; the first hard disk if none is said.
pub(super) fn write_boot(os: &Os, image: &mut Vec<Sxpr>) {
    let letters: String = os.boot.iter().map(|device| device.letter()).collect();
    let letters = if letters.is_empty() {
        "c".to_owned()
    } else {
        letters
    };
    image.push(Sxpr::pair("boot", letters));
}

/// Notes what no XenD carries.
pub(super) fn note_rest(os: &Os, notes: &mut Notes) {
    if os.kind == OsType::XenPvh {
        notes.essential(
            "/domain/os/type",
            "XenD has no PVH guests; a paravirtualized one is written",
        );
    }
    if let Some(loader) = &os.loader {
        if loader.kind == Some(LoaderType::Pflash) {
            notes.essential("/domain/os/loader/@type", "XenD maps firmware as rom only");
        }
        if loader.readonly == Some(false) {
            notes.setting(
                "/domain/os/loader/@readonly",
                "XenD's firmware is read-only",
            );
        }
        if loader.secure == Some(true) {
            notes.essential("/domain/os/loader/@secure", "XenD has no secure boot");
        }
    }
    if let Some(firmware) = os.firmware {
        notes.essential(
            "/domain/os/@firmware",
            format!("XenD cannot choose {firmware} firmware"),
        );
    }
    for i in 1..=os.acpi_tables.len() {
        notes.setting(
            format!("/domain/os/acpi/table[{i}]"),
            "XenD takes no ACPI tables",
        );
    }
    notes.kept("/domain/os", &os.kept, "XenD does not know it");
}

fn direct(os: &Os, image: &mut Vec<Sxpr>) {
    for (name, value) in [
        ("kernel", &os.kernel),
        ("ramdisk", &os.initrd),
        ("root", &os.root),
        ("args", &os.cmdline),
    ] {
        image.extend(value.iter().map(|value| Sxpr::quoted_pair(name, value)));
    }
}
