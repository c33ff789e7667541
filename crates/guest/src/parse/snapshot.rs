//! A `<domainsnapshot>`.

use super::guest::guest;
use super::reader::{Reader, Seen, key, tag};
use crate::words::Word;
use crate::{Guest, Snapshot, SnapshotDisk, SnapshotLocation, SnapshotMemory, SnapshotState};
use roxmltree::Node;

/// Reads a whole snapshot.
pub(super) fn snapshot(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Snapshot {
    reader.no_attributes(node);
    let mut snapshot = Snapshot::default();
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "name" => snapshot.name = Some(reader.text(child)).filter(|name| !name.is_empty()),
            "description" => snapshot.description = Some(reader.text(child)),
            "state" => snapshot.state = state(child, reader),
            "creationTime" => snapshot.created = reader.text_number(child),
            "parent" => snapshot.parent = parent(child, reader),
            "memory" => snapshot.memory = memory(child, reader),
            "disks" => snapshot.disks = disks(child, reader),
            "domain" => snapshot.domain = domain(child, reader),
            "inactiveDomain" => snapshot.inactive_domain = inactive_domain(child, reader),
            // Which one is current is a fact of the guest; a driver's notes of its own
            // mean nothing to another one.
            "active" | "cookie" => {}
            _ => reader.unknown_element(child),
        }
    }
    snapshot
}

fn state(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<SnapshotState> {
    let text = reader.text(node);
    let state = SnapshotState::from_word(text.trim());
    if state.is_none() {
        reader.bad_text(node, &text, SnapshotState::WORDS.join(", "));
    }
    state
}

fn parent(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<String> {
    reader.no_attributes(node);
    let mut name = None;
    for child in reader.elements(node) {
        match tag(&child) {
            "name" => name = Some(reader.text(child)),
            _ => reader.unknown_element(child),
        }
    }
    name
}

fn memory(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<SnapshotMemory> {
    let (mut location, mut file) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "snapshot" => location = reader.word(node, &attribute),
            "file" => file = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    // A file alone says where it is.
    let location = location.or(file.as_ref().map(|_| SnapshotLocation::External));
    if location.is_none() {
        reader.missing(node, "attribute 'snapshot' (no, internal or external)");
    }
    Some(SnapshotMemory {
        location: location?,
        file,
    })
}

fn disks(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Vec<SnapshotDisk> {
    reader.no_attributes(node);
    let mut disks = Vec::new();
    for child in reader.elements(node) {
        match tag(&child) {
            "disk" => disks.extend(disk(child, reader)),
            _ => reader.unknown_element(child),
        }
    }
    disks
}

fn disk(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<SnapshotDisk> {
    let (mut name, mut location) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "name" => name = Some(attribute.value().to_owned()),
            "snapshot" => location = reader.word(node, &attribute),
            // Of a source that is a block device; the source says it too.
            "type" => {}
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let (mut driver, mut source) = (None, None);
    for child in reader.elements(node) {
        match tag(&child) {
            "driver" => driver = reader.only(child, "type"),
            "source" => source = path(child, reader),
            _ => reader.unknown_element(child),
        }
    }
    if name.is_none() {
        reader.missing(node, "attribute 'name' (the disk's target or source)");
    }
    Some(SnapshotDisk {
        name: name?,
        location,
        driver,
        source,
    })
}

fn path(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<String> {
    let mut path = None;
    for attribute in node.attributes() {
        match key(&attribute) {
            "file" | "dev" => path = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    path
}

/// The guest; who takes a snapshot may name its uuid only, which is libvirt's oldest
/// form of it.
fn domain(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Guest> {
    if node.has_attribute("type") {
        return Some(guest(node, reader));
    }
    for child in reader.elements(node) {
        if tag(&child) != "uuid" {
            reader.missing(node, "attribute 'type' (xen)");
            return None;
        }
    }
    None
}

fn inactive_domain(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Guest> {
    let mut found = None;
    for attribute in node.attributes() {
        // libvirt writes the guest's attributes here and its elements below.
        if !matches!(key(&attribute), "type" | "id") {
            reader.unknown_attribute(node, &attribute);
        }
    }
    if node.has_attribute("type") {
        return Some(guest(node, reader));
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "domain" => found = Some(guest(child, reader)),
            _ => reader.unknown_element(child),
        }
    }
    found
}
