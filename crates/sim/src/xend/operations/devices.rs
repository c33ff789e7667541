//! Devices of domains: attach, detach, change, wait until they are connected.
//!
//! What the store says of a device is made here; how it is shown is not.

use tokio::time::Instant;
use virtxen_formats::sxpr::{EmptyAtom, Sxpr, write_reply};

use super::plug::plug;
use super::{number, text};
use crate::release::{Facts, Release};
use crate::state::behaviour::{self, Hotplug};
use crate::state::{Active, Key, SimHost, State, StoreDevice, block_number};
use crate::xend::config::{Config, Words, orders};
use crate::xend::dict::PyDict;
use crate::xend::document::store_expression;
use crate::xend::form::Form;
use crate::xend::python::repr;
use crate::xend::reply::Reply;

type Answer = Result<Reply, Words>;

pub(super) const DISKS: &[&str] = &["vbd", "tap", "tap2"];

/// Creates every device of a domain that is being built; their back ends connect
/// them then.
///
/// # Errors
/// XenD's words about a device that cannot be.
pub(crate) fn create_all(
    facts: &Facts,
    connects: Instant,
    active: &mut Active,
    config: &Config,
) -> Result<(), Words> {
    for uuid in config.devices.ordered() {
        if let Some(device) = config.devices.all.get(uuid.as_str()) {
            // Up to 3.0.2 the device model alone knows those of its guest.
            let model_only = config.hvm && facts.release < Release::V3_0_3;
            if device.class != "console" && !model_only {
                plug(facts, connects, active, config, device)?;
            }
        }
    }
    Ok(())
}

/// `op=wait_for_devices`: until every device is connected.
pub(super) async fn wait(host: &SimHost, key: Key) -> Answer {
    let devices: Vec<(String, i64)> = {
        let state = host.state();
        let classes = &orders(host.facts().release).classes;
        let Some(active) = state.get(key).and_then(|d| d.active.as_ref()) else {
            return Err("'NoneType' object has no attribute 'startswith'".to_owned());
        };
        classes
            .iter()
            .flat_map(|class| active.devices.iter().filter(|d| d.class == *class))
            .map(|device| (device.class.clone(), device.id))
            .collect()
    };
    for (class, id) in devices {
        let failed = wait_for(host, key, &class, id).await;
        if let Err((outcome, words)) = failed {
            let release = host.facts().release;
            let kept = match outcome {
                Hotplug::Never => release < Release::V3_0_4,
                _ => release == Release::V3_0_3,
            };
            if !kept {
                unplug(&mut host.state(), key, &class, id);
            }
            return Err(words);
        }
    }
    Ok(Reply::Accepted)
}

/// Waits for one device.
async fn wait_for(host: &SimHost, key: Key, class: &str, id: i64) -> Result<(), (Hotplug, Words)> {
    let found = host
        .state()
        .get(key)
        .and_then(|d| d.active.as_ref()?.device(class, id))
        .map(|device| (device.connects, device.hotplug, device.clone()));
    let Some((connects, outcome, device)) = found else {
        return Ok(());
    };
    if outcome == Hotplug::Never {
        tokio::time::sleep(host.facts().hotplug_limit).await;
    } else {
        tokio::time::sleep_until(connects).await;
    }
    let why = match outcome {
        Hotplug::Connects => return Ok(()),
        Hotplug::Fails if !host.facts().inactive => " Backend device not found.".to_owned(),
        Hotplug::Fails => format!(" {} failed; error detected.", script(&device)),
        Hotplug::Never => " Hotplug scripts not working.".to_owned(),
        Hotplug::Busy => {
            "\nDevice /dev/loop0 is mounted read-write in a guest domain,\nand so cannot be mounted now."
                .to_owned()
        }
    };
    let words = format!("Device {id} ({class}) could not be connected.{why}");
    Err((outcome, words))
}

fn script(device: &StoreDevice) -> String {
    match device.back("script") {
        Some(script) if script.starts_with('/') => script.to_owned(),
        Some(script) => format!("/etc/xen/scripts/{script}"),
        None => "/etc/xen/scripts/block".to_owned(),
    }
}

