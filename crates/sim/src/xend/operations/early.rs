//! Operations that releases up to 3.0.3 did in their own way.
//!
//! What is not here they do as later ones. `None` says so.

use virtxen_formats::sxpr::{EmptyAtom, Sxpr, write_reply};

use super::{domid, number, text};
use crate::release::{Facts, Release};
use crate::state::{CPUS, Key, Life, SimHost, State, StoreDevice};
use crate::xend::config::{Config, Words, int_of, orders};
use crate::xend::form::Form;
use crate::xend::reply::Reply;

type Answer = Result<Reply, Words>;

const INVALID: &str = "(22, 'Invalid argument')";
const NO_SUCH: &str = "(3, 'No such process')";

/// An operation as the release does it, if it has a way of its own.
pub(super) fn post(host: &SimHost, key: Key, op: &str, form: &Form) -> Option<Answer> {
    let first = host.facts().release < Release::V3_0_3;
    let control = domid(&host.state(), key) == Some(0);
    Some(match op {
        "pause" | "unpause" if control && first => pause_control(host, key, op == "pause"),
        "pincpu" => pin(host, key, form, first),
        "maxmem_set" => set_maximum(host, key, form),
        "mem_target_set" => set_target(host, key, form, first),
        "domain_sched_credit_set" if !first => set_weight(host, key, form),
        "domain_sched_credit_get" if !first => get_weight(host, key),
        "cpu_sedf_get" => sedf(host, key, first),
        "cpu_bvt_set" if first => bvt(form),
        "device_configure" => configure(form, first),
        "device_create" => return attach_words(host, key, form, first).map(Err),
        "device_destroy" => return unknown_class(host, form.get("type")?).map(Err),
        "devices" => devices(host, key, form),
        _ => return None,
    })
}

/// 3.0.3 takes the list of cpus for a text and so finds none that there is.
fn pin(host: &SimHost, key: Key, form: &Form, first: bool) -> Answer {
    let vcpu = text(form, "vcpu")?;
    let map = text(form, "cpumap")?.replace(['[', ']'], "");
    let mut state = host.state();
    let Some(domain) = state.get_mut(key) else {
        return Ok(Reply::Empty);
    };
    if !first && vcpu == "all" {
        return Err(INVALID.to_owned());
    }
    let vcpu = int_of(vcpu)?;
    let cpus: Vec<i64> = if first {
        map.split(',').map(int_of).collect::<Result<_, _>>()?
    } else {
        Vec::new()
    };
    if !(0..domain.config.vcpus).contains(&vcpu) {
        return Err(NO_SUCH.to_owned());
    }
    let cpus: Vec<i64> = cpus
        .into_iter()
        .filter(|cpu| (0..CPUS).contains(cpu))
        .collect();
    if cpus.is_empty() {
        return Err(INVALID.to_owned());
    }
    let active = domain.active.as_mut();
    let index = usize::try_from(vcpu).unwrap_or(usize::MAX);
    if let Some(list) = active.and_then(|active| active.affinity.get_mut(index)) {
        list.clone_from(&cpus);
    }
    let active = domain.active.as_mut();
    if let Some(place) = active.and_then(|active| active.placed.get_mut(index)) {
        *place = cpus.first().copied().unwrap_or_default();
    }
    Ok(Reply::Value("0".to_owned()))
}

/// A saved domain cannot come back while another has its name.
pub(super) fn may_restore(state: &State, name: &str) -> Result<(), Words> {
    let taken = state.by_name(name).and_then(|key| domid(state, key));
    match taken {
        None => Ok(()),
        Some(domid) if state.facts.release < Release::V3_0_3 => {
            Err(format!("VM name '{name}' already in use by domain {domid}"))
        }
        Some(_) => Err("Restore failed".to_owned()),
    }
}

/// Domain-0 is not guarded yet; it shows as paused and goes on.
fn pause_control(host: &SimHost, key: Key, pause: bool) -> Answer {
    let mut state = host.state();
    if let Some(active) = state.get_mut(key).and_then(|domain| domain.active.as_mut()) {
        active.set_life(if pause { Life::Paused } else { Life::Running });
    }
    Ok(Reply::Empty)
}

