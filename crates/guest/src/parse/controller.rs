//! Controllers; and the balloon, which is as small.

use super::info::info;
use super::reader::{Reader, key, tag};
use crate::{Controller, ControllerType, DeviceInfo, Memballoon};
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
