//! Network interfaces.
//!
//! Names of backends that were generated belong to a running guest.

use super::info::{INFO, info, pci};
use super::writer::Writer;
use crate::{Bandwidth, Interface, InterfaceSource, Rate, VirtualPort, Vlan};

/// Writes `<interface>`.
pub(super) fn interface(interface: &Interface, writer: &mut Writer) {
    let kept = &interface.info.kept;
    writer.open("interface");
    writer.attribute("type", interface.source.kind());
    if let InterfaceSource::Hostdev { managed, .. } = &interface.source {
        writer.yes_no("managed", *managed);
    }
    writer.kept_attributes(kept, "");
    if interface.mac.is_some() || kept.has("mac") {
        writer.open("mac");
        writer.some_shown("address", interface.mac);
        writer.kept_attributes(kept, "mac");
        writer.close("mac");
    }
    source(interface, writer);
    if let Some(vlan) = &interface.vlan {
        self::vlan(vlan, writer);
    }
    if let Some(port) = &interface.virtual_port {
        virtual_port(port, writer);
    }
    if let Some(bandwidth) = &interface.bandwidth {
        self::bandwidth(bandwidth, writer);
    }
    for ip in &interface.ips {
        writer.open("ip");
        writer.attribute("address", &ip.address);
        writer.word("family", ip.family);
        writer.some_shown("prefix", ip.prefix);
        writer.some("peer", ip.peer.as_deref());
        writer.close("ip");
    }
    writer.only("script", "path", interface.script.as_deref());
    writer.only("backenddomain", "name", interface.backend_domain.as_deref());
    let target = interface.target.as_deref();
    let target = target.filter(|name| !(writer.hides_host_names() && is_generated(name)));
    if target.is_some() || kept.has("target") {
        writer.open("target");
        writer.some("dev", target);
        writer.kept_attributes(kept, "target");
        writer.close("target");
    }
    writer.only("model", "type", interface.model.as_deref());
    writer.kept_others(kept, "", INFO);
    info(&interface.info, writer);
    writer.close("interface");
}

/// Whether a backend's name was generated: `vif3.0`, `vif3.0-emu`, `vnet5`.
fn is_generated(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = name.strip_prefix("vnet") {
        return digits(number);
    }
    let vif = name
        .strip_prefix("vif")
        .map(|rest| rest.trim_end_matches("-emu"));
    vif.and_then(|rest| rest.split_once('.'))
        .is_some_and(|(domid, number)| (domid == "-1" || digits(domid)) && digits(number))
}

fn source(interface: &Interface, writer: &mut Writer) {
    let kept = &interface.info.kept;
    match &interface.source {
        InterfaceSource::Other { source, .. } => {
            if let Some(source) = source {
                writer.element(source);
            }
            return;
        }
        InterfaceSource::Bridge { bridge: None } | InterfaceSource::Ethernet
            if !kept.has("source") =>
        {
            return;
        }
        _ => writer.open("source"),
    }
    match &interface.source {
        InterfaceSource::Bridge { bridge } => writer.some("bridge", bridge.as_deref()),
        InterfaceSource::Network { network, portgroup } => {
            writer.attribute("network", network);
            writer.some("portgroup", portgroup.as_deref());
        }
        _ => {}
    }
    writer.kept_attributes(kept, "source");
    if let InterfaceSource::Hostdev { address, .. } = &interface.source {
        writer.open("address");
        writer.attribute("type", "pci");
        pci(*address, writer);
        writer.close("address");
    }
    writer.kept_elements(kept, "source");
    writer.close("source");
}

fn vlan(vlan: &Vlan, writer: &mut Writer) {
    writer.open("vlan");
    writer.yes_no("trunk", vlan.trunk.then_some(true));
    for tag in &vlan.tags {
        writer.open("tag");
        writer.shown("id", tag.id);
        writer.word("nativeMode", tag.native_mode);
        writer.close("tag");
    }
    writer.close("vlan");
}

fn virtual_port(port: &VirtualPort, writer: &mut Writer) {
    writer.open("virtualport");
    writer.some("type", port.kind.as_deref());
    if !port.parameters.is_empty() {
        writer.open("parameters");
        for parameter in &port.parameters {
            writer.attribute(&parameter.name, &parameter.value);
        }
        writer.close("parameters");
    }
    writer.close("virtualport");
}

fn bandwidth(bandwidth: &Bandwidth, writer: &mut Writer) {
    writer.open("bandwidth");
    for (name, rate) in [
        ("inbound", bandwidth.inbound),
        ("outbound", bandwidth.outbound),
    ] {
        let Some(Rate {
            average,
            peak,
            floor,
            burst,
        }) = rate
        else {
            continue;
        };
        writer.open(name);
        writer.some_shown("average", average);
        writer.some_shown("peak", peak);
        writer.some_shown("floor", floor);
        writer.some_shown("burst", burst);
        writer.close(name);
    }
    writer.close("bandwidth");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names_are_known() {
        for name in ["vif3.0", "vif12.1-emu", "vif-1.0", "vnet5"] {
            assert!(is_generated(name), "{name}");
        }
        for name in ["vif", "vifweb", "vif3", "net0", "vnetweb"] {
            assert!(!is_generated(name), "{name}");
        }
    }
}
