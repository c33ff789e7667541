//! Network interfaces: `vif = [ "mac=…,bridge=xenbr0,model=e1000" ]`.
//!
//! Tools know bridges and scripts; virtual networks are resolved to their bridge
//! by the caller. With the Open vSwitch script, VLANs are in the bridge's name.

use super::{Bridges, Dialect, Entry, Out, Settings, Words};
use crate::convert::{Error, Notes, excerpt};
use crate::spelling::device::note_info;
use crate::spelling::interface::{BRIDGE_SCRIPT, ip, ip_word, rate_of};
use crate::sxpr::ConfigVersion;
use virtxen_guest::{Bandwidth, Interface, InterfaceSource, Rate, VirtualPort, Vlan, VlanTag};

/// The script that puts a backend on an Open vSwitch bridge, and libvirt's word
/// for the switch.
const OPEN_VSWITCH_SCRIPT: &str = "vif-openvswitch";
const OPEN_VSWITCH: &str = "openvswitch";

/// Scripts that need a bridge.
const BRIDGING: &[&str] = &[BRIDGE_SCRIPT, OPEN_VSWITCH_SCRIPT, "vif-vnic"];

/// Reads all interfaces.
pub(super) fn read(file: &mut Settings<'_>, notes: &mut Notes) -> Result<Vec<Interface>, Error> {
    let entries = file.entries("vif", notes);
    entries.iter().map(|entry| read_one(entry, notes)).collect()
}

fn read_one(entry: &Entry, notes: &mut Notes) -> Result<Interface, Error> {
    let mut words = Words::new(entry);
    let mut interface = Interface {
        script: words.owned("script"),
        target: words.owned("vifname"),
        model: words.owned("model"),
        backend_domain: words.owned("backend"),
        ..Interface::default()
    };
    interface
        .backend_domain
        .take_if(|domain| matches!(domain.as_str(), "0" | "Domain-0"));
    read_bridge(&mut words, &mut interface, notes);
    if let Some(text) = words.text("mac") {
        interface.mac = Some(text.parse().map_err(|_| Error::Malformed {
            path: format!("{}/mac", entry.path),
            at: Some(entry.at),
            value: excerpt(text),
            expected: "a hardware address",
        })?);
    }
    match words.text("type") {
        Some("vif" | "netfront") if interface.model.is_none() => {
            interface.model = Some("netfront".to_owned());
        }
        None | Some("ioemu" | "vif" | "netfront") => {}
        Some(other) => {
            let reason = format!("'{}' is no type of interface", excerpt(other));
            words.note("type", reason, notes);
        }
    }
    if let Some(text) = words.text("ip") {
        let addresses = text.split(' ').filter(|word| !word.is_empty());
        interface.ips = addresses.map(ip).collect();
    }
    if let Some(text) = words.text("rate") {
        match rate_of(text) {
            Some(average) => {
                let outbound = Rate {
                    average: Some(average),
                    ..Rate::default()
                };
                interface.bandwidth = Some(Bandwidth {
                    outbound: Some(outbound),
                    inbound: None,
                });
            }
            None => words.note("rate", format!("'{}' is no rate", excerpt(text)), notes),
        }
    }
    words.finish(notes);
    Ok(interface)
}

