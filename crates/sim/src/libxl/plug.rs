//! Devices that come and go while a guest runs: how they are found, and who has them then.
//! What a disk, an interface or a PCI device is made of is in `device` and `pci`.

use super::config::{number, text_of};
use super::create::{HOTPLUG_LIMIT, connected};
use super::device::{self, Json, is_disk};
use super::log::{FAIL, INVALID, NOT_FOUND, TIMED_OUT, Wrong};
use super::{Answer, find, pci};
use crate::state::behaviour;
use crate::state::{Key, Life, SimHost, State, StoreDevice, block_number};
use serde_json::Value;
use tokio::time::Instant;
use virtxen_libxl::{Device, Outcome};

/// The first Xen whose libxl keeps each PCI device that comes.
const PCI_KEPT: u8 = 15;

/// Adds a device and waits until it is connected.
pub(super) async fn attach(host: &SimHost, domid: u32, kind: Device, config: &str) -> Answer {
    let function = format!("device_{}_add", word(kind));
    let wrong = |wrong: Wrong| wrong.in_call(&function);
    let mut json = parse(config).map_err(wrong)?;
    let key = find(&host.state(), domid, &function)?;
    // Of keyboards it keeps no account.
    let mut is_kept = !matches!(kind, Device::Medium | Device::Keyboard);
    match kind {
        Device::Disk | Device::Nic => {
            let place = plug(host, key, kind, &mut json).map_err(wrong)?;
            if let Err(why) = connected(host, key).await {
                remove(&mut host.state(), key, kind, &place);
                return Err(wrong(why));
            }
        }
        Device::Medium => insert(host, key, &json).map_err(wrong)?,
        Device::Pci => {
            is_kept = keeps_pci(host, key);
            let mut state = host.state();
            let at = Instant::now() + state.timing.connect;
            let device = pci::plug(&state, domid, &json, at).map_err(wrong)?;
            if let Some(active) = state.get_mut(key).and_then(|it| it.active.as_mut()) {
                active.devices.push(device);
            }
        }
        Device::Keyboard => {
            let mut state = host.state();
            if let Some(active) = state.get_mut(key).and_then(|it| it.active.as_mut()) {
                device::plain(active, "vkbd", device::keyboard(&json));
            }
        }
        _ => {}
    }
    if is_kept {
        keep(&mut host.state(), key, kind, |devices| {
            devices.push(Value::Object(json.clone()));
        });
    }
    let text = Value::Object(json).to_string();
    Ok(Outcome::Answer { text })
}

/// Whether a PCI device that comes is kept in the configuration: before Xen 4.15 the first one,
/// with which the back end comes, is not.
fn keeps_pci(host: &SimHost, key: Key) -> bool {
    let state = host.state();
    let active = state.get(key).and_then(|it| it.active.as_ref());
    let has_some = active.is_some_and(|it| it.devices.iter().any(|it| it.class == "pci"));
    has_some || host.xen().minor >= PCI_KEPT
}

/// Takes a device away.
pub(super) async fn detach(
    host: &SimHost,
    domid: u32,
    kind: Device,
    config: &str,
    force: bool,
) -> Answer {
    let verb = if force { "destroy" } else { "remove" };
    let function = format!("device_{}_{verb}", word(kind));
    let wrong = |wrong: Wrong| wrong.in_call(&function);
    let json = parse(config).map_err(wrong)?;
    let key = find(&host.state(), domid, &function)?;
    let place = place_of(kind, &json);
    let (there, keeps) = {
        let state = host.state();
        let active = state.get(key).and_then(|it| it.active.as_ref());
        let devices = active.map_or(&[][..], |it| &it.devices);
        let device = devices.iter().find(|it| is_at(it, kind, &place));
        let keeps = device.is_some_and(|it| it.back("params").is_some_and(behaviour::never_closes));
        let runs = active.is_some_and(|it| it.life == Life::Running);
        (device.is_some(), keeps && runs && !force)
    };
    if matches!(kind, Device::Disk | Device::Nic) && !there {
        return Err(wrong(Wrong::new(
            NOT_FOUND,
            format!("Domain {domid}:device not found"),
        )));
    }
    if keeps {
        tokio::time::sleep(HOTPLUG_LIMIT).await;
        let line = format!("Domain {domid}:unable to remove device");
        return Err(wrong(Wrong::new(TIMED_OUT, line)));
    }
    let mut state = host.state();
    match kind {
        Device::Pci => pull_pci(&mut state, key, &json),
        _ => remove(&mut state, key, kind, &place),
    }
    Ok(Outcome::Done)
}

/// Takes a PCI device away, which no number names.
fn pull_pci(state: &mut State, key: Key, json: &Json) {
    if let Some(active) = state.get_mut(key).and_then(|it| it.active.as_mut()) {
        pci::unplug(active, json);
    }
    keep(state, key, Device::Pci, |devices| {
        let place = pci::address(json);
        devices.retain(|it| it.as_object().is_none_or(|it| pci::address(it) != place));
    });
}

