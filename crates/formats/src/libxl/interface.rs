//! Network interfaces: `nics`.
//!
//! libxl knows bridges and scripts; virtual networks are resolved to their bridge by
//! the caller. With the Open vSwitch script, VLANs are in the bridge's name.

use super::disk::{backend_of, distrust};
use super::guest::Parts;
use super::section::Section;
use super::write::{Out, Writer};
use crate::convert::{Error, Notes, excerpt};
use crate::spelling::device::note_info;
use crate::spelling::interface::{BRIDGE_SCRIPT, ip, ip_word, is_generated};
use serde_json::Value;
use virtxen_guest::{
    Bandwidth, DeviceInfo, Element, Interface, InterfaceSource, Kept, KeptContent, MacAddress,
    NativeMode, OsType, Rate, VirtualPort, Vlan, VlanTag,
};

/// The script that puts a backend on an Open vSwitch bridge, and libvirt's word for
/// the switch.
const SWITCH_SCRIPT: &str = "vif-openvswitch";
const SWITCH: &str = "openvswitch";

/// How often a backend may send again what its rate allows, in microseconds.
const INTERVAL: u64 = 50_000;
const SECOND: u64 = 1_000_000;

/// What the backend's interface takes when nothing is said.
const USUAL_MTU: u32 = 1492;

/// Writes all interfaces.
pub(super) fn write(writer: &mut Writer<'_>) -> Result<(), Error> {
    let mut nics = Vec::new();
    for (i, interface) in writer.guest.devices.interfaces.iter().enumerate() {
        let path = format!("/domain/devices/interface[{}]", i + 1);
        // A card that is passed through is in `hostdev`.
        if matches!(interface.source, InterfaceSource::Hostdev { .. }) {
            continue;
        }
        nics.extend(write_one(interface, nics.len(), &path, writer)?);
    }
    writer.list("nics", nics, "/domain/devices/interface");
    Ok(())
}

fn write_one(
    interface: &Interface,
    devid: usize,
    path: &str,
    writer: &mut Writer<'_>,
) -> Result<Option<Value>, Error> {
    let hvm = writer.is_hvm();
    let mut nic = writer.out("device_nic");
    nic.set("devid", devid);
    nic.some("mac", interface.mac.map(|mac| mac.to_string()));
    if !write_source(interface, path, &mut nic, writer)? {
        return Ok(None);
    }
    let notes = &mut writer.notes;
    let addresses: Vec<String> = interface.ips.iter().map(ip_word).collect();
    if !addresses.is_empty() {
        nic.set("ip", addresses.join(" "));
    }
    match interface.model.as_deref() {
        Some(model) if !hvm && model != "netfront" => {
            let reason = format!("only a fully virtualized guest has a {}", excerpt(model));
            notes.setting(format!("{path}/model/@type"), reason);
        }
        model => nic.some("model", model),
    }
    let emulated = hvm && interface.model.as_deref() != Some("netfront");
    nic.set("nictype", if emulated { "vif_ioemu" } else { "vif" });
    nic.some("ifname", interface.target.clone());
    let outbound = interface.bandwidth.and_then(|it| it.outbound);
    if let Some(average) = outbound.and_then(|rate| rate.average).filter(|it| *it > 0) {
        let bytes = u128::from(average) * 1024 * u128::from(INTERVAL) / u128::from(SECOND);
        match u64::try_from(bytes) {
            Ok(bytes) => {
                nic.set("rate_bytes_per_interval", bytes);
                nic.set("rate_interval_usecs", INTERVAL);
            }
            Err(_) => notes.setting(
                format!("{path}/bandwidth/outbound/@average"),
                "no card is that fast",
            ),
        }
    }
    if let Some(domain) = &interface.backend_domain {
        nic.set("backend_domname", domain.clone());
        distrust(&mut nic);
    }
    note_settings(interface, path, &mut nic, notes);
    Ok(Some(nic.into_value()))
}

/// Bridge, script and VLANs; `false` when libxl cannot connect it.
fn write_source(
    interface: &Interface,
    path: &str,
    nic: &mut Out,
    writer: &mut Writer<'_>,
) -> Result<bool, Error> {
    let script = interface.script.clone();
    let port = interface.virtual_port.as_ref();
    let switched = port.is_some_and(|port| port.kind.as_deref() == Some(SWITCH));
    let mut on_switch = false;
    match &interface.source {
        InterfaceSource::Bridge { bridge } => {
            on_switch = switched;
            let vlan = interface.vlan.as_ref().filter(|_| switched);
            let vlan = vlan.map(switch_vlan).unwrap_or_default();
            nic.some(
                "bridge",
                bridge.as_ref().map(|name| format!("{name}{vlan}")),
            );
            let usual = switched.then(|| SWITCH_SCRIPT.to_owned());
            nic.some("script", script.or(usual));
        }
        InterfaceSource::Network { network, portgroup } => {
            let bridge = writer.target.bridges.get(network);
            let bridge = bridge.ok_or_else(|| Error::UnknownNetwork {
                path: format!("{path}/source/@network"),
                network: network.clone(),
            })?;
            nic.set("bridge", bridge.clone());
            nic.some("script", script);
            let reason = format!("libxl keeps its bridge {bridge}");
            let notes = &mut writer.notes;
            notes.setting(format!("{path}/source/@network"), reason);
            if portgroup.is_some() {
                let path = format!("{path}/source/@portgroup");
                notes.essential(path, "only the network's bridge is kept");
            }
        }
        InterfaceSource::Ethernet => nic.some("script", script),
        other => {
            let reason = format!("libxl has no interface of type '{}'", other.kind());
            writer.notes.essential(path, reason);
            return Ok(false);
        }
    }
    write_port(interface, on_switch, path, nic, &mut writer.notes);
    Ok(true)
}

