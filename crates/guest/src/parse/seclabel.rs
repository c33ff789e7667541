//! Security labels.
//!
//! Models other than Xen's are read the same way.

use super::reader::{Reader, Seen, key, tag};
use crate::Seclabel;
use roxmltree::Node;

/// Reads `<seclabel>` of a guest.
pub(super) fn seclabel(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Seclabel {
    let mut seclabel = Seclabel::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => seclabel.kind = reader.word(node, &attribute),
            "model" => seclabel.model = Some(attribute.value().to_owned()),
            "relabel" => seclabel.relabel = reader.yes_no(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "label" => seclabel.label = Some(reader.text(child)),
            "baselabel" => seclabel.base_label = Some(reader.text(child)),
            "imagelabel" => seclabel.image_label = Some(reader.text(child)),
            _ => reader.unknown_element(child),
        }
    }
    seclabel
}