fn parse(config: &str) -> Result<Json, Wrong> {
    let malformed = |_| Wrong::new(INVALID, "yajl error: parse error: invalid json");
    serde_json::from_str(config).map_err(malformed)
}

/// What names a device among those of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    id: Option<i64>,
    mac: Option<String>,
}

fn place_of(kind: Device, json: &Json) -> Place {
    let id = match kind {
        Device::Disk | Device::Medium => text_of(json, "vdev").and_then(block_number),
        _ => number(json, "devid").filter(|id| *id >= 0),
    };
    let mac = text_of(json, "mac").map(str::to_lowercase);
    Place { id, mac }
}

fn is_at(device: &StoreDevice, kind: Device, place: &Place) -> bool {
    let same_id = place.id.is_none_or(|id| device.id == id);
    match kind {
        Device::Disk | Device::Medium => is_disk(device) && place.id.is_some() && same_id,
        Device::Nic => {
            let mac = device.back("mac").map(str::to_lowercase);
            let same_mac = place.mac.is_none() || mac == place.mac;
            let named = place.id.is_some() || place.mac.is_some();
            device.class == "vif" && named && same_id && same_mac
        }
        Device::Keyboard => device.class == "vkbd" && place.id.is_some() && same_id,
        _ => false,
    }
}

fn plug(host: &SimHost, key: Key, kind: Device, json: &mut Json) -> Result<Place, Wrong> {
    let mut state = host.state();
    let at = Instant::now() + state.timing.connect;
    let mut entropy = state.entropy.clone();
    let active = state.get_mut(key).and_then(|it| it.active.as_mut());
    let Some(active) = active else {
        return Err(Wrong::failed("the domain was destroyed meanwhile"));
    };
    match kind {
        Device::Disk => device::disk(active, json, at)?,
        _ => device::nic(active, json, at, &mut entropy)?,
    }
    host.bury_devices(active);
    state.entropy = entropy;
    Ok(place_of(kind, json))
}

fn remove(state: &mut State, key: Key, kind: Device, place: &Place) {
    if let Some(active) = state.get_mut(key).and_then(|it| it.active.as_mut()) {
        active.devices.retain(|it| !is_at(it, kind, place));
    }
    keep(state, key, kind, |devices| {
        devices.retain(|it| it.as_object().is_none_or(|it| place_of(kind, it) != *place));
    });
}

/// Another medium in a drive.
fn insert(host: &SimHost, key: Key, json: &Json) -> Result<(), Wrong> {
    let place = place_of(Device::Disk, json);
    let path = text_of(json, "pdev_path").unwrap_or_default().to_owned();
    if !path.is_empty() && !behaviour::exists(&path) {
        let line = format!("failed to stat {path}: No such file or directory");
        return Err(Wrong::new(INVALID, line));
    }
    let mut state = host.state();
    let active = state.get_mut(key).and_then(|it| it.active.as_mut());
    let mut devices = active.into_iter().flat_map(|it| &mut it.devices);
    let drive = devices.find(|it| is_at(it, Device::Disk, &place));
    let Some(drive) = drive.filter(|it| it.back("device-type") == Some("cdrom")) else {
        return Err(Wrong::new(FAIL, "Virtual device not found"));
    };
    for (name, value) in &mut drive.back {
        if name == "params" {
            *value = if path.is_empty() {
                String::new()
            } else {
                format!("aio:{path}")
            };
        }
    }
    keep(&mut state, key, Device::Disk, |devices| {
        for device in devices {
            let same = device
                .as_object()
                .is_some_and(|it| place_of(Device::Disk, it) == place);
            if same {
                *device = Value::Object(json.clone());
            }
        }
    });
    Ok(())
}

/// Changes what libxl keeps of the devices of a kind.
fn keep(state: &mut State, key: Key, kind: Device, change: impl FnOnce(&mut Vec<Value>)) {
    let list = match kind {
        Device::Disk | Device::Medium => "disks",
        Device::Nic => "nics",
        Device::Pci => "pcidevs",
        Device::UsbController => "usbctrls",
        Device::UsbDevice => "usbdevs",
        Device::Keyboard => "vkbs",
        _ => "vfbs",
    };
    let active = state.get_mut(key).and_then(|it| it.active.as_mut());
    if let Some(kept) = active.and_then(|it| it.libxl.as_mut()) {
        kept.change(list, change);
    }
}

fn word(kind: Device) -> &'static str {
    match kind {
        Device::Disk => "disk",
        Device::Medium => "cdrom",
        Device::Nic => "nic",
        Device::Pci => "pci",
        Device::UsbController => "usbctrl",
        Device::UsbDevice => "usbdev",
        Device::Keyboard => "vkb",
        _ => "vfb",
    }
}
