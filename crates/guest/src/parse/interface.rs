//! Network interfaces.
//! Every type, with what the host makes of it: script, bandwidth, filter, VLAN.

use super::info::{info, pci};
use super::markup;
use super::reader::{Reader, Seen, key, tag};
use crate::{
    Attribute, Bandwidth, Interface, InterfaceIp, InterfaceSource, PciAddress, Rate, VirtualPort,
    Vlan, VlanTag,
};
use roxmltree::Node;

const TYPES: &str = "bridge, network, ethernet, hostdev, direct, user, internal, client, server, \
                     mcast, udp, vhostuser, vdpa, null, vds";

/// Reads `<interface>`.
pub(super) fn interface(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Interface {
    let mut interface = Interface {
        source: empty_source(node.attribute("type").unwrap_or("user")),
        ..Interface::default()
    };
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" if TYPES.split(", ").any(|kind| kind == attribute.value()) => {}
            "type" => reader.bad_attribute(node, &attribute, TYPES),
            "managed" => {
                let value = reader.yes_no(node, &attribute);
                if let InterfaceSource::Hostdev { managed, .. } = &mut interface.source {
                    *managed = value;
                } else {
                    Reader::keep_attribute(&mut interface.info.kept, "", &attribute);
                }
            }
            "trustGuestRxFilters" => {
                Reader::keep_attribute(&mut interface.info.kept, "", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        let repeatable = matches!(tag(&child), "ip" | "route" | "portForward");
        if !repeatable && !reader.first(&mut seen, child) {
            continue;
        }
        if !part(child, &mut interface, reader) && !info(child, &mut interface.info, reader) {
            reader.unknown_element(child);
        }
    }
    needs(node, &interface, reader);
    interface
}

fn empty_source(kind: &str) -> InterfaceSource {
    match kind {
        "bridge" => InterfaceSource::Bridge { bridge: None },
        "network" => InterfaceSource::Network {
            network: String::new(),
            portgroup: None,
        },
        "ethernet" => InterfaceSource::Ethernet,
        "hostdev" => InterfaceSource::Hostdev {
            address: PciAddress::default(),
            managed: None,
        },
        kind => InterfaceSource::Other {
            kind: kind.to_owned(),
            source: None,
        },
    }
}

fn needs(node: Node<'_, '_>, interface: &Interface, reader: &mut Reader<'_>) {
    match &interface.source {
        InterfaceSource::Network { network, .. } if network.is_empty() => {
            reader.missing(node, "<source network=…>");
        }
        InterfaceSource::Hostdev { .. } => {
            let source = node.children().find(|child| tag(child) == "source");
            let address = |source: Node<'_, '_>| source.children().any(|c| tag(&c) == "address");
            if !source.is_some_and(address) {
                reader.missing(node, "<source><address …>");
            }
        }
        _ => {}
    }
}

fn part(child: Node<'_, '_>, interface: &mut Interface, reader: &mut Reader<'_>) -> bool {
    match tag(&child) {
        "source" => source(child, interface, reader),
        "mac" => mac(child, interface, reader),
        "script" => script(child, interface, reader),
        "target" => target(child, interface, reader),
        "model" => interface.model = reader.only(child, "type"),
        "ip" => interface.ips.extend(ip(child, reader)),
        "bandwidth" => interface.bandwidth = Some(bandwidth(child, reader)),
        "virtualport" => interface.virtual_port = Some(virtual_port(child, reader)),
        "vlan" => interface.vlan = Some(vlan(child, reader)),
        "backenddomain" => interface.backend_domain = reader.only(child, "name"),
        "driver" | "filterref" | "guest" | "link" | "mtu" | "coalesce" | "port" | "tune"
        | "teaming" | "route" | "backend" | "portForward" | "downscript" => {
            reader.keep_element(&mut interface.info.kept, "", child);
        }
        _ => return false,
    }
    true
}

fn source(node: Node<'_, '_>, interface: &mut Interface, reader: &mut Reader<'_>) {
    if let InterfaceSource::Other { source, .. } = &mut interface.source {
        *source = Some(markup::element(reader.source, node));
        return;
    }
    for attribute in node.attributes() {
        let value = || attribute.value().to_owned();
        match (key(&attribute), &mut interface.source) {
            ("bridge", InterfaceSource::Bridge { bridge }) => *bridge = Some(value()),
            ("network", InterfaceSource::Network { network, .. }) => *network = value(),
            ("portgroup", InterfaceSource::Network { portgroup, .. }) => *portgroup = Some(value()),
            ("bridge" | "portid" | "dev" | "mode", _) => {
                Reader::keep_attribute(&mut interface.info.kept, "source", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match (tag(&child), &mut interface.source) {
            ("address", InterfaceSource::Hostdev { address, .. }) => *address = pci(child, reader),
            ("ip" | "route", _) => {
                reader.keep_element(&mut interface.info.kept, "source", child);
            }
            _ => reader.unknown_element(child),
        }
    }
}

fn mac(node: Node<'_, '_>, interface: &mut Interface, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "address" => {
                interface.mac =
                    reader.value(node, &attribute, "six hexadecimal numbers with colons");
            }
            "type" | "check" | "currentAddress" => {
                Reader::keep_attribute(&mut interface.info.kept, "mac", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}

fn script(node: Node<'_, '_>, interface: &mut Interface, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "path" => interface.script = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}

fn target(node: Node<'_, '_>, interface: &mut Interface, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "dev" => interface.target = Some(attribute.value().to_owned()),
            "managed" => Reader::keep_attribute(&mut interface.info.kept, "target", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}

fn ip(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<InterfaceIp> {
    let mut ip = InterfaceIp::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "address" => attribute.value().clone_into(&mut ip.address),
            "family" => ip.family = reader.word(node, &attribute),
            "prefix" => ip.prefix = reader.number(node, &attribute),
            "peer" => ip.peer = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if ip.address.is_empty() {
        reader.missing(node, "attribute 'address'");
        return None;
    }
    Some(ip)
}

fn bandwidth(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Bandwidth {
    let mut bandwidth = Bandwidth::default();
    reader.no_attributes(node);
    for child in reader.elements(node) {
        match tag(&child) {
            "inbound" => bandwidth.inbound = Some(rate(child, reader)),
            "outbound" => bandwidth.outbound = Some(rate(child, reader)),
            _ => reader.unknown_element(child),
        }
    }
    bandwidth
}

fn rate(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Rate {
    let mut rate = Rate::default();
    for attribute in node.attributes() {
        let part = match key(&attribute) {
            "average" => &mut rate.average,
            "peak" => &mut rate.peak,
            "floor" => &mut rate.floor,
            "burst" => &mut rate.burst,
            _ => {
                reader.unknown_attribute(node, &attribute);
                continue;
            }
        };
        *part = reader.number(node, &attribute);
    }
    reader.no_children(node);
    rate
}

fn virtual_port(node: Node<'_, '_>, reader: &mut Reader<'_>) -> VirtualPort {
    let mut port = VirtualPort::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => port.kind = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        if tag(&child) != "parameters" {
            reader.unknown_element(child);
            continue;
        }
        for attribute in child.attributes() {
            match key(&attribute) {
                "managerid" | "typeid" | "typeidversion" | "instanceid" | "profileid"
                | "interfaceid" => port.parameters.push(Attribute {
                    name: attribute.name().to_owned(),
                    value: attribute.value().to_owned(),
                }),
                _ => reader.unknown_attribute(child, &attribute),
            }
        }
        reader.no_children(child);
    }
    port
}

fn vlan(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Vlan {
    let mut vlan = Vlan::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "trunk" => vlan.trunk = reader.yes_no(node, &attribute) == Some(true),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        if tag(&child) == "tag" {
            vlan.tags.extend(vlan_tag(child, reader));
        } else {
            reader.unknown_element(child);
        }
    }
    if !node.children().any(|child| tag(&child) == "tag") {
        reader.missing(node, "<tag id=…>");
    }
    vlan
}

fn vlan_tag(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<VlanTag> {
    let (mut id, mut native_mode) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "id" => {
                id = reader.number(node, &attribute);
                if id.is_some_and(|id: u16| id > 4095) {
                    reader.bad_attribute(node, &attribute, "0 to 4095");
                }
            }
            "nativeMode" => native_mode = reader.word(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if !node.has_attribute("id") {
        reader.missing(node, "attribute 'id'");
    }
    Some(VlanTag {
        id: id?,
        native_mode,
    })
}
