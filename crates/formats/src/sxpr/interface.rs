//! Network interfaces: `(vif …)`.
//!
//! XenD knows bridges and scripts; virtual networks are resolved to their bridge
//! by the caller.

use super::Sxpr;
use super::device::note_info;
use super::dialect::{ConfigVersion, Source, Target};
use super::section::{Quiet, Section};
use crate::convert::{Error, Notes, excerpt};
use crate::spelling::interface::{BRIDGE_SCRIPT, ip, ip_word, is_generated, rate_of};
use virtxen_guest::{Bandwidth, Interface, InterfaceIp, InterfaceSource, Rate};

/// What XenD says of an interface without being asked.
const QUIET: &[Quiet] = &[("uuid", &[]), ("devid", &[]), ("protocol", &[])];

/// Reads an interface; `index` is its number among the guest's interfaces.
pub(super) fn read(
    mut node: Section<'_>,
    source: &Source<'_>,
    index: usize,
    notes: &mut Notes,
) -> Result<Interface, Error> {
    let mut interface = Interface {
        script: node.text("script").map(str::to_owned),
        ..Interface::default()
    };
    let bridge = node.text("bridge").map(str::to_owned);
    let bridging = interface
        .script
        .as_deref()
        .is_some_and(|script| script.rsplit('/').next() == Some(BRIDGE_SCRIPT));
    interface.source = if bridge.is_some() || bridging {
        InterfaceSource::Bridge { bridge }
    } else {
        InterfaceSource::Ethernet
    };
    if let Some(text) = node.text("mac") {
        let mac = text
            .parse()
            .map_err(|_| node.malformed("mac", text, "a hardware address"))?;
        interface.mac = Some(mac);
    }
    interface.target = match (node.text("vifname"), source.domid) {
        (Some(name), _) => Some(name.to_owned()),
        // XenD names them so, and numbers them in their order.
        (None, Some(domid)) => Some(format!("vif{domid}.{index}")),
        (None, None) => None,
    };
    interface.model = node.text("model").map(str::to_owned);
    match node.text("type") {
        Some("netfront") if interface.model.is_none() => {
            interface.model = Some("netfront".to_owned());
        }
        None | Some("ioemu" | "netfront") => {}
        Some(other) => notes.setting(
            format!("{}/type", node.path()),
            format!("'{}' is no type of interface known here", excerpt(other)),
        ),
    }
    interface.ips = ips(&mut node);
    if let Some(text) = node.text("rate") {
        match rate_of(text) {
            Some(average) => {
                interface.bandwidth = Some(Bandwidth {
                    outbound: Some(Rate {
                        average: Some(average),
                        ..Rate::default()
                    }),
                    inbound: None,
                });
            }
            None => {
                let reason = format!("'{}' is no rate", excerpt(text));
                notes.setting(format!("{}/rate", node.path()), reason);
            }
        }
    }
    interface.backend_domain = super::device::backend_domain(&mut node);
    node.finish(notes, QUIET);
    Ok(interface)
}

/// `(ip '10.0.0.1 10.0.0.2/24')`, or a list of them.
fn ips(node: &mut Section<'_>) -> Vec<InterfaceIp> {
    let mut texts: Vec<&str> = node.text("ip").into_iter().collect();
    if texts.is_empty() {
        let list = node.child("ip").map(Sxpr::rest).unwrap_or_default();
        let inner = list
            .iter()
            .flat_map(|n| n.as_list().unwrap_or(std::slice::from_ref(n)));
        texts.extend(inner.filter_map(Sxpr::as_atom));
    }
    let words = texts.iter().flat_map(|text| text.split([' ', ',']));
    words.filter(|word| !word.is_empty()).map(ip).collect()
}

