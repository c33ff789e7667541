//! The balloon.
//! That a guest has one at most is seen where the devices are listed.

use super::info::info;
use super::reader::{Reader, key, tag};
use crate::{DeviceInfo, Memballoon};
use roxmltree::Node;

/// Reads `<memballoon>`.
pub(super) fn memballoon(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Memballoon> {
    let mut model = None;
    let mut about = DeviceInfo::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "model" => model = reader.word(node, &attribute),
            "autodeflate" | "freePageReporting" => {
                Reader::keep_attribute(&mut about.kept, "", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "stats" | "driver" => reader.keep_element(&mut about.kept, "", child),
            _ if info(child, &mut about, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    if !node.has_attribute("model") {
        reader.missing(node, "attribute 'model'");
    }
    Some(Memballoon {
        model: model?,
        info: about,
    })
}
