//! Devices of the host.
//!
//! Kinds that Xen cannot pass through are kept as markup.

use super::info::{info, pci};
use super::markup;
use super::reader::{Reader, Seen, key, tag};
use crate::{Hostdev, HostdevSource, PciAddress, UsbSource};
use roxmltree::Node;

/// Reads `<hostdev>`.
pub(super) fn hostdev(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Hostdev> {
    let mode = node.attribute("mode").unwrap_or("subsystem");
    let mut hostdev = Hostdev::new(match (mode, node.attribute("type")) {
        ("subsystem", Some("pci")) => HostdevSource::Pci {
            address: PciAddress::default(),
            write_filtering: None,
            power_filtering: None,
        },
        ("subsystem", Some("usb")) => HostdevSource::Usb(UsbSource::default()),
        ("subsystem" | "capabilities", Some(_)) => {
            let element = markup::element(reader.source, node);
            return Some(Hostdev::new(HostdevSource::Other(element)));
        }
        (_, None) => {
            reader.missing(node, "attribute 'type'");
            return None;
        }
        (_, Some(_)) => {
            reader.missing(node, "mode 'subsystem' or 'capabilities'");
            return None;
        }
    });
    for attribute in node.attributes() {
        match key(&attribute) {
            "mode" | "type" => {}
            "managed" => hostdev.managed = reader.yes_no(node, &attribute),
            "nostrictreset" => {
                hostdev.no_strict_reset = reader.yes_no(node, &attribute) == Some(true);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let mut found = false;
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "source" => found = source(child, &mut hostdev, reader),
            "driver" => driver(child, &mut hostdev, reader),
            "teaming" | "readonly" | "shareable" => {
                reader.keep_element(&mut hostdev.info.kept, "", child);
            }
            _ if info(child, &mut hostdev.info, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    if !found {
        reader.missing(node, "<source> with the device");
    }
    Some(hostdev)
}

fn source(node: Node<'_, '_>, hostdev: &mut Hostdev, reader: &mut Reader<'_>) -> bool {
    for attribute in node.attributes() {
        match (key(&attribute), &mut hostdev.source) {
            (
                "writeFiltering",
                HostdevSource::Pci {
                    write_filtering, ..
                },
            ) => *write_filtering = reader.yes_no(node, &attribute),
            (
                "powerManagementFiltering",
                HostdevSource::Pci {
                    power_filtering, ..
                },
            ) => *power_filtering = reader.yes_no(node, &attribute),
            ("startupPolicy" | "guestReset", HostdevSource::Usb(_)) => {
                Reader::keep_attribute(&mut hostdev.info.kept, "source", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let mut found = false;
    for child in reader.elements(node) {
        match (tag(&child), &mut hostdev.source) {
            ("address", HostdevSource::Pci { address, .. }) => {
                *address = pci(child, reader);
                found = true;
            }
            ("address" | "vendor" | "product", HostdevSource::Usb(usb)) => {
                usb_part(child, usb, reader);
                found = true;
            }
            _ => reader.unknown_element(child),
        }
    }
    found
}

fn usb_part(node: Node<'_, '_>, usb: &mut UsbSource, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match (tag(&node), key(&attribute)) {
            ("vendor", "id") => usb.vendor = reader.based_number(node, &attribute),
            ("product", "id") => usb.product = reader.based_number(node, &attribute),
            ("address", "bus") => usb.bus = reader.based_number(node, &attribute),
            ("address", "device") => usb.device = reader.based_number(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}

fn driver(node: Node<'_, '_>, hostdev: &mut Hostdev, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "name" => hostdev.driver = Some(attribute.value().to_owned()),
            "model" => Reader::keep_attribute(&mut hostdev.info.kept, "driver", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}
