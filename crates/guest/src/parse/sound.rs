//! Sound cards.
//! The toolstacks take the first one or a list; that is the converters' part.

use super::info::info;
use super::reader::{Reader, key, tag};
use crate::{DeviceInfo, Sound};
use roxmltree::Node;

/// Reads `<sound>`.
pub(super) fn sound(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Sound> {
    let mut model = None;
    let mut about = DeviceInfo::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "model" => model = reader.word(node, &attribute),
            "multichannel" | "streams" => Reader::keep_attribute(&mut about.kept, "", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "codec" | "audio" | "driver" => reader.keep_element(&mut about.kept, "", child),
            _ if info(child, &mut about, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    if !node.has_attribute("model") {
        reader.missing(node, "attribute 'model'");
    }
    Some(Sound {
        model: model?,
        info: about,
    })
}