/// Writes `(vif …)`; `None` when XenD cannot connect it.
pub(super) fn write(
    interface: &Interface,
    path: &str,
    hvm: bool,
    target: &Target,
    notes: &mut Notes,
) -> Result<Option<Sxpr>, Error> {
    let mut children = Vec::new();
    children.extend(
        interface
            .mac
            .map(|mac| Sxpr::quoted_pair("mac", mac.to_string())),
    );
    let rate = interface.bandwidth.and_then(|bandwidth| bandwidth.outbound);
    let average = rate.and_then(|rate| rate.average);
    children.extend(average.map(|rate| Sxpr::quoted_pair("rate", format!("{rate}KB/s"))));
    let script = interface.script.as_deref();
    match &interface.source {
        InterfaceSource::Bridge { bridge } => {
            children.extend(
                bridge
                    .iter()
                    .map(|bridge| Sxpr::quoted_pair("bridge", bridge)),
            );
            children.push(Sxpr::quoted_pair("script", script.unwrap_or(BRIDGE_SCRIPT)));
        }
        InterfaceSource::Network { network, portgroup } => {
            let bridge = target
                .bridges
                .get(network)
                .ok_or_else(|| Error::UnknownNetwork {
                    path: format!("{path}/source/@network"),
                    network: network.clone(),
                })?;
            children.push(Sxpr::quoted_pair("bridge", bridge));
            let reason = format!("XenD keeps its bridge {bridge}");
            notes.setting(format!("{path}/source/@network"), reason);
            children.push(Sxpr::quoted_pair("script", script.unwrap_or(BRIDGE_SCRIPT)));
            if portgroup.is_some() {
                notes.essential(
                    format!("{path}/source/@portgroup"),
                    "XenD knows bridges only",
                );
            }
        }
        InterfaceSource::Ethernet => {
            children.extend(script.map(|script| Sxpr::quoted_pair("script", script)));
        }
        other => {
            let reason = format!("XenD has no interface of type '{}'", other.kind());
            notes.essential(path, reason);
            return Ok(None);
        }
    }
    if !interface.ips.is_empty() {
        let words: Vec<_> = interface.ips.iter().map(ip_word).collect();
        children.push(Sxpr::quoted_pair("ip", words.join(" ")));
    }
    let name = interface.target.iter().filter(|name| !is_generated(name));
    children.extend(name.map(|name| Sxpr::quoted_pair("vifname", name)));
    write_model(interface, hvm, target.dialect.version, &mut children);
    let backend = interface.backend_domain.iter();
    children.extend(backend.map(|domain| Sxpr::quoted_pair("backend", domain)));
    note_settings(interface, path, notes);
    Ok(Some(Sxpr::named("vif", children)))
}

fn write_model(interface: &Interface, hvm: bool, version: ConfigVersion, children: &mut Vec<Sxpr>) {
    match interface.model.as_deref() {
        // Without emulated cards to leave out it is a model like any other.
        Some("netfront") if hvm => children.push(Sxpr::pair("type", "netfront")),
        model => {
            children.extend(model.map(|model| Sxpr::quoted_pair("model", model)));
            // Without it old releases give no emulated card, with it 3.1 and later
            // no paravirtualized one.
            if hvm && version < ConfigVersion::Xen310 {
                children.push(Sxpr::pair("type", "ioemu"));
            }
        }
    }
}

fn note_settings(interface: &Interface, path: &str, notes: &mut Notes) {
    if let Some(Bandwidth { inbound, outbound }) = &interface.bandwidth {
        if inbound.is_some() {
            notes.setting(
                format!("{path}/bandwidth/inbound"),
                "XenD limits what a guest sends only",
            );
        }
        let Rate {
            average: _,
            peak,
            floor,
            burst,
        } = outbound.unwrap_or_default();
        for (name, value) in [("peak", peak), ("floor", floor), ("burst", burst)] {
            if value.is_some() {
                notes.setting(
                    format!("{path}/bandwidth/outbound/@{name}"),
                    "XenD knows the average only",
                );
            }
        }
    }
    for (i, ip) in interface
        .ips
        .iter()
        .enumerate()
        .filter(|(_, ip)| ip.peer.is_some())
    {
        let reason = format!("XenD does not know the other end of {}", ip.address);
        notes.setting(format!("{path}/ip[{}]/@peer", i + 1), reason);
    }
    if interface.virtual_port.is_some() {
        notes.essential(format!("{path}/virtualport"), "XenD knows bridges only");
    }
    if interface.vlan.is_some() {
        notes.essential(format!("{path}/vlan"), "XenD knows bridges only");
    }
    note_info(&interface.info, path, notes);
}
