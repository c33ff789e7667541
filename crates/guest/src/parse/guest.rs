//! A `<domain>` element as a whole.
//!
//! Order of elements has no meaning, as in libvirt.

use super::reader::{Reader, Seen, cut, key, shown_name, tag};
use super::{clock, cpu, devices, features, markup, os, seclabel};
use crate::words::Word;
use crate::{DomId, Guest, LifecycleAction, MemoryKib, ProblemKind, XEN_NAMESPACE, rank};
use roxmltree::Node;

/// Reads a whole guest.
pub(super) fn guest(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Guest {
    let mut guest = Guest::default();
    attributes(node, &mut guest, reader);
    let mut seen = Seen::default();
    let mut kept = Vec::new();
    for child in reader.elements(node) {
        let repeatable = matches!(tag(&child), "seclabel" | "");
        if !repeatable && !reader.first(&mut seen, child) {
            continue;
        }
        if general(child, &mut guest, reader) || parts(child, &mut guest, reader) {
            continue;
        }
        if rank::GUEST.contains(&tag(&child)) {
            kept.push(child);
        } else if is_commandline(child) {
            commandline(child, &mut guest, reader);
        } else {
            reader.unknown_element(child);
        }
    }
    kept.sort_by_key(|child| rank::GUEST.iter().position(|name| *name == tag(child)));
    for child in kept {
        reader.keep_element(&mut guest.kept, "", child);
    }
    os::check_type(node, &mut guest, reader);
    if guest.memory == MemoryKib(0) {
        // The sum of the nodes says it too.
        guest.memory = guest.node_memory().unwrap_or_default();
    }
    guest
}

fn attributes(node: Node<'_, '_>, guest: &mut Guest, reader: &mut Reader<'_>) {
    let mut has_type = false;
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => {
                has_type = true;
                if attribute.value() != "xen" {
                    reader.bad_attribute(node, &attribute, "xen");
                }
            }
            // libvirt writes -1 for a guest that does not run.
            "id" if attribute.value() == "-1" => {}
            "id" => guest.id = reader.number(node, &attribute).map(DomId),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    if !has_type {
        reader.missing(node, "attribute 'type' (xen)");
    }
}

fn general(child: Node<'_, '_>, guest: &mut Guest, reader: &mut Reader<'_>) -> bool {
    match tag(&child) {
        "name" => guest.name = reader.text(child),
        "uuid" => {
            let text = reader.text(child);
            match text.parse() {
                Ok(uuid) => guest.uuid = Some(uuid),
                Err(_) => reader.bad_text(child, &text, "32 hexadecimal digits"),
            }
        }
        "title" => guest.title = Some(reader.text(child)).filter(|title| !title.is_empty()),
        "description" => guest.description = Some(reader.text(child)),
        "metadata" => guest.metadata = Some(markup::metadata(reader.source, child)),
        "memory" => {
            guest.memory = memory(child, guest, reader).unwrap_or_default();
        }
        "currentMemory" => guest.current_memory = memory(child, guest, reader),
        "on_poweroff" => action(child, &mut guest.lifecycle.on_poweroff, reader),
        "on_reboot" => action(child, &mut guest.lifecycle.on_reboot, reader),
        "on_crash" => action(child, &mut guest.lifecycle.on_crash, reader),
        _ => return false,
    }
    true
}

fn parts(child: Node<'_, '_>, guest: &mut Guest, reader: &mut Reader<'_>) -> bool {
    match tag(&child) {
        "vcpu" => cpu::vcpus(child, &mut guest.vcpus, reader),
        "cputune" => guest.cpu_tune = cpu::tune(child, reader),
        "cpu" => guest.cpu = Some(cpu::cpu(child, reader)),
        "os" => os::os(child, &mut guest.os, reader),
        "bootloader" => guest.os.bootloader = Some(reader.text(child)),
        "bootloader_args" => guest.os.bootloader_args = Some(reader.text(child)),
        "features" => guest.features = features::features(child, reader),
        "clock" => guest.clock = clock::clock(child, reader),
        "devices" => devices::devices(child, &mut guest.devices, reader),
        "seclabel" => guest.seclabels.push(seclabel::seclabel(child, reader)),
        _ => return false,
    }
    true
}

fn memory(node: Node<'_, '_>, guest: &mut Guest, reader: &mut Reader<'_>) -> Option<MemoryKib> {
    let mut unit = None;
    for attribute in node.attributes() {
        match key(&attribute) {
            "unit" => unit = Some(attribute.value()),
            "dumpCore" if tag(&node) == "memory" => {
                Reader::keep_attribute(&mut guest.kept, "memory", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let amount = reader.content(node);
    reader.memory(node, &amount, unit)
}

fn action(node: Node<'_, '_>, action: &mut LifecycleAction, reader: &mut Reader<'_>) {
    let text = reader.text(node);
    match LifecycleAction::from_word(text.trim()) {
        Some(word) => *action = word,
        None => reader.bad_text(node, &text, LifecycleAction::WORDS.join(", ")),
    }
}

fn is_commandline(node: Node<'_, '_>) -> bool {
    let name = node.tag_name();
    name.namespace() == Some(XEN_NAMESPACE) && name.name() == "commandline"
}

fn commandline(node: Node<'_, '_>, guest: &mut Guest, reader: &mut Reader<'_>) {
    reader.no_attributes(node);
    for child in reader.elements(node) {
        let name = child.tag_name();
        if name.namespace() != Some(XEN_NAMESPACE) || name.name() != "arg" {
            reader.unknown_element(child);
            continue;
        }
        match reader.only(child, "value") {
            Some(value) => guest.commandline.push(value),
            None => reader.error(
                child,
                ProblemKind::Missing {
                    element: cut(&shown_name(&child)),
                    what: "attribute 'value'",
                },
            ),
        }
    }
}