/// The limit is the hypervisor's: XenD shows what it was told at the creation.
fn set_maximum(host: &SimHost, key: Key, form: &Form) -> Answer {
    let limit = number(form, "memory")?;
    if limit < 0 {
        return Err(INVALID.to_owned());
    }
    let mut state = host.state();
    if let Some(active) = state.get_mut(key).and_then(|it| it.active.as_mut()) {
        active.limit = limit;
    }
    Ok(Reply::Value("0".to_owned()))
}

/// A target above the limit lifts the limit that is shown, for good.
fn set_target(host: &SimHost, key: Key, form: &Form, first: bool) -> Answer {
    let target = number(form, "target")?;
    if target <= 0 && !first {
        return Err("Invalid memory size".to_owned());
    }
    let mut state = host.state();
    let free = state.free_memory();
    if let Some(domain) = state.get_mut(key) {
        domain.config.dynamic_min = target;
        domain.config.dynamic_max = target;
        domain.config.static_max = domain.config.static_max.max(target);
        // The guest gets no more than there is.
        let held = domain.active.as_ref().map_or(0, |active| active.memory);
        state.set_memory(key, target.clamp(0, held + free));
    }
    Ok(Reply::Empty)
}

fn set_weight(host: &SimHost, key: Key, form: &Form) -> Answer {
    let weight = number(form, "weight")?;
    if !(1..=65_535).contains(&weight) {
        return Err("weight is out of range".to_owned());
    }
    if let Some(domain) = host.state().get_mut(key) {
        domain.config.weight = weight;
    }
    Ok(Reply::Value("0".to_owned()))
}

fn get_weight(host: &SimHost, key: Key) -> Answer {
    let weight = host.state().get(key).map_or(256, |d| d.config.weight);
    Ok(Reply::Value(format!(
        "\"{{'cap': 0, 'weight': {weight}}}\""
    )))
}

/// A Python dictionary as text up to 3.0.2.
fn sedf(host: &SimHost, key: Key, first: bool) -> Answer {
    let state = host.state();
    let domain = state.get(key).and_then(|domain| domain.active.as_ref());
    let domid = domain.map_or(0, |active| active.domid);
    let schedule = domain.map(|active| active.schedule).unwrap_or_default();
    let [period, slice, latency] = schedule.sedf;
    let (extra, weight) = schedule.extra;
    let extra = u8::from(extra);
    Ok(Reply::Value(if first {
        format!(
            "\"{{'latency': {latency}, 'domain': {domid}, 'slice': {slice}, 'weight': {weight}, \
             'period': {period}, 'extratime': {extra}}}\""
        )
    } else {
        format!(
            "(sedf (domain {domid}) (period {period}) (slice {slice}) (latency {latency}) \
             (extratime {extra}) (weight {weight}))"
        )
    }))
}

fn bvt(form: &Form) -> Answer {
    for name in ["mcuadv", "warpback", "warpvalue", "warpl", "warpu"] {
        number(form, name)?;
    }
    Ok(Reply::Value("0".to_owned()))
}

fn configure(form: &Form, first: bool) -> Answer {
    let node = super::devices::expression(form)?;
    text(form, "dev")?;
    Err(if first {
        let class = node.name().unwrap_or_default();
        format!("{class} devices may not be reconfigured")
    } else {
        "device_configure() takes exactly 2 arguments (3 given)".to_owned()
    })
}

/// Why a device cannot be attached, where the words are not those of later releases.
fn attach_words(host: &SimHost, key: Key, form: &Form, first: bool) -> Option<Words> {
    let node = super::devices::expression(form).ok()?;
    let class = node.name().unwrap_or_default();
    if let Some(words) = unknown_class(host, class) {
        return Some(words);
    }
    let emulated = first && is_hvm(host, key);
    match class {
        "vif" if emulated => {
            Some("Device 0 (vif) could not be connected. Device not found.".to_owned())
        }
        "pci" if first => Some("pci: Invalid config setting bus: None".to_owned()),
        "pci" => Some(missing_pci(&node)),
        "vbd" | "tap" => wrong_disk(&node, first),
        _ => None,
    }
}

