//! How a device comes into the store: what its two folders say.
//!
//! Which devices may come is checked before.

use tokio::time::Instant;

use crate::release::Facts;
use crate::state::behaviour::{Hotplug, hotplug};
use crate::state::{Active, StoreDevice, block_number};
use crate::xend::config::{Config, Device, Words};

use super::devices::DISKS;

/// Puts a device into the store, where its back end connects it then, and returns
/// its number.
pub(super) fn plug(
    facts: &Facts,
    connects: Instant,
    active: &mut Active,
    config: &Config,
    device: &Device,
) -> Result<i64, Words> {
    let (id, back, mut front) = match device.class.as_str() {
        "vbd" | "tap" | "tap2" => disk(device, facts)?,
        "vif" => interface(active, device, facts),
        "vfb" => {
            if facts.vfb_display_broken && device.get("vncdisplay").is_some() {
                return Err("unsupported operand type(s) for +: 'int' and 'str'".to_owned());
            }
            let later = |name: &str| name == "uuid" || name == "keymap";
            let back = device
                .info
                .iter()
                .filter(|(name, _)| facts.vfb_uuid || !later(name))
                .filter_map(|(name, value)| Some((name.clone(), value.as_atom()?.to_owned())))
                .collect();
            (0, back, Vec::new())
        }
        "pci" => {
            let uuid = device.get("uuid").unwrap_or_default();
            (0, vec![("uuid".to_owned(), uuid.to_owned())], Vec::new())
        }
        _ => (0, Vec::new(), Vec::new()),
    };
    if active.device(&device.class, id).is_some()
        || DISKS.contains(&device.class.as_str())
            && DISKS.iter().any(|class| active.device(class, id).is_some())
    {
        return Err(format!(
            "Device {} ({id}, {}) is already connected.",
            device.get("dev").unwrap_or_default(),
            device.class
        ));
    }
    finish_front(&mut front, id, active.domid, config.hvm, device, facts);
    active.devices.push(StoreDevice {
        class: device.class.clone(),
        id,
        uuid: device.get("uuid").unwrap_or_default().to_owned(),
        back,
        front,
        connects,
        hotplug: outcome(device),
    });
    Ok(id)
}

/// What every front end's folder has after what is its class's own.
fn finish_front(
    front: &mut Vec<(String, String)>,
    id: i64,
    domid: u32,
    hvm: bool,
    device: &Device,
    facts: &Facts,
) {
    if facts.protocol && !hvm {
        front.push(("protocol".to_owned(), "x86_64-abi".to_owned()));
    }
    let backend_id = ("backend-id".to_owned(), "0".to_owned());
    if facts.backend_first {
        front.insert(0, backend_id);
    } else {
        front.push(backend_id);
    }
    front.push(("state".to_owned(), "4".to_owned()));
    let class = match device.class.as_str() {
        "tap2" => "vbd",
        class => class,
    };
    let back = format!("/local/domain/0/backend/{class}/{domid}/{id}");
    front.push(("backend".to_owned(), back));
}

/// What will become of the device.
fn outcome(device: &Device) -> Hotplug {
    [device.get("uname"), device.get("bridge")]
        .into_iter()
        .flatten()
        .map(hotplug)
        .find(|outcome| *outcome != Hotplug::Connects)
        .unwrap_or(Hotplug::Connects)
}

type Details = (i64, Vec<(String, String)>, Vec<(String, String)>);