/// VLANs that are not in the bridge's name, and what of a switch's port is lost.
fn write_port(
    interface: &Interface,
    on_switch: bool,
    path: &str,
    nic: &mut Out,
    notes: &mut Notes,
) {
    match &interface.virtual_port {
        Some(_) if !on_switch => {
            let path = format!("{path}/virtualport");
            notes.essential(path, "Xen knows bridges and Open vSwitch only");
        }
        Some(port) if !port.parameters.is_empty() => {
            let path = format!("{path}/virtualport/parameters");
            notes.setting(path, "Xen's script does not take them");
        }
        _ => {}
    }
    if let Some(vlan) = interface.vlan.as_ref().filter(|vlan| !vlan.tags.is_empty()) {
        let place = format!("{path}/vlan");
        if !on_switch {
            nic.need("vlan", bridge_vlan(vlan), &place, notes);
        } else if vlan.tags.iter().any(|tag| tag.native_mode.is_some()) {
            let place = format!("{place}/tag/@nativeMode");
            notes.setting(place, "Xen's script does not take it");
        }
    }
}

/// `.10` or `:10:20` behind a bridge of Open vSwitch.
fn switch_vlan(vlan: &Vlan) -> String {
    let separator = match vlan.trunk || vlan.tags.len() > 1 {
        true => ':',
        false => '.',
    };
    let words = vlan.tags.iter().map(|tag| format!("{separator}{}", tag.id));
    words.collect()
}

/// `10p/20`: what a bridge of Linux filters; `p` has no tag in the guest.
fn bridge_vlan(vlan: &Vlan) -> String {
    let alone = !vlan.trunk && vlan.tags.len() == 1;
    let words = vlan.tags.iter().map(|tag| {
        let native = alone || tag.native_mode.is_some();
        format!("{}{}", tag.id, if native { "p" } else { "" })
    });
    words.collect::<Vec<_>>().join("/")
}

fn note_settings(interface: &Interface, path: &str, nic: &mut Out, notes: &mut Notes) {
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
    let mut info = interface.info.clone();
    let mut rest = Kept::default();
    for item in interface.info.kept.items() {
        match &item.content {
            KeptContent::Element(element) => match mtu_of(element) {
                Some(mtu) if item.within.is_empty() => nic.set("mtu", mtu),
                _ => rest.add_element(item.within, element.clone()),
            },
            KeptContent::Attribute(it) => {
                rest.add_attribute(item.within, it.name.clone(), it.value.clone());
            }
        }
    }
    info.kept = rest;
    note_info(&info, path, "libxl", notes);
}

fn mtu_of(element: &Element) -> Option<u32> {
    let size = element
        .attribute("size")
        .filter(|_| element.name == "mtu")?;
    size.parse().ok()
}

