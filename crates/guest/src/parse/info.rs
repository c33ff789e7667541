//! What all devices have: alias, address, boot order.
//!
//! Addresses with parts that no Xen guest has are kept with all attributes.

use super::reader::{Reader, key, tag};
use crate::{Address, Attribute, DeviceInfo, DriveAddress, PciAddress};
use roxmltree::Node;

/// Reads a child that all devices have; `false` if it is none of them.
pub(super) fn info(child: Node<'_, '_>, info: &mut DeviceInfo, reader: &mut Reader<'_>) -> bool {
    match tag(&child) {
        "alias" => info.alias = reader.only(child, "name"),
        "address" => info.address = address(child, reader),
        "boot" => boot(child, info, reader),
        "acpi" | "rom" => reader.keep_element(&mut info.kept, "", child),
        _ => return false,
    }
    true
}

/// A PCI function, as address of a device of the host.
pub(super) fn pci(node: Node<'_, '_>, reader: &mut Reader<'_>) -> PciAddress {
    let mut address = PciAddress::default();
    for attribute in node.attributes() {
        if !pci_part(node, &attribute, &mut address, reader) && key(&attribute) != "type" {
            reader.unknown_attribute(node, &attribute);
        }
    }
    reader.no_children(node);
    address
}

fn boot(node: Node<'_, '_>, info: &mut DeviceInfo, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "order" => info.boot_order = reader.number(node, &attribute),
            "loadparm" => Reader::keep_attribute(&mut info.kept, "boot", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if !node.has_attribute("order") {
        reader.missing(node, "attribute 'order'");
    }
}

fn address(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Address> {
    let kind = node.attribute("type");
    // zPCI numbers and the like make it one that is kept as it is.
    let plain = !node.has_children();
    match kind {
        None => {
            reader.missing(node, "attribute 'type'");
            None
        }
        Some("drive") if plain => Some(drive(node, reader)),
        Some("pci") if plain => Some(device_pci(node, reader)),
        Some("usb") if plain => Some(usb(node, reader)),
        Some(_) => {
            let attributes = node.attributes().map(|attribute| Attribute {
                name: attribute.name().to_owned(),
                value: attribute.value().to_owned(),
            });
            reader.no_children(node);
            let mut attributes: Vec<_> = attributes.collect();
            // First the type, as libvirt writes it.
            attributes.sort_by_key(|attribute| attribute.name != "type");
            Some(Address::Other(attributes))
        }
    }
}

fn drive(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Address {
    let mut address = DriveAddress::default();
    for attribute in node.attributes() {
        let part = match key(&attribute) {
            "controller" => &mut address.controller,
            "bus" => &mut address.bus,
            "target" => &mut address.target,
            "unit" => &mut address.unit,
            "type" => continue,
            _ => {
                reader.unknown_attribute(node, &attribute);
                continue;
            }
        };
        *part = reader.number(node, &attribute).unwrap_or_default();
    }
    Address::Drive(address)
}

fn device_pci(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Address {
    let mut address = PciAddress::default();
    let mut multifunction = None;
    for attribute in node.attributes() {
        if pci_part(node, &attribute, &mut address, reader) {
            continue;
        }
        match key(&attribute) {
            "type" => {}
            "multifunction" => multifunction = reader.on_off(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    Address::Pci {
        address,
        multifunction,
    }
}

fn pci_part(
    node: Node<'_, '_>,
    attribute: &roxmltree::Attribute<'_, '_>,
    address: &mut PciAddress,
    reader: &mut Reader<'_>,
) -> bool {
    let mut small = |most: u8| {
        let number: Option<u8> = reader.based_number(node, attribute);
        if number.is_some_and(|number| number > most) {
            reader.bad_attribute(node, attribute, format_args!("at most {most:#x}"));
        }
        number.unwrap_or_default().min(most)
    };
    match key(attribute) {
        "bus" => address.bus = small(u8::MAX),
        "slot" => address.slot = small(31),
        "function" => address.function = small(7),
        "domain" => address.domain = reader.based_number(node, attribute).unwrap_or_default(),
        _ => return false,
    }
    true
}

fn usb(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Address {
    let (mut bus, mut port) = (0, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "bus" => bus = reader.number(node, &attribute).unwrap_or_default(),
            "port" => port = Some(attribute.value().to_owned()),
            "type" => {}
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    Address::Usb { bus, port }
}