fn disk(device: &Device, facts: &Facts) -> Result<Details, Words> {
    let full = device.get("dev").unwrap_or_default();
    let name = full.strip_prefix("ioemu:").unwrap_or(full);
    let (dev, kind) = name.split_once(':').unwrap_or((name, "disk"));
    let uname = device.get("uname").unwrap_or_default();
    let (typ, params) = match uname.split_once(':') {
        Some(parts) => parts,
        None if uname.is_empty() && (kind == "cdrom" || !facts.uname_needed) => ("", ""),
        None => return Err("Block device must have physical details specified".to_owned()),
    };
    let known = matches!(typ, "" | "phy" | "file" | "tap" | "tap2");
    if !known {
        return Err(format!("Block device type \"{typ}\" is invalid."));
    }
    let mode = device.get("mode").unwrap_or("r");
    if !matches!(mode, "r" | "w" | "w!") {
        return Err("Invalid mode".to_owned());
    }
    let id =
        block_number(dev).ok_or_else(|| format!("Unable to find number for device ({dev})"))?;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut back = vec![
        pair("dev", dev),
        pair("type", if device.class == "tap2" { "tap" } else { typ }),
        pair("params", params),
        pair("mode", mode),
    ];
    for (name, stored) in [
        ("uuid", facts.inactive),
        ("bootable", facts.bootable_stored),
    ] {
        if let Some(value) = device.get(name).filter(|_| stored) {
            back.push(pair(name, value));
        }
    }
    let front = vec![
        pair("virtual-device", &id.to_string()),
        pair("device-type", kind),
    ];
    Ok((id, back, front))
}

fn interface(active: &mut Active, device: &Device, facts: &Facts) -> Details {
    let id = active.next_interface;
    active.next_interface += 1;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut back = Vec::new();
    for (name, value) in device.info.iter() {
        let Some(value) = value.as_atom() else {
            continue;
        };
        match name.as_str() {
            "script" if facts.script_path && !value.starts_with('/') => {
                back.push((name.clone(), format!("/etc/xen/scripts/{value}")));
            }
            "rate" if facts.rate_parsed => back.push((name.clone(), rate(value))),
            _ => back.push((name.clone(), value.to_owned())),
        }
    }
    if facts.interface_type && device.get("type").is_none() {
        back.push(pair("type", "netfront"));
    }
    let mut front = Vec::new();
    if device.get("type") != Some("ioemu") {
        front.push(pair("mac", device.get("mac").unwrap_or_default()));
        front.push(pair("handle", &id.to_string()));
    }
    (id, back, front)
}

/// `10MB/s@50ms` as bytes an interval and microseconds.
fn rate(text: &str) -> String {
    const UNLIMITED: &str = "4294967295,0";
    let read = || -> Option<String> {
        let (amount, window) = match text.split_once('@') {
            Some((amount, window)) => (amount, Some(window)),
            None => (text, None),
        };
        let amount = amount.strip_suffix("/s")?;
        let (amount, bits) = match amount.strip_suffix('B') {
            Some(amount) => (amount, false),
            None => (amount.strip_suffix('b')?, true),
        };
        let (amount, factor) = match amount.as_bytes().last()? {
            b'G' => (amount.strip_suffix('G')?, 1_000_000_000),
            b'M' => (amount.strip_suffix('M')?, 1_000_000),
            b'K' => (amount.strip_suffix('K')?, 1_000),
            _ => (amount, 1_u64),
        };
        let mut bytes = amount.parse::<u64>().ok()?.checked_mul(factor)?;
        if bits {
            bytes /= 8;
        }
        let micros = match window {
            None => 50_000,
            Some(window) => {
                let window = window.strip_suffix('s')?;
                if let Some(n) = window.strip_suffix('m') {
                    n.parse::<u64>().ok()?.checked_mul(1_000)?
                } else if let Some(n) = window.strip_suffix('u') {
                    n.parse().ok()?
                } else {
                    window.parse::<u64>().ok()?.checked_mul(1_000_000)?
                }
            }
        };
        let interval = bytes.checked_mul(micros)? / 1_000_000;
        let fits = |n: u64| n > 0 && n <= 0xffff_ffff;
        (fits(interval) && fits(micros)).then(|| format!("{interval},{micros}"))
    };
    read().unwrap_or_else(|| UNLIMITED.to_owned())
}