fn is_hvm(host: &SimHost, key: Key) -> bool {
    host.state()
        .get(key)
        .is_some_and(|domain| domain.config.hvm)
}

/// Disks that cannot be made, found while the domain is built.
pub(super) fn check_disks(config: &Config, facts: &Facts) -> Result<(), Words> {
    let first = facts.release < Release::V3_0_3;
    let mut disks = config.devices.in_order().into_iter();
    disks
        .find_map(|device| match device.class.as_str() {
            "vbd" | "tap" => wrong_disk(&device.expression(), first),
            _ => None,
        })
        .map_or(Ok(()), Err)
}

fn wrong_disk(node: &Sxpr, first: bool) -> Option<Words> {
    let dev = node.value("dev").unwrap_or_default();
    let full = dev.trim_start_matches("ioemu:");
    let (name, kind) = full.split_once(':').unwrap_or((full, ""));
    if !first && node.value("uname").unwrap_or_default().is_empty() && kind != "cdrom" {
        return Some("Block device must have physical details specified".to_owned());
    }
    if first && !kind.is_empty() {
        return Some(format!("invalid literal for int() with base 10: ':{kind}'"));
    }
    if first && node.value("uname").is_none() {
        return Some("'NoneType' object has no attribute 'split'".to_owned());
    }
    let number = crate::state::block_number(name);
    // XenD goes on with no number at all.
    let words = "%d format: a number is required, not NoneType";
    number.is_none().then(|| words.to_owned())
}

fn missing_pci(node: &Sxpr) -> Words {
    let hex = |name: &str| {
        let text = node.child("dev").and_then(|dev| dev.value(name));
        let digits = text.unwrap_or("0").trim_start_matches("0x");
        i64::from_str_radix(digits, 16).unwrap_or(0)
    };
    format!(
        "pci: failed to locate device and parse it's resources - Error Parsing PCI Device Info: \
         Failed to open & read /sys/bus/pci/devices/{:04x}:{:02x}:{:02x}.{:x}/resource: No such \
         file or directory (2)",
        hex("domain"),
        hex("bus"),
        hex("slot"),
        hex("func")
    )
}

fn unknown_class(host: &SimHost, class: &str) -> Option<Words> {
    let known = orders(host.facts().release).classes.contains(&class);
    (!known).then(|| format!("unknown device type: {class}"))
}

/// What the store says of a class, in the order in which XenD wrote it.
fn devices(host: &SimHost, key: Key, form: &Form) -> Answer {
    let class = text(form, "type")?;
    if let Some(words) = unknown_class(host, class) {
        return Err(words);
    }
    let order: &[&str] = match (class, host.facts().release) {
        ("vif", _) => &["backend-id", "mac", "handle", "state", "backend"],
        (_, Release::V3_0_1) => &["virtual-device", "backend-id", "state", "backend"],
        _ => &[
            "backend-id",
            "virtual-device",
            "device-type",
            "state",
            "backend",
        ],
    };
    let disk = |class: &str| matches!(class, "vbd" | "tap");
    let state = host.state();
    let active = state.get(key).and_then(|domain| domain.active.as_ref());
    let entries = active
        .map(|active| active.devices.as_slice())
        .unwrap_or_default()
        .iter()
        .filter(|device| device.class == class || disk(class) && disk(&device.class))
        .map(|device| store_entry(device, order))
        .collect();
    let shown = write_reply(&Sxpr::list(entries), EmptyAtom::Nothing);
    Ok(Reply::Value(shown))
}

fn store_entry(device: &StoreDevice, order: &[&str]) -> Sxpr {
    let values = order
        .iter()
        .filter_map(|name| Some(Sxpr::pair(name, device.front(name)?)))
        .collect();
    Sxpr::list(vec![Sxpr::atom(device.id.to_string()), Sxpr::list(values)])
}