/// Reads all interfaces.
pub(super) fn read(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Vec<Interface> {
    let kind = parts.kind;
    let list = parts.config.list("nics", notes);
    list.into_iter()
        .map(|nic| read_one(nic, kind, notes))
        .collect()
}

fn read_one(mut nic: Section<'_>, kind: OsType, notes: &mut Notes) -> Interface {
    let mut interface = Interface {
        script: nic.text("script", notes),
        target: nic.text("ifname", notes),
        model: nic.text("model", notes),
        mac: read_mac(&mut nic, notes),
        backend_domain: backend_of(&mut nic, notes),
        ..Interface::default()
    };
    interface.target.take_if(|name| is_generated(name));
    let emulated = nic.word("nictype", notes);
    if kind == OsType::Hvm && emulated == Some("vif") && interface.model.is_none() {
        interface.model = Some("netfront".to_owned());
    }
    // libxl fills it in for guests that do not see it.
    if kind != OsType::Hvm {
        interface.model.take_if(|model| model == "rtl8139");
    }
    read_source(&mut nic, &mut interface, notes);
    if let Some(text) = nic.text("ip", notes) {
        interface.ips = text.split_ascii_whitespace().map(ip).collect();
    }
    let bytes: Option<u64> = nic.count("rate_bytes_per_interval", notes);
    let interval: Option<u64> = nic.count("rate_interval_usecs", notes);
    if let Some(bytes) = bytes.filter(|bytes| *bytes > 0) {
        let interval = interval.filter(|it| *it > 0).unwrap_or(INTERVAL);
        let rate = u128::from(bytes) * u128::from(SECOND) / u128::from(interval) / 1024;
        // Bytes of an interval are rounded down, so the way back rounds up.
        let rate = rate
            + u128::from(
                !(u128::from(bytes) * u128::from(SECOND))
                    .is_multiple_of(u128::from(interval) * 1024),
            );
        let outbound = Rate {
            average: u64::try_from(rate).ok(),
            ..Rate::default()
        };
        interface.bandwidth = Some(Bandwidth {
            outbound: Some(outbound),
            inbound: None,
        });
    }
    let mtu: Option<u32> = nic.count("mtu", notes);
    if let Some(mtu) = mtu.filter(|mtu| !matches!(*mtu, 0 | USUAL_MTU)) {
        let mut info = DeviceInfo::default();
        let element = Element::new("mtu").with("size", mtu.to_string());
        info.kept.add_element("", element);
        interface.info = info;
    }
    nic.finish(notes);
    interface
}

fn read_mac(nic: &mut Section<'_>, notes: &mut Notes) -> Option<MacAddress> {
    let text = nic.text("mac", notes)?;
    match text.parse::<MacAddress>() {
        // libxl chooses one.
        Ok(MacAddress([0, 0, 0, 0, 0, 0])) => None,
        Ok(mac) => Some(mac),
        Err(_) => {
            nic.wrong("mac", &Value::from(text), "a hardware address", notes);
            None
        }
    }
}

fn read_source(nic: &mut Section<'_>, interface: &mut Interface, notes: &mut Notes) {
    let bridge = nic.text("bridge", notes);
    let script = interface.script.as_deref().unwrap_or(BRIDGE_SCRIPT);
    let script = script.rsplit('/').next().unwrap_or_default();
    let switched = script == SWITCH_SCRIPT;
    let gateway = nic.text("gatewaydev", notes);
    interface.source = match bridge {
        None if script == BRIDGE_SCRIPT && interface.script.is_none() => {
            InterfaceSource::Bridge { bridge: None }
        }
        None => InterfaceSource::Ethernet,
        Some(name) if switched => {
            let (name, vlan) = switch_bridge(&name);
            interface.virtual_port = Some(VirtualPort {
                kind: Some(SWITCH.to_owned()),
                parameters: Vec::new(),
            });
            interface.vlan = vlan;
            InterfaceSource::Bridge { bridge: Some(name) }
        }
        bridge => InterfaceSource::Bridge { bridge },
    };
    if let Some(gateway) = gateway {
        let reason = format!(
            "'{}' has no place in the domain document",
            excerpt(&gateway)
        );
        notes.setting(nic.place("gatewaydev"), reason);
    }
    if let Some(text) = nic.text("vlan", notes) {
        interface.vlan = read_vlan(&text);
        if interface.vlan.is_none() {
            let reason = format!("'{}' is not understood", excerpt(&text));
            notes.essential(nic.place("vlan"), reason);
        }
    }
}

/// `BRIDGE.VLAN`, `BRIDGE:TRUNK:TRUNK`.
fn switch_bridge(text: &str) -> (String, Option<Vlan>) {
    let (name, words, trunk) = match (text.split_once(':'), text.split_once('.')) {
        (Some((name, words)), _) => (name, words, true),
        (None, Some((name, word))) => (name, word, false),
        (None, None) => return (text.to_owned(), None),
    };
    let tag = |word: &str| {
        let id = word.parse().ok()?;
        Some(VlanTag {
            id,
            native_mode: None,
        })
    };
    let tags: Option<Vec<VlanTag>> = words.split(':').map(tag).collect();
    match tags {
        Some(tags) => (name.to_owned(), Some(Vlan { trunk, tags })),
        None => (text.to_owned(), None),
    }
}

fn read_vlan(text: &str) -> Option<Vlan> {
    let words: Vec<&str> = text.split('/').collect();
    if let [only] = words.as_slice()
        && let Some(id) = only.strip_suffix('p')
    {
        let id = id.parse().ok()?;
        let native_mode = None;
        return Some(Vlan {
            trunk: false,
            tags: vec![VlanTag { id, native_mode }],
        });
    }
    let tag = |word: &&str| {
        let (id, native) = match word.strip_suffix('p') {
            Some(id) => (id, true),
            None => (*word, false),
        };
        Some(VlanTag {
            id: id.parse().ok()?,
            native_mode: native.then_some(NativeMode::Untagged),
        })
    };
    let tags: Option<Vec<VlanTag>> = words.iter().map(tag).collect();
    Some(Vlan {
        trunk: true,
        tags: tags?,
    })
}
