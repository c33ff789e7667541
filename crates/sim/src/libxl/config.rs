//! What libxl is given of a guest, and what it keeps of it: `libxl_domain_config`.

use super::log::{INVALID, Wrong};
use crate::state::{Active, CPUS, Domain, Entropy};
use crate::xend::config::Config;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Most vcpus that a guest has here.
const VCPUS_MAX: i64 = 512;

/// What libxl keeps of a guest until it is gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// The configuration, as it was given and with what was added since.
    pub(crate) config: Map<String, Value>,
    /// libvirt's document.
    pub(crate) document: Option<String>,
    /// Kind of the guest: `pv`, `hvm`, `pvh`.
    pub(crate) kind: String,
}

impl Kept {
    /// A list of devices in the configuration.
    pub(super) fn devices(&self, list: &str) -> &[Value] {
        let devices = self.config.get(list).and_then(Value::as_array);
        devices.map_or(&[], Vec::as_slice)
    }

    /// Changes a list of devices in the configuration.
    pub(super) fn change(&mut self, list: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let devices = self.config.entry(list).or_insert_with(|| json!([]));
        if let Value::Array(devices) = devices {
            change(devices);
        }
    }
}

/// Reads a configuration: what the state of the host needs of it, and all of it.
///
/// # Errors
/// libxl's words.
pub(super) fn read(text: &str, entropy: &mut Entropy) -> Result<(Config, Kept), Wrong> {
    let malformed = || Wrong::new(INVALID, "yajl error: parse error: invalid json");
    let mut whole: Map<String, Value> = serde_json::from_str(text).map_err(|_| malformed())?;
    let info = section(&whole, "c_info");
    let build = section(&whole, "b_info");
    let kind = text_of(&info, "type").unwrap_or("invalid").to_owned();
    if !matches!(kind.as_str(), "pv" | "hvm" | "pvh") {
        return Err(Wrong::new(INVALID, "Invalid domain type (-1)"));
    }
    let mut config = Config::new();
    config.hvm = kind != "pv";
    config.name = text_of(&info, "name").unwrap_or_default().to_owned();
    if config.name.is_empty() {
        return Err(Wrong::new(INVALID, "Domain has no name"));
    }
    config.uuid = match text_of(&info, "uuid") {
        Some(uuid) => uuid.to_lowercase(),
        None => entropy.uuid(),
    };
    if let Some(Value::Object(info)) = whole.get_mut("c_info") {
        info.insert("uuid".to_owned(), json!(config.uuid));
    }
    config.vcpus = number(&build, "max_vcpus").unwrap_or(1);
    if !(1..=VCPUS_MAX).contains(&config.vcpus) {
        return Err(Wrong::new(INVALID, "Couldn't set max vcpu count"));
    }
    config.vcpu_avail = online(&build, config.vcpus);
    let memory = number(&build, "target_memkb").or(number(&build, "max_memkb"));
    let memory = memory.unwrap_or(32 * 1024);
    config.dynamic_max = memory / 1024;
    config.static_max = number(&build, "max_memkb").unwrap_or(memory) / 1024;
    config.cpus = affinity(&build, config.vcpus);
    let share = section(&build, "sched_params");
    config.weight = number(&share, "weight").filter(|it| *it > 0).unwrap_or(256);
    config.cap = number(&share, "cap").filter(|it| *it > 0).unwrap_or(0);
    boot(&mut config, &kind, &build);
    let kept = Kept {
        config: whole,
        document: None,
        kind,
    };
    Ok((config, kept))
}

/// What is started: at top level since Xen 4.10, before that with the kind.
fn boot(config: &mut Config, kind: &str, build: &Map<String, Value>) {
    let own = section(build, &format!("type.{kind}"));
    let word = |name: &str| {
        let text = text_of(build, name).or(text_of(&own, name));
        text.unwrap_or_default().to_owned()
    };
    config.kernel = word("kernel");
    config.ramdisk = word("ramdisk");
    config.args = word("cmdline");
    config.bootloader = word("bootloader");
}

/// The configuration of a running guest as libxl tells it: with what it has now.
pub(super) fn now(domain: &Domain, active: &Active) -> String {
    let mut whole = match &active.libxl {
        Some(kept) => kept.config.clone(),
        None => of_others(domain, active),
    };
    let config = &domain.config;
    let mut set = |part: &str, name: &str, value: Value| {
        let section = whole.entry(part).or_insert_with(|| json!({}));
        if let Value::Object(section) = section {
            section.insert(name.to_owned(), value);
        }
    };
    set("c_info", "name", json!(config.name));
    set("c_info", "uuid", json!(config.uuid));
    let kib = |mib: i64| json!(mib.saturating_mul(1024));
    set("b_info", "target_memkb", kib(active.memory));
    set("b_info", "max_memkb", kib(domain.config.static_max));
    let online: Vec<i64> = (0..config.vcpus)
        .filter(|vcpu| active.is_online(*vcpu))
        .collect();
    set("b_info", "avail_vcpus", json!(online));
    Value::Object(whole).to_string()
}

