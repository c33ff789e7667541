//! Features of the virtual machine.
//!
//! Left out as a whole when nothing is said.

use super::writer::Writer;
use crate::{Features, XenFeatures};

/// Writes `<features>`, if there is any.
pub(super) fn features(features: &Features, writer: &mut Writer) {
    if *features == Features::default() {
        return;
    }
    writer.open("features");
    writer.flag("acpi", features.acpi);
    if features.apic {
        writer.open("apic");
        writer.kept_attributes(&features.kept, "apic");
        writer.close("apic");
    }
    writer.flag("pae", features.pae);
    if features.hap.is_some() {
        writer.open("hap");
        writer.on_off("state", features.hap);
        writer.close("hap");
    }
    writer.flag("viridian", features.viridian);
    if let Some(hyperv) = &features.hyperv {
        writer.open("hyperv");
        writer.word("mode", hyperv.mode);
        for enlightenment in &hyperv.enlightenments {
            writer.element(enlightenment);
        }
        writer.close("hyperv");
    }
    writer.kept_elements(&features.kept, "");
    xen(features.xen, writer);
    writer.close("features");
}

fn xen(xen: XenFeatures, writer: &mut Writer) {
    if xen == XenFeatures::default() {
        return;
    }
    writer.open("xen");
    if xen.e820_host.is_some() {
        writer.open("e820_host");
        writer.on_off("state", xen.e820_host);
        writer.close("e820_host");
    }
    if let Some(passthrough) = xen.passthrough {
        writer.open("passthrough");
        writer.on_off("state", Some(passthrough.state));
        writer.word("mode", passthrough.mode);
        writer.close("passthrough");
    }
    writer.close("xen");
}
