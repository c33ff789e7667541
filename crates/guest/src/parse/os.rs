//! What a guest boots.
//!
//! The bootloader stands outside of `<os>`; what follows from both is checked here.

use super::reader::{Reader, Seen, key, tag};
use crate::{AcpiTable, Guest, Loader, MemoryKib, Os, OsType, ProblemKind};
use roxmltree::Node;

/// Reads `<os>`.
pub(super) fn os(node: Node<'_, '_>, os: &mut Os, reader: &mut Reader<'_>) {
    let kind = node.children().find(|child| tag(child) == "type");
    let is_hvm = kind.is_some_and(|kind| reader.content(kind).trim() == "hvm");
    for attribute in node.attributes() {
        match key(&attribute) {
            "firmware" if is_hvm => os.firmware = reader.word(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        let repeatable = matches!(tag(&child), "boot" | "initarg" | "initenv");
        if !repeatable && !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "type" => os_type(child, os, reader),
            // Firmware and what it looks for; libvirt reads that of such guests only.
            "loader" | "boot" | "acpi" | "nvram" | "bootmenu" | "smbios" | "bios" | "firmware"
                if !is_hvm =>
            {
                reader.unknown_element(child);
            }
            "loader" => os.loader = Some(loader(child, os, reader)),
            "kernel" => os.kernel = Some(reader.text(child)),
            "initrd" => os.initrd = Some(reader.text(child)),
            "cmdline" => os.cmdline = Some(reader.text(child)),
            "root" => os.root = Some(reader.text(child)),
            "boot" => boot(child, os, reader),
            "acpi" => acpi(child, os, reader),
            "nvram" | "bootmenu" | "smbios" | "bios" | "dtb" | "init" | "initarg" | "initenv"
            | "initdir" | "inituser" | "initgroup" | "firmware" | "shim" => {
                reader.keep_element(&mut os.kept, "", child);
            }
            _ => reader.unknown_element(child),
        }
    }
}

/// A guest without `<type>` is paravirtualized when it has a bootloader.
pub(super) fn check_type(node: Node<'_, '_>, guest: &mut Guest, reader: &mut Reader<'_>) {
    let os = node.children().find(|child| tag(child) == "os");
    let said = os.is_some_and(|os| os.children().any(|child| tag(&child) == "type"));
    if !said && guest.os.bootloader.is_none() {
        reader.missing(os.unwrap_or(node), "<os><type>: hvm, linux, xenpvh");
    }
    let missing = |name: &str| !node.children().any(|child| tag(&child) == name);
    if missing("name") {
        reader.missing(node, "<name>");
        // So that the rules do not tell it again.
        "?".clone_into(&mut guest.name);
    }
    if missing("memory") && guest.cpu.as_ref().is_none_or(|cpu| cpu.numa.is_empty()) {
        reader.missing(node, "<memory>");
        guest.memory = MemoryKib(0);
    }
}

fn os_type(node: Node<'_, '_>, os: &mut Os, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "arch" => os.arch = Some(attribute.value().to_owned()),
            "machine" => os.machine = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let text = reader.content(node);
    os.kind = match text.trim() {
        "hvm" => OsType::Hvm,
        "xen" | "linux" => OsType::Xen,
        "xenpvh" => OsType::XenPvh,
        _ => {
            reader.bad_text(node, &text, "hvm, linux, xen, xenpvh");
            return;
        }
    };
}

fn loader(node: Node<'_, '_>, os: &mut Os, reader: &mut Reader<'_>) -> Loader {
    let mut loader = Loader::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "readonly" => loader.readonly = reader.yes_no(node, &attribute),
            "secure" => loader.secure = reader.yes_no(node, &attribute),
            "type" => loader.kind = reader.word(node, &attribute),
            "stateless" | "format" => Reader::keep_attribute(&mut os.kept, "loader", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let path = reader.content(node);
    loader.path = (!path.is_empty()).then_some(path);
    loader
}

fn boot(node: Node<'_, '_>, os: &mut Os, reader: &mut Reader<'_>) {
    let mut found = false;
    for attribute in node.attributes() {
        match key(&attribute) {
            "dev" => {
                found = true;
                os.boot
                    .extend(reader.word::<crate::BootDevice>(node, &attribute));
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if !found {
        reader.missing(node, "attribute 'dev'");
    }
}

fn acpi(node: Node<'_, '_>, os: &mut Os, reader: &mut Reader<'_>) {
    reader.no_attributes(node);
    for child in reader.elements(node) {
        if tag(&child) != "table" {
            reader.unknown_element(child);
            continue;
        }
        let mut kind = None;
        for attribute in child.attributes() {
            match key(&attribute) {
                "type" => kind = Some(reader.word(child, &attribute)),
                _ => reader.unknown_attribute(child, &attribute),
            }
        }
        let path = reader.content(child);
        match kind {
            Some(Some(kind)) => os.acpi_tables.push(AcpiTable { kind, path }),
            Some(None) => {}
            None => reader.error(
                child,
                ProblemKind::Missing {
                    element: "table".to_owned(),
                    what: "attribute 'type'",
                },
            ),
        }
    }
}