/// `op=device_create` with `config`.
pub(super) async fn create(host: &SimHost, key: Key, form: &Form) -> Answer {
    let node = expression(form)?;
    let class = node.name().unwrap_or_default().to_owned();
    let plugged = {
        let mut state = host.state();
        let facts = state.facts;
        check_pci(&class, &node, &facts)?;
        let Some(domain) = state.get(key) else {
            return Ok(Reply::Empty);
        };
        let mut config = domain.config.clone();
        let uuid = config.add_device(&node, &facts, &mut state.entropy)?;
        let Some(device) = config.devices.all.get(uuid.as_str()).cloned() else {
            return Ok(Reply::Empty);
        };
        let mut active = state.get(key).and_then(|d| d.active.clone());
        let mut id = None;
        if let Some(active) = &mut active {
            let connects = Instant::now() + state.timing.connect;
            let number = plug(&facts, connects, active, &config, &device)?;
            host.bury_devices(active);
            if let Some(device) = config.devices.all.get_mut(uuid.as_str()) {
                device.info.set("devid", Sxpr::atom(number.to_string()));
                if facts.attached_pci_hides {
                    device.lists.clear();
                }
            }
            id = Some(number);
        }
        if let Some(domain) = state.get_mut(key) {
            domain.config = config;
            domain.active = active;
        }
        id.map(|id| (id, uuid))
    };
    let Some((id, uuid)) = plugged else {
        if !host.facts().inactive_attach {
            return Err("%d format: a number is required, not NoneType".to_owned());
        }
        return Ok(Reply::Value(format!("({class} (dom 'None' id 'None'))")));
    };
    if let Err((_, words)) = wait_for(host, key, &class, id).await {
        unplug(&mut host.state(), key, &class, id);
        if let Some(domain) = host.state().get_mut(key) {
            domain.config.devices.remove(&uuid);
        }
        return Err(words);
    }
    let domid = super::domid(&host.state(), key).unwrap_or_default();
    Ok(Reply::Value(format!("({class} (dom {domid} id {id}))")))
}

/// `op=device_destroy` with `type`, `dev` and, later, `force` and `rm_cfg`.
pub(super) fn destroy(host: &SimHost, key: Key, form: &Form) -> Answer {
    let class = text(form, "type")?;
    let dev = text(form, "dev")?;
    let mut remove_config = host.facts().detach_config;
    if host.facts().detach_needs_all {
        number(form, "force")?;
        remove_config = number(form, "rm_cfg")? != 0;
    }
    let facts = *host.facts();
    let mut state = host.state();
    known_class(class, &facts)?;
    let id = device_number(&state, key, class, dev)?;
    let Some(domain) = state.get(key) else {
        return Ok(Reply::Empty);
    };
    if domain.active.is_none() && !facts.detach_config {
        return if facts.inactive_detach {
            Ok(Reply::Empty)
        } else {
            Err(format!("Device {dev} not connected"))
        };
    }
    if !facts.extended_disks && facts.device_words_number && id >= 1 << 28 {
        return Err("%d format: a number is required, not NoneType".to_owned());
    }
    let uuid = match &domain.active {
        Some(active) => match active.device(class, id) {
            Some(device) => device.uuid.clone(),
            None => {
                let shown = if facts.device_words_number {
                    id.to_string()
                } else {
                    dev.to_owned()
                };
                return Err(format!("Device {shown} not connected"));
            }
        },
        None => configured(&domain.config, class, id, dev)?,
    };
    if keeps_device(&state, key, &uuid) {
        return if facts.detach_waits {
            Err(format!(
                "Device {dev} ({class}) could not be disconnected. "
            ))
        } else {
            Ok(Reply::Empty)
        };
    }
    unplug(&mut state, key, class, id);
    if remove_config && let Some(domain) = state.get_mut(key) {
        domain.config.devices.remove(&uuid);
    }
    Ok(Reply::Empty)
}

/// Whether the back end of a device never lets go.
fn keeps_device(state: &State, key: Key, uuid: &str) -> bool {
    state
        .get(key)
        .and_then(|domain| domain.config.devices.all.get(uuid)?.get("uname"))
        .is_some_and(behaviour::never_closes)
}

/// The uuid of a device of an inactive domain.
fn configured(config: &Config, class: &str, id: i64, dev: &str) -> Result<String, Words> {
    if class == "vif" {
        let index = usize::try_from(id).unwrap_or(usize::MAX);
        return config
            .devices
            .interfaces
            .get(index)
            .cloned()
            .ok_or_else(|| "list index out of range".to_owned());
    }
    config
        .devices
        .in_order()
        .into_iter()
        .find(|device| {
            DISKS.contains(&device.class.as_str())
                && device.get("dev").and_then(block_number) == Some(id)
        })
        .and_then(|device| device.get("uuid").map(str::to_owned))
        .ok_or_else(|| format!("Device {dev} is not defined"))
}

/// `op=device_configure` with `config` and `dev`: another medium.
pub(super) fn configure(host: &SimHost, key: Key, form: &Form) -> Answer {
    let node = expression(form)?;
    let dev = text(form, "dev")?;
    let class = node.name().unwrap_or_default().to_owned();
    let facts = *host.facts();
    if facts.pci_configurable {
        check_pci(&class, &node, &facts)?;
    }
    known_class(&class, &facts)?;
    if let Some(words) = facts.configure_words {
        return Err(words.to_owned());
    }
    if !facts.configure_broken && !DISKS.contains(&class.as_str()) {
        return Err(format!("{class} devices may not be reconfigured"));
    }
    if facts.configure_broken {
        return Err(format!("Device {dev} not connected"));
    }
    let mut state = host.state();
    let id = device_number(&state, key, &class, dev)?;
    change_medium(&mut state, key, &class, id, &node).map(|()| Reply::Value("True".to_owned()))
}

