//! Devices of a configuration as libxl puts them into XenStore.

use super::config::{flag, number, text_of};
use super::log::{DEVICE_EXISTS, FAIL, INVALID, Wrong};
use crate::state::behaviour::{self, Hotplug, hotplug};
use crate::state::{Active, Entropy, StoreDevice, block_number};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

/// A device of a list of a configuration.
pub(super) type Json = Map<String, Value>;

/// Adds a disk or a drive; what libxl chose for it is written into `device`.
///
/// # Errors
/// libxl's words.
pub(super) fn disk(active: &mut Active, device: &mut Json, at: Instant) -> Result<(), Wrong> {
    let domid = active.domid;
    let vdev = text_of(device, "vdev").unwrap_or_default().to_owned();
    let invalid = || {
        Wrong::new(
            INVALID,
            format!("Invalid or unsupported virtual disk identifier {vdev}"),
        )
    };
    let id = block_number(&vdev).ok_or_else(invalid)?;
    if active.devices.iter().any(|it| it.id == id && is_disk(it)) {
        let line = format!("Domain {domid}:device already exists in xenstore");
        return Err(Wrong::new(DEVICE_EXISTS, line));
    }
    let path = text_of(device, "pdev_path").unwrap_or_default().to_owned();
    let format = text_of(device, "format").unwrap_or("raw").to_owned();
    let empty = format == "empty" || path.is_empty();
    if !empty && !behaviour::exists(&path) {
        let line = format!("Disk vdev={vdev} failed to stat: {path}: No such file or directory");
        return Err(Wrong::new(INVALID, line).then(format!("no suitable backend for disk {vdev}")));
    }
    let asked = text_of(device, "backend").filter(|it| *it != "unknown");
    let is_block = path.starts_with("/dev/") && format == "raw";
    let backend = asked
        .unwrap_or(if is_block { "phy" } else { "qdisk" })
        .to_owned();
    device.insert("backend".to_owned(), json!(backend));
    let class = if backend == "phy" { "vbd" } else { "qdisk" };
    let params = match empty {
        true => String::new(),
        false => params(class, &format, &path),
    };
    let drive = flag(device, "is_cdrom");
    let kind = if drive { "cdrom" } else { "disk" };
    let mode = if flag(device, "readwrite") { "w" } else { "r" };
    let back = vec![
        pair("params", params),
        pair("dev", &vdev),
        pair("type", if class == "vbd" { "phy" } else { "qdisk" }),
        pair("mode", mode),
        pair("device-type", kind),
        pair(
            "removable",
            if flag(device, "removable") { "1" } else { "0" },
        ),
        pair("bootable", "1"),
        pair("discard-enable", if drive { "0" } else { "1" }),
    ];
    let number = pair("virtual-device", id.to_string());
    active.devices.push(StoreDevice {
        class: class.to_owned(),
        id,
        uuid: String::new(),
        back,
        front: vec![number, pair("device-type", kind)],
        connects: at,
        hotplug: hotplug(&path),
    });
    Ok(())
}

/// What the back end of a class calls a file.
fn params(class: &str, format: &str, path: &str) -> String {
    match (class, format) {
        ("vbd", _) => path.to_owned(),
        (_, "raw") => format!("aio:{path}"),
        _ => format!("{format}:{path}"),
    }
}

/// Adds an interface.
///
/// # Errors
/// libxl's words.
pub(super) fn nic(
    active: &mut Active,
    device: &mut Json,
    at: Instant,
    entropy: &mut Entropy,
) -> Result<(), Wrong> {
    let id = number(device, "devid").filter(|id| *id >= 0);
    let id = id.unwrap_or(active.next_interface);
    if active.device("vif", id).is_some() {
        let line = format!("Domain {}:device already exists in xenstore", active.domid);
        return Err(Wrong::new(DEVICE_EXISTS, line));
    }
    active.next_interface = active.next_interface.max(id.saturating_add(1));
    device.insert("devid".to_owned(), json!(id));
    if text_of(device, "mac").is_none() {
        device.insert("mac".to_owned(), json!(entropy.mac()));
    }
    let word = |name: &str| text_of(device, name).map(str::to_owned);
    let script = word("script").unwrap_or_else(|| "/etc/xen/scripts/vif-bridge".to_owned());
    let kind = word("nictype").unwrap_or_else(|| "vif".to_owned());
    let bridge = word("bridge").unwrap_or_else(|| "xenbr0".to_owned());
    if !behaviour::exists(&bridge) {
        let line = format!(
            "{script} add vif{}.{id} [-1] exited with error status 1",
            active.domid
        );
        return Err(Wrong::new(FAIL, line));
    }
    let mac = word("mac").unwrap_or_default();
    let mut back = vec![
        pair("script", script),
        pair("mac", &mac),
        pair("bridge", &bridge),
        pair("handle", id.to_string()),
        pair("type", kind),
    ];
    for (name, node) in [("ifname", "vifname"), ("ip", "ip"), ("model", "model")] {
        back.extend(word(name).map(|value| pair(node, value)));
    }
    let front = vec![
        pair("handle", id.to_string()),
        pair("mac", mac),
        pair("mtu", "1500"),
    ];
    active.devices.push(StoreDevice {
        class: "vif".to_owned(),
        id,
        uuid: String::new(),
        back,
        front,
        connects: at,
        hotplug: hotplug(&bridge),
    });
    Ok(())
}

/// Adds a screen or a keyboard of a paravirtualized guest, or the like: what needs no
/// script.
pub(super) fn plain(active: &mut Active, class: &str, back: Vec<(String, String)>) {
    let same = active.devices.iter().filter(|it| it.class == class);
    let last = same.map(|it| it.id).max();
    active.devices.push(StoreDevice {
        class: class.to_owned(),
        id: last.map_or(0, |last| last.saturating_add(1)),
        uuid: String::new(),
        back,
        front: Vec::new(),
        connects: active.created,
        hotplug: Hotplug::Connects,
    });
}

/// The settings of a screen that its back end has.
pub(super) fn screen(device: &Json) -> Vec<(String, String)> {
    let vnc = super::config::section(device, "vnc");
    let word = |name: &str, unset: &str| text_of(&vnc, name).unwrap_or(unset).to_owned();
    let on = |flag: bool| if flag { "1" } else { "0" };
    vec![
        pair("vnc", on(flag(&vnc, "enable"))),
        pair("vnclisten", word("listen", "127.0.0.1")),
        pair(
            "vncdisplay",
            number(&vnc, "display").unwrap_or(0).to_string(),
        ),
        pair("vncunused", on(flag(&vnc, "findunused"))),
    ]
}

/// The settings of a keyboard or pointer that its back end has: those that are on.
pub(super) fn keyboard(device: &Json) -> Vec<(String, String)> {
    let features = ["disable_keyboard", "disable_pointer", "abs_pointer"];
    let is_on = |name: &&str| device.get(&format!("feature_{name}")) == Some(&json!(true));
    let features = features.into_iter().filter(is_on);
    features
        .map(|name| pair(&format!("feature-{}", name.replace('_', "-")), "1"))
        .collect()
}

/// Whether it is one of the classes of disks.
pub(super) fn is_disk(device: &StoreDevice) -> bool {
    matches!(device.class.as_str(), "vbd" | "qdisk" | "tap")
}

pub(super) fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}
