//! Devices as XenD shows them: from the store while a domain is active and any
//! of the class is there, else from the configuration.
//!
//! The order inside a device is that of the dictionary that XenD fills.

use virtxen_formats::sxpr::Sxpr;

use super::Writer;
use crate::release::Facts;
use crate::state::{Domain, StoreDevice};
use crate::xend::dict::PyDict;

/// The devices of one class.
pub(super) fn of_class(out: &mut Writer, domain: &Domain, class: &str, facts: &Facts) {
    let mut found = false;
    if let Some(active) = &domain.active {
        for device in active.devices.iter().filter(|d| d.class == class) {
            found = true;
            out.open("device");
            stored(out, domain, device, facts);
            out.close();
        }
    }
    if !found && (facts.config_devices_shown || domain.active.is_none()) {
        for device in domain.config.devices.in_order() {
            if device.class == class {
                out.pair_node("device", &device.expression());
            }
        }
    }
}

fn stored(out: &mut Writer, domain: &Domain, device: &StoreDevice, facts: &Facts) {
    let configured = domain.config.devices.all.get(device.uuid.as_str());
    let dict = dictionary(device, facts);
    out.open(&device.class);
    for (name, value) in dict.iter() {
        out.pair(name, value);
    }
    if matches!(device.class.as_str(), "vbd" | "tap" | "tap2") {
        if facts.bootable && (facts.bootable_twice || !dict.has("bootable")) {
            let bootable = configured.and_then(|d| d.get("bootable")).unwrap_or("0");
            out.pair("bootable", bootable);
        }
        if facts.vdi {
            out.pair("VDI", configured.and_then(|d| d.get("VDI")).unwrap_or(""));
        }
    }
    out.close();
}

/// What XenD reads of a device from the store.
fn dictionary(device: &StoreDevice, facts: &Facts) -> PyDict<String> {
    let mut dict = PyDict::default();
    let back = |name: &str| device.back(name).filter(|value| !value.is_empty());
    match device.class.as_str() {
        "vbd" | "tap" | "tap2" => {
            dict.set("backend", "0".to_owned());
            disk(&mut dict, device, facts);
        }
        "vif" => {
            dict.set("backend", "0".to_owned());
            for name in INTERFACE {
                if let Some(value) = back(name) {
                    dict.set(*name, value.to_owned());
                }
            }
        }
        "vfb" => {
            for name in FRAME_BUFFER {
                if let Some(value) = device.back(name) {
                    dict.set(*name, value.to_owned());
                }
            }
        }
        "console" => {
            let mut first: PyDict<String> = PyDict::default();
            for name in ["location", "uuid", "protocol"] {
                if let Some(value) = device.back(name) {
                    first.set(name, value.to_owned());
                }
            }
            for (name, value) in first.iter() {
                dict.set(name.as_str(), value.clone());
            }
        }
        _ => {
            dict.set("backend", "0".to_owned());
            if let Some(uuid) = device.back("uuid") {
                dict.set("uuid", uuid.to_owned());
            }
        }
    }
    dict
}

const INTERFACE: &[&str] = &[
    "script", "ip", "bridge", "mac", "type", "vifname", "rate", "uuid", "model", "accel",
];

const FRAME_BUFFER: &[&str] = &[
    "type",
    "vncdisplay",
    "vnclisten",
    "vncpasswd",
    "vncunused",
    "display",
    "xauthority",
    "keymap",
    "vnc",
    "sdl",
    "uuid",
    "location",
    "protocol",
    "opengl",
];

fn disk(dict: &mut PyDict<String>, device: &StoreDevice, facts: &Facts) {
    if let Some(dev) = device.back("dev") {
        let kind = device.front("device-type").unwrap_or("disk");
        dict.set("dev", format!("{dev}:{kind}"));
    }
    if let (Some(kind), Some(params)) = (device.back("type"), device.back("params"))
        && !kind.is_empty()
        && !params.is_empty()
    {
        dict.set("uname", format!("{kind}:{params}"));
    }
    if let Some(mode) = device.back("mode") {
        dict.set("mode", mode.to_owned());
    }
    if let Some(uuid) = device.back("uuid") {
        dict.set("uuid", uuid.to_owned());
    }
    if let Some(bootable) = device.back("bootable") {
        dict.set("bootable", bootable.to_owned());
    }
    if facts.protocol_shown
        && let Some(protocol) = device.front("protocol")
    {
        dict.set("protocol", protocol.to_owned());
    }
}

/// `((ID ((name value) …)) …)`: the front ends of a class, as the store lists
/// them.
pub(crate) fn store_expression<'a>(devices: impl Iterator<Item = &'a StoreDevice>) -> Sxpr {
    let entry = |device: &StoreDevice| {
        let values = device
            .front
            .iter()
            .map(|(name, value)| Sxpr::pair(name, value.as_str()))
            .collect();
        Sxpr::list(vec![Sxpr::atom(device.id.to_string()), Sxpr::list(values)])
    };
    Sxpr::list(devices.map(entry).collect())
}
