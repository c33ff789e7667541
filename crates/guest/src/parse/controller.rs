//! Controllers.
//! Those that nobody names are not made up here, even if a disk needs them.

use super::info::info;
use super::reader::{Reader, key, tag};
use crate::{Controller, ControllerType};
use roxmltree::Node;

/// Reads `<controller>`.
pub(super) fn controller(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Controller> {
    let mut kind = None;
    let mut controller = Controller::new(ControllerType::Usb, 0);
    controller.index = None;
    let kept = &mut controller.info.kept;
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => kind = reader.word(node, &attribute),
            "index" => controller.index = reader.number(node, &attribute),
            "model" => controller.model = Some(attribute.value().to_owned()),
            "ports" => controller.ports = reader.number(node, &attribute),
            "maxEventChannels" => {
                controller.max_event_channels = reader.number(node, &attribute);
            }
            "maxGrantFrames" => controller.max_grant_frames = reader.number(node, &attribute),
            "vectors" => Reader::keep_attribute(kept, "", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "driver" | "master" | "model" | "target" | "pcihole64" | "serial" => {
                reader.keep_element(&mut controller.info.kept, "", child);
            }
            _ if info(child, &mut controller.info, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    if !node.has_attribute("type") {
        reader.missing(node, "attribute 'type'");
    }
    controller.kind = kind?;
    Some(controller)
}