/// The configuration of a guest that was there when the host started.
fn of_others(domain: &Domain, active: &Active) -> Map<String, Value> {
    let config = &domain.config;
    let kind = if config.hvm { "hvm" } else { "pv" };
    let mut build = json!({ "max_vcpus": config.vcpus });
    if let Value::Object(build) = &mut build {
        if config.hvm {
            // `nomigrate=1` of xl, for which libvirt's XML has no word.
            build.insert("disable_migrate".to_owned(), json!(true));
        } else {
            build.insert("kernel".to_owned(), json!(config.kernel));
            build.insert("ramdisk".to_owned(), json!(config.ramdisk));
            build.insert("cmdline".to_owned(), json!(config.args));
        }
    }
    let (mut disks, mut nics, mut functions) = (Vec::new(), Vec::new(), Vec::new());
    for device in &active.devices {
        match device.class.as_str() {
            "vbd" => disks.push(json!({
                "pdev_path": device.back("params"),
                "vdev": device.back("dev"),
                "backend": "phy",
                "format": "raw",
                "readwrite": u8::from(device.back("mode") == Some("w")),
            })),
            "vif" => nics.push(json!({
                "devid": device.id,
                "mac": device.back("mac"),
                "bridge": device.back("bridge"),
                "nictype": "vif",
            })),
            "pci" => functions.extend(device.back("dev-0").map(super::pci::function)),
            _ => {}
        }
    }
    let whole = json!({
        "c_info": { "type": kind },
        "b_info": build,
        "disks": disks,
        "nics": nics,
        "pcidevs": functions,
        "on_reboot": "restart",
    });
    match whole {
        Value::Object(whole) => whole,
        _ => Map::new(),
    }
}

pub(super) fn section(of: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let section = of.get(name).and_then(Value::as_object);
    section.cloned().unwrap_or_default()
}

pub(super) fn text_of<'a>(of: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str().filter(|text| !text.is_empty())
}

pub(super) fn number(of: &Map<String, Value>, name: &str) -> Option<i64> {
    of.get(name)?.as_i64()
}

/// libxl writes `True` where it means it.
pub(super) fn flag(of: &Map<String, Value>, name: &str) -> bool {
    match of.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::String(text)) => text == "True",
        _ => false,
    }
}

/// The vcpus that are online at first, a bit each.
fn online(build: &Map<String, Value>, vcpus: i64) -> i64 {
    let all = || (0..vcpus).collect::<Vec<i64>>();
    let listed = build.get("avail_vcpus").and_then(Value::as_array);
    let listed = listed.map(|vcpus| vcpus.iter().filter_map(Value::as_i64).collect::<Vec<_>>());
    let listed = listed.filter(|vcpus| !vcpus.is_empty());
    let bits = listed.unwrap_or_else(all).into_iter();
    bits.filter(|vcpu| (0..63).contains(vcpu))
        .fold(0, |bits, vcpu| bits | 1 << vcpu)
}

/// Where each vcpu may run.
fn affinity(build: &Map<String, Value>, vcpus: i64) -> Vec<Vec<i64>> {
    let listed = places(build, "vcpu_hard_affinity");
    let count = usize::try_from(vcpus).unwrap_or(0);
    let of_vcpu = |place: usize| listed.get(place).cloned().unwrap_or_default();
    (0..count).map(of_vcpu).collect()
}

/// Where each vcpu should rather run, as far as that is said.
pub(super) fn soft_affinity(kept: &Kept) -> BTreeMap<u32, Vec<u32>> {
    let build = section(&kept.config, "b_info");
    let listed = places(&build, "vcpu_soft_affinity").into_iter();
    let cpus = |cpus: Vec<i64>| {
        let numbers = cpus.into_iter().filter_map(|cpu| u32::try_from(cpu).ok());
        numbers.filter(|cpu| i64::from(*cpu) < CPUS).collect()
    };
    (0..).zip(listed.map(cpus)).collect()
}

fn places(build: &Map<String, Value>, key: &str) -> Vec<Vec<i64>> {
    let listed = build.get(key).and_then(Value::as_array);
    let numbers = |set: &Value| {
        let set = set.as_array().map_or(&[][..], Vec::as_slice);
        set.iter().filter_map(Value::as_i64).collect()
    };
    listed.map_or(Vec::new(), |all| all.iter().map(numbers).collect())
}