/// `BRIDGE`, `BRIDGE.VLAN` or `BRIDGE:TRUNK:TRUNK`.
fn read_bridge(words: &mut Words<'_>, interface: &mut Interface, notes: &mut Notes) {
    let script = interface.script.as_deref().unwrap_or_default();
    let script = script.rsplit('/').next().unwrap_or_default();
    let Some(text) = words.text("bridge") else {
        interface.source = if BRIDGING.contains(&script) {
            InterfaceSource::Bridge { bridge: None }
        } else {
            InterfaceSource::Ethernet
        };
        return;
    };
    let bridge = |name: &str| InterfaceSource::Bridge {
        bridge: Some(name.to_owned()),
    };
    interface.source = bridge(text);
    let switched = script == OPEN_VSWITCH_SCRIPT;
    let (name, tags, trunk) = match (text.split_once('.'), text.split_once(':')) {
        (Some((name, tag)), None) => (name, tag, false),
        (None, Some((name, tags))) => (name, tags, true),
        (None, None) if switched => (text, "", false),
        (None, None) => return,
        (Some(_), Some(_)) => {
            let reason = "a native VLAN beside trunks is not kept apart";
            words.note("bridge", reason, notes);
            return;
        }
    };
    let ids = tags.split(':').filter(|tag| !tag.is_empty());
    let tags: Result<Vec<VlanTag>, _> = ids
        .map(|tag| {
            tag.parse().map(|id| VlanTag {
                id,
                native_mode: None,
            })
        })
        .collect();
    let Ok(tags) = tags else {
        // Bridges of Linux may have such names.
        if switched {
            words.note("bridge", "this is no VLAN", notes);
        }
        return;
    };
    interface.source = bridge(name);
    interface.virtual_port = Some(VirtualPort {
        kind: Some(OPEN_VSWITCH.to_owned()),
        parameters: Vec::new(),
    });
    interface.vlan = (!tags.is_empty()).then_some(Vlan { trunk, tags });
}

/// Writes all interfaces.
pub(super) fn write(
    interfaces: &[Interface],
    hvm: bool,
    dialect: Dialect,
    bridges: &Bridges,
    out: &mut Out,
    notes: &mut Notes,
) -> Result<(), Error> {
    let mut texts = Vec::new();
    for (i, interface) in interfaces.iter().enumerate() {
        let path = format!("/domain/devices/interface[{}]", i + 1);
        let mut words = Vec::new();
        let mac = interface.mac.map(|mac| format!("mac={mac}"));
        words.extend(mac);
        if !write_source(interface, &path, dialect, bridges, &mut words, notes)? {
            continue;
        }
        write_model(interface, hvm, dialect, &mut words);
        let mut pair = |key: &str, value: Option<&String>| {
            words.extend(value.map(|value| format!("{key}={value}")));
        };
        pair("vifname", interface.target.as_ref());
        let rate = interface.bandwidth.and_then(|it| it.outbound);
        let rate = rate.and_then(|rate| rate.average);
        pair("rate", rate.map(|rate| format!("{rate}KB/s")).as_ref());
        pair("backend", interface.backend_domain.as_ref());
        note_settings(interface, &path, dialect, notes);
        texts.push(words.join(","));
    }
    out.texts("vif", texts);
    Ok(())
}

/// Bridge, addresses and script; `false` when the tool cannot connect it.
fn write_source(
    interface: &Interface,
    path: &str,
    dialect: Dialect,
    bridges: &Bridges,
    words: &mut Vec<String>,
    notes: &mut Notes,
) -> Result<bool, Error> {
    let script = interface.script.as_deref();
    let addresses: Vec<_> = interface.ips.iter().map(ip_word).collect();
    let ip = (!addresses.is_empty()).then(|| format!("ip={}", addresses.join(" ")));
    match &interface.source {
        InterfaceSource::Bridge { bridge } => {
            let switched = interface
                .virtual_port
                .as_ref()
                .is_some_and(|port| port.kind.as_deref() == Some(OPEN_VSWITCH));
            let vlan = if switched {
                vlan_words(interface)
            } else {
                String::new()
            };
            words.extend(bridge.iter().map(|name| format!("bridge={name}{vlan}")));
            words.extend(ip);
            let usual = if switched {
                OPEN_VSWITCH_SCRIPT
            } else {
                BRIDGE_SCRIPT
            };
            words.push(format!("script={}", script.unwrap_or(usual)));
            note_switch(interface, path, switched, notes);
        }
        InterfaceSource::Network { network, portgroup } => {
            let bridge = bridges.get(network).ok_or_else(|| Error::UnknownNetwork {
                path: format!("{path}/source/@network"),
                network: network.clone(),
            })?;
            words.push(format!("bridge={bridge}"));
            let reason = format!("{} keeps its bridge {bridge}", dialect.tool());
            notes.setting(format!("{path}/source/@network"), reason);
            words.extend(ip);
            words.push(format!("script={}", script.unwrap_or(BRIDGE_SCRIPT)));
            if portgroup.is_some() {
                let path = format!("{path}/source/@portgroup");
                notes.essential(path, "only the network's bridge is kept");
            }
            note_switch(interface, path, false, notes);
        }
        InterfaceSource::Ethernet => {
            words.extend(script.map(|script| format!("script={script}")));
            words.extend(ip);
            note_switch(interface, path, false, notes);
        }
        other => {
            let reason = format!(
                "{} has no interface of type '{}'",
                dialect.tool(),
                other.kind()
            );
            notes.essential(path, reason);
            return Ok(false);
        }
    }
    Ok(true)
}