fn change_medium(
    state: &mut State,
    key: Key,
    class: &str,
    id: i64,
    node: &Sxpr,
) -> Result<(), Words> {
    let refuse = || {
        let mut given: PyDict<Sxpr> = PyDict::default();
        for pair in node.rest() {
            if let Some([name, value]) = pair.as_list() {
                given.set(name.as_atom().unwrap_or_default(), value.clone());
            }
        }
        let shown: Vec<_> = given
            .iter()
            .map(|(name, value)| {
                let value = value.as_atom().unwrap_or_default();
                format!("{}: {}", repr(name), repr(value))
            })
            .collect();
        Err(format!(
            "Refusing to reconfigure device {class}:{id} to {{{}}}",
            shown.join(", ")
        ))
    };
    let Some(domain) = state.get_mut(key) else {
        return Ok(());
    };
    let Some(active) = &mut domain.active else {
        return refuse();
    };
    let Some(device) = active
        .devices
        .iter_mut()
        .find(|device| device.class == class && device.id == id)
    else {
        return Err(format!("Device {id} not connected"));
    };
    if device.front("device-type") != Some("cdrom") || device.back("mode") != Some("r") {
        return refuse();
    }
    let uname = node.value("uname").unwrap_or_default();
    let (kind, params) = uname.split_once(':').unwrap_or(("", ""));
    for (name, value) in &mut device.back {
        match name.as_str() {
            "type" => kind.clone_into(value),
            "params" => params.clone_into(value),
            _ => {}
        }
    }
    let uuid = device.uuid.clone();
    domain.config.update_device(&uuid, node);
    Ok(())
}

/// `op=devices` with `type`: what the store says of a class.
pub(super) fn list(host: &SimHost, key: Key, form: &Form) -> Answer {
    let class = text(form, "type")?;
    known_class(class, host.facts())?;
    let state = host.state();
    let shown = match state.get(key).and_then(|d| d.active.as_ref()) {
        Some(active) => {
            let disks = DISKS.contains(&class);
            store_expression(active.devices.iter().filter(|device| {
                device.class == class || disks && DISKS.contains(&device.class.as_str())
            }))
        }
        None => Sxpr::list(Vec::new()),
    };
    let empty = EmptyAtom::Quotes;
    Ok(Reply::Value(write_reply(&shown, empty)))
}

fn unplug(state: &mut State, key: Key, class: &str, id: i64) {
    if let Some(active) = state.get_mut(key).and_then(|d| d.active.as_mut()) {
        active
            .devices
            .retain(|device| device.class != class || device.id != id);
    }
}

fn known_class(class: &str, facts: &Facts) -> Result<(), Words> {
    if orders(facts.release).classes.contains(&class) {
        Ok(())
    } else {
        Err(format!("Unknown device type: {class}"))
    }
}

/// The number of a device that a request names.
fn device_number(state: &State, key: Key, class: &str, dev: &str) -> Result<i64, Words> {
    if let Ok(id) = dev.trim().parse() {
        return Ok(id);
    }
    let last = dev.rsplit('/').next().unwrap_or(dev);
    if let Ok(id) = last.parse() {
        return Ok(id);
    }
    if class == "vif" {
        let interfaces = state.get(key).map(|d| d.config.devices.in_order());
        let position = interfaces
            .unwrap_or_default()
            .into_iter()
            .filter(|d| d.class == "vif")
            .position(|d| {
                d.get("mac")
                    .is_some_and(|mac| mac.eq_ignore_ascii_case(dev))
            });
        return position
            .and_then(|n| i64::try_from(n).ok())
            .ok_or_else(|| format!("unknown devid {dev}"));
    }
    block_number(last).ok_or_else(|| format!("Device {dev} not connected"))
}

/// The host has no devices to give away.
fn check_pci(class: &str, node: &Sxpr, facts: &Facts) -> Result<(), Words> {
    let Some(words) = facts.no_pci_device else {
        return Ok(());
    };
    let Some(dev) = node.child("dev").filter(|_| class == "pci") else {
        return Ok(());
    };
    let hex = |name: &str| {
        let text = dev.value(name).unwrap_or("0");
        i64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or(0)
    };
    let device = format!(
        "{:04x}:{:02x}:{:02x}.{:x}",
        hex("domain"),
        hex("bus"),
        hex("slot"),
        hex("func")
    );
    Err(words.replace("%device", &device))
}

/// The `config` parameter as an expression.
pub(super) fn expression(form: &Form) -> Result<Sxpr, Words> {
    let config = text(form, "config")?;
    if config.is_empty() {
        return Err("object of type 'NoneType' has no len()".to_owned());
    }
    virtxen_formats::sxpr::read(config, virtxen_formats::sxpr::Limits::default())
        .map_err(|_| "Coercion to sxpr failed".to_owned())
}
