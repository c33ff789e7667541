//! Mice, tablets, keyboards.
//! A bus that is not said stays unsaid: it follows from the kind of guest.

use super::info::info;
use super::reader::{Reader, key, tag};
use crate::{DeviceInfo, Input};
use roxmltree::Node;

/// Reads `<input>`.
pub(super) fn input(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Input> {
    let (mut kind, mut bus) = (None, None);
    let mut about = DeviceInfo::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => kind = reader.word(node, &attribute),
            "bus" => bus = reader.word(node, &attribute),
            "model" => Reader::keep_attribute(&mut about.kept, "", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "driver" | "source" => reader.keep_element(&mut about.kept, "", child),
            _ if info(child, &mut about, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    if !node.has_attribute("type") {
        reader.missing(node, "attribute 'type'");
    }
    Some(Input {
        kind: kind?,
        bus,
        info: about,
    })
}