fn vlan_words(interface: &Interface) -> String {
    let Some(vlan) = &interface.vlan else {
        return String::new();
    };
    if vlan.trunk || vlan.tags.len() > 1 {
        vlan.tags.iter().map(|tag| format!(":{}", tag.id)).collect()
    } else {
        vlan.tags.iter().map(|tag| format!(".{}", tag.id)).collect()
    }
}

fn note_switch(interface: &Interface, path: &str, switched: bool, notes: &mut Notes) {
    if let Some(port) = &interface.virtual_port {
        if !switched {
            let path = format!("{path}/virtualport");
            notes.essential(path, "Xen knows bridges and Open vSwitch only");
        } else if !port.parameters.is_empty() {
            let path = format!("{path}/virtualport/parameters");
            notes.setting(path, "Xen's script does not take them");
        }
    }
    let Some(vlan) = &interface.vlan else { return };
    if !switched {
        let path = format!("{path}/vlan");
        notes.essential(path, "Xen sets VLANs with Open vSwitch only");
    } else if vlan.tags.iter().any(|tag| tag.native_mode.is_some()) {
        let path = format!("{path}/vlan/tag/@nativeMode");
        notes.setting(path, "Xen's script does not take it");
    }
}

fn write_model(interface: &Interface, hvm: bool, dialect: Dialect, words: &mut Vec<String>) {
    match interface.model.as_deref() {
        Some("netfront") if hvm => {
            let word = if dialect.xl { "vif" } else { "netfront" };
            words.push(format!("type={word}"));
        }
        model => {
            words.extend(model.map(|model| format!("model={model}")));
            // Without it old releases give no emulated card.
            if hvm && dialect.before(ConfigVersion::Xen310) {
                words.push("type=ioemu".to_owned());
            }
        }
    }
}

fn note_settings(interface: &Interface, path: &str, dialect: Dialect, notes: &mut Notes) {
    if let Some(Bandwidth { inbound, outbound }) = &interface.bandwidth {
        if inbound.is_some() {
            let path = format!("{path}/bandwidth/inbound");
            notes.setting(path, "Xen limits what a guest sends only");
        }
        let Rate {
            average: _,
            peak,
            floor,
            burst,
        } = outbound.unwrap_or_default();
        for (name, value) in [("peak", peak), ("floor", floor), ("burst", burst)] {
            if value.is_some() {
                let path = format!("{path}/bandwidth/outbound/@{name}");
                notes.setting(path, "Xen knows the average only");
            }
        }
    }
    for (i, ip) in interface.ips.iter().enumerate() {
        if ip.peer.is_some() {
            let reason = format!("Xen does not know the other end of {}", ip.address);
            notes.setting(format!("{path}/ip[{}]/@peer", i + 1), reason);
        }
    }
    note_info(&interface.info, path, dialect.tool(), notes);
}
