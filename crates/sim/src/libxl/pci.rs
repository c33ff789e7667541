//! PCI devices: taken from the host's drivers for guests, given back, and listed; who has
//! one of those.

use super::Answer;
use super::config::number;
use super::device::{Json, pair};
use super::log::Wrong;
use crate::state::behaviour::Hotplug;
use crate::state::pci::{KEEPER, PciDevice};
use crate::state::{Active, SimHost, State, StoreDevice};
use serde_json::{Value, json};
use tokio::time::Instant;
use virtxen_libxl::Outcome;

/// The class of its back end.
const CLASS: &str = "pci";

/// Takes a device for guests.
pub(super) fn keep(host: &SimHost, config: &str) -> Answer {
    const FUNCTION: &str = "device_pci_assignable_add";
    changed(host, config, FUNCTION, |device| {
        let address = device.address;
        let failed = |_| Wrong::failed(format!("Couldn't bind device {address} to pciback!"));
        let Some(driver) = device.driver.filter(|it| *it != KEEPER) else {
            return Ok(());
        };
        device.unbind(driver).map_err(failed)?;
        device.is_noted = true;
        device.is_announced = true;
        device.bind(KEEPER).map_err(failed)
    })
}

/// Gives a device back to the driver that it was taken from.
pub(super) fn give_back(host: &SimHost, config: &str) -> Answer {
    const FUNCTION: &str = "device_pci_assignable_remove";
    changed(host, config, FUNCTION, |device| {
        if device.driver == Some(KEEPER) {
            let failed = |_| Wrong::failed("Couldn't unbind device!");
            device.unbind(KEEPER).map_err(failed)?;
            device.is_announced = false;
        }
        if device.is_noted {
            device.is_noted = false;
            device.probe();
        }
        Ok(())
    })
}

/// Devices that guests can have.
pub(super) fn kept(host: &SimHost) -> Outcome {
    let state = host.state();
    let kept = state.pci.iter().filter(|it| it.driver == Some(KEEPER));
    let config = |device: &PciDevice| function(device.address).to_string();
    Outcome::Devices {
        configs: kept.map(config).collect(),
    }
}

/// A device in a configuration.
pub(super) fn function(address: &str) -> Value {
    let part = |at, end| {
        let text = address.get(at..end).unwrap_or_default();
        u32::from_str_radix(text, 16).unwrap_or(0)
    };
    json!({ "domain": part(0, 4), "bus": part(5, 7), "dev": part(8, 10), "func": part(11, 12) })
}

/// Gives a guest a device that is kept for guests and that none has.
pub(super) fn plug(
    state: &State,
    domid: u32,
    json: &Json,
    at: Instant,
) -> Result<StoreDevice, Wrong> {
    let address = address(json);
    let mut guests = state.active_domains();
    let is_taken = guests.any(|active| active.devices.iter().any(|it| is(it, &address)));
    let is_it = |it: &PciDevice| it.address == address && it.driver == Some(KEEPER);
    let Some(place) = state.pci.iter().position(is_it).filter(|_| !is_taken) else {
        let line = format!("Domain {domid}:PCI device is not assignable");
        return Err(Wrong::failed(line));
    };
    Ok(StoreDevice {
        class: CLASS.to_owned(),
        id: i64::try_from(place).unwrap_or(0),
        uuid: String::new(),
        back: vec![
            pair("num_devs", "1"),
            pair("dev-0", address),
            pair("state-0", "4"),
        ],
        front: Vec::new(),
        connects: at,
        hotplug: Hotplug::Connects,
    })
}

/// Takes a device from a guest.
pub(super) fn unplug(active: &mut Active, json: &Json) {
    let address = address(json);
    active.devices.retain(|it| !is(it, &address));
}

fn is(device: &StoreDevice, address: &str) -> bool {
    device.class == CLASS && device.back("dev-0") == Some(address)
}

fn changed(
    host: &SimHost,
    config: &str,
    function: &str,
    change: impl FnOnce(&mut PciDevice) -> Result<(), Wrong>,
) -> Answer {
    let json: Json = serde_json::from_str(config).unwrap_or_default();
    let address = address(&json);
    let mut state = host.state();
    let device = state.pci.iter_mut().find(|it| it.address == address);
    let missing = || {
        let line = format!("Couldn't lstat /sys/bus/pci/devices/{address}");
        Wrong::failed(line)
    };
    let changed = device.ok_or_else(missing).and_then(change);
    changed.map_err(|wrong| wrong.in_call(function))?;
    Ok(Outcome::Done)
}

/// The address of a device in a configuration.
pub(super) fn address(json: &Json) -> String {
    let part = |name| number(json, name).unwrap_or(0);
    let (domain, bus, slot) = (part("domain"), part("bus"), part("dev"));
    format!("{domain:04x}:{bus:02x}:{slot:02x}.{:x}", part("func"))
}
