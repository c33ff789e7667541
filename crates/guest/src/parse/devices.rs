//! The list of devices.
//!
//! A device that libvirt knows and Xen does not is kept as markup.

use super::reader::{Reader, tag};
use super::{
    chardev, controller, disk, emulator, graphics, hostdev, input, interface, markup, memballoon,
    sound, video,
};
use crate::{Device, Devices, ProblemKind, rank};
use roxmltree::Node;

/// Reads `<devices>`.
pub(super) fn devices(node: Node<'_, '_>, devices: &mut Devices, reader: &mut Reader<'_>) {
    reader.no_attributes(node);
    for child in reader.elements(node) {
        match tag(&child) {
            "emulator" if devices.emulator.is_none() => {
                devices.emulator = Some(emulator::emulator(child, reader));
            }
            "emulator" => repeated(child, reader),
            "memballoon" if devices.memballoon.is_some() => repeated(child, reader),
            _ => match device(child, reader) {
                Some(device) => devices.push(device),
                None if is_known(child) => {}
                None => reader.unknown_element(child),
            },
        }
    }
    devices
        .others
        .sort_by_key(|element| rank::DEVICES.iter().position(|name| *name == element.name));
}

/// Reads one device; `None` if it is none, or has an error that was reported.
pub(super) fn device(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Device> {
    Some(match tag(&node) {
        "disk" => Device::Disk(Box::new(disk::disk(node, reader))),
        "controller" => Device::Controller(controller::controller(node, reader)?),
        "interface" => Device::Interface(Box::new(interface::interface(node, reader))),
        "serial" => Device::Serial(chardev::chardev(node, reader)),
        "parallel" => Device::Parallel(chardev::chardev(node, reader)),
        "console" => Device::Console(chardev::chardev(node, reader)),
        "channel" => Device::Channel(chardev::chardev(node, reader)),
        "input" => Device::Input(input::input(node, reader)?),
        "graphics" => Device::Graphics(Box::new(graphics::graphics(node, reader)?)),
        "sound" => Device::Sound(sound::sound(node, reader)?),
        "video" => Device::Video(video::video(node, reader)),
        "hostdev" => Device::Hostdev(hostdev::hostdev(node, reader)?),
        "memballoon" => Device::Memballoon(memballoon::memballoon(node, reader)?),
        name if rank::DEVICES.contains(&name) => {
            Device::Other(markup::element(reader.source, node))
        }
        _ => return None,
    })
}

fn is_known(node: Node<'_, '_>) -> bool {
    matches!(
        tag(&node),
        "controller" | "input" | "graphics" | "sound" | "hostdev" | "memballoon"
    )
}

fn repeated(node: Node<'_, '_>, reader: &mut Reader<'_>) {
    let kind = ProblemKind::Repeated {
        element: node.tag_name().name().to_owned(),
        parent: "devices".to_owned(),
    };
    reader.warn(node, kind);
}
