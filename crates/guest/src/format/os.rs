//! What a guest boots.
//!
//! The bootloader stands outside of it, before it.

use super::writer::Writer;
use crate::{Os, OsType};

/// Writes `<os>`; bootloaders stand outside of it.
pub(super) fn os(os: &Os, writer: &mut Writer) {
    writer.open("os");
    writer.word("firmware", os.firmware);
    writer.open("type");
    writer.some("arch", os.arch.as_deref());
    writer.some("machine", os.machine.as_deref());
    // libvirt's word for paravirtualized guests in documents, for the sake of old programs.
    let kind = match os.kind {
        OsType::Xen => "linux",
        kind => kind.as_str(),
    };
    writer.close_text("type", kind);
    writer.kept_named(&os.kept, "", FIRST);
    if let Some(loader) = &os.loader {
        writer.open("loader");
        writer.yes_no("readonly", loader.readonly);
        writer.yes_no("secure", loader.secure);
        writer.word("type", loader.kind);
        writer.kept_attributes(&os.kept, "loader");
        writer.close_text("loader", loader.path.as_deref().unwrap_or_default());
    }
    writer.kept_named(&os.kept, "", &["nvram"]);
    writer.some_text("kernel", os.kernel.as_deref());
    writer.some_text("initrd", os.initrd.as_deref());
    writer.some_text("cmdline", os.cmdline.as_deref());
    writer.some_text("root", os.root.as_deref());
    writer.kept_named(&os.kept, "", &["dtb", "shim"]);
    if !os.acpi_tables.is_empty() {
        writer.open("acpi");
        for table in &os.acpi_tables {
            writer.open("table");
            writer.attribute("type", table.kind.as_str());
            writer.close_text("table", &table.path);
        }
        writer.close("acpi");
    }
    for device in &os.boot {
        writer.only("boot", "dev", Some(device.as_str()));
    }
    writer.kept_named(&os.kept, "", &["bootmenu", "bios", "smbios"]);
    writer.close("os");
}

const FIRST: &[&str] = &[
    "init",
    "initarg",
    "initenv",
    "initdir",
    "inituser",
    "initgroup",
    "firmware",
];
