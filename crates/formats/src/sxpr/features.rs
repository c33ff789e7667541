//! Features of the virtual machine, switches in the image of a fully virtualized
//! guest.

use super::Sxpr;
use super::section::Section;
use crate::convert::Notes;
use virtxen_guest::{Features, XenFeatures};

/// Reads the switches.
pub(super) fn read(image: &mut Section<'_>, notes: &mut Notes) -> Features {
    let mut on = |name: &str| image.switch(name, notes);
    Features {
        acpi: on("acpi").unwrap_or(false),
        apic: on("apic").unwrap_or(false),
        pae: on("pae").unwrap_or(false),
        hap: on("hap"),
        viridian: on("viridian").unwrap_or(false),
        ..Features::default()
    }
}

/// Writes the switches that are on; XenD's defaults are off.
pub(super) fn write(features: &Features, hvm: bool, image: &mut Vec<Sxpr>, notes: &mut Notes) {
    let Features {
        acpi,
        apic,
        pae,
        hap,
        viridian,
        hyperv,
        xen,
        kept,
    } = features;
    for (name, on) in [
        ("acpi", acpi.then_some(true)),
        ("apic", apic.then_some(true)),
        ("pae", pae.then_some(true)),
        ("hap", *hap),
        ("viridian", viridian.then_some(true)),
    ] {
        let Some(on) = on else { continue };
        if hvm {
            image.push(Sxpr::pair(name, if on { "1" } else { "0" }));
        } else {
            let path = format!("/domain/features/{name}");
            notes.setting(path, "only fully virtualized guests have it");
        }
    }
    if hyperv.is_some() {
        notes.setting(
            "/domain/features/hyperv",
            "XenD knows viridian as a whole only",
        );
    }
    let XenFeatures {
        e820_host,
        passthrough,
    } = xen;
    if *e820_host == Some(true) {
        notes.setting("/domain/features/xen/e820_host", "XenD does not know it");
    }
    if passthrough.is_some() {
        notes.setting("/domain/features/xen/passthrough", "XenD does not know it");
    }
    notes.kept("/domain/features", kept, "XenD does not know it");
}
