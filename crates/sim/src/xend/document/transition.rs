//! A domain as 3.0.4 shows it, which stood between two shapes: XenD kept its
//! settings under new names and showed them under old ones, the image as it came.
//!
//! Follows XenD's source. Devices are as in later releases.

use virtxen_formats::sxpr::Sxpr;

use super::Writer;
use crate::release::Facts;
use crate::state::Domain;
use crate::xend::config::{Config, all_vcpus, orders};

/// Settings of every image.
const IMAGE: &[&str] = &[
    "root",
    "ip",
    "nographic",
    "vnc",
    "sdl",
    "vncdisplay",
    "vncunused",
    "vncpasswd",
];
/// Settings of fully virtualised images, shown unless they are empty or 0.
const HVM: &[&str] = &[
    "device_model",
    "display",
    "xauthority",
    "vncconsole",
    "pae",
    "apic",
    "acpi",
    "boot",
    "fda",
    "fdb",
    "isa",
    "keymap",
    "localtime",
    "serial",
    "stdvga",
    "soundhw",
    "usb",
    "usbdevice",
    "vcpus",
];
/// Those of them that are numbers to XenD.
const HVM_NUMBERS: &[&str] = &["vncconsole", "pae", "apic", "acpi", "stdvga", "vcpus"];

/// What XenD adds to the limit of a guest that has a device model, in MiB.
const VIDEO_MEMORY: i64 = 8;

/// Writes a domain.
pub(super) fn domain(out: &mut Writer, domain: &Domain, facts: &Facts) {
    let config = &domain.config;
    out.open("domain");
    if let Some(active) = &domain.active {
        out.pair_number("domid", active.domid);
    }
    let known = domain.active.as_ref().filter(|active| active.refreshed);
    let video = if config.hvm { VIDEO_MEMORY } else { 0 };
    // XenD never lowers the maximum to the limit of the hypervisor.
    let most = known.map_or(config.static_max, |active| {
        (active.limit + video).max(config.static_max)
    });
    for name in &orders(facts.release).fields {
        field(out, config, most, name);
    }
    older_fields(out, domain);
    if let Some(tree) = &config.image {
        out.open("image");
        image(out, config, tree);
        out.close();
    }
    out.pair_number("status", super::status(domain));
    let (least, most) = match &domain.active {
        Some(active) if active.refreshed => (active.memory, active.limit + video),
        _ => (config.dynamic_max, config.static_max),
    };
    out.pair_number("memory_dynamic_min", least);
    out.pair_number("memory_dynamic_max", most);
    if let Some(active) = &domain.active {
        out.pair("state", &super::flags(active));
        super::channels(out, active, config);
    }
    for class in &orders(facts.release).classes {
        super::device::of_class(out, domain, class, facts);
    }
    screen(out, domain);
    out.close();
}

/// Where the screen of a fully virtualised guest is, which its device model tells.
fn screen(out: &mut Writer, domain: &Domain) {
    let config = &domain.config;
    let vnc = config.image.as_ref().and_then(|image| image.value("vnc"));
    let shown = config.hvm && vnc.is_some_and(|value| value != "0");
    let active = domain.active.as_ref().filter(|active| active.refreshed);
    if let Some(active) = active.filter(|_| shown) {
        out.open("device");
        out.open("console");
        out.pair_number("vnc-port", 5900 + active.domid);
        out.close();
        out.close();
    }
}

fn field(out: &mut Writer, config: &Config, most: i64, name: &str) {
    match name {
        "vcpus" => out.pair_number(name, config.vcpus),
        "memory" => out.pair_number(name, config.dynamic_max),
        "maxmem" => out.pair_number(name, most),
        "cpus" => cpus(out, config),
        "localtime" => {
            let image = config.image.as_ref();
            let value = image.and_then(|image| image.value(name));
            if !config.is_control_domain() {
                let set = value.is_some_and(|value| value != "0" && !value.is_empty());
                out.pair_number(name, u8::from(set));
            }
        }
        _ => out.pair(name, super::word(config, name)),
    }
}

/// What XenD has no new name for.
fn older_fields(out: &mut Writer, domain: &Domain) {
    let config = &domain.config;
    out.pair_number("shadow_memory", config.shadow_memory);
    out.pair_number("vcpu_avail", all_vcpus(config.vcpus));
    out.pair_number("cpu_weight", config.weight);
    out.pair_number("cpu_cap", config.cap);
    if !super::run(out, domain) {
        out.pair_number("online_vcpus", config.online);
    }
    // The list stands in both of XenD's tables of names and is shown for each; the
    // second grows by one with every configuration that XenD reads.
    for _ in 0..config.listings {
        cpus(out, config);
    }
}

fn cpus(out: &mut Writer, config: &Config) {
    // Domain-0, which has no image, was never told where to run.
    let given = config.cpus.first().filter(|_| config.image.is_some());
    let Some(list) = given.filter(|list| !list.is_empty()) else {
        return;
    };
    out.open("cpus");
    out.open_bare();
    for cpu in list {
        out.number(cpu);
    }
    out.close();
    out.close();
}

fn image(out: &mut Writer, config: &Config, tree: &Sxpr) {
    out.open(tree.name().unwrap_or("linux"));
    out.pair("kernel", &config.kernel);
    if !config.ramdisk.is_empty() {
        out.pair("ramdisk", &config.ramdisk);
    }
    let mut args = tree.value("args").unwrap_or_default().to_owned();
    for (name, mark) in [("ip", "ip="), ("root", "root=")] {
        if let Some(value) = tree.value(name).filter(|_| !args.contains(mark)) {
            args.push_str(&format!(" {mark}{value}"));
        }
    }
    if !args.is_empty() {
        out.pair("args", &args);
    }
    for name in IMAGE {
        if let Some(value) = tree.value(name) {
            out.pair(name, value);
        }
    }
    for name in HVM {
        let value = tree.value(name).filter(|value| !value.is_empty());
        if let Some(value) = value.filter(|value| *value != "0" || !HVM_NUMBERS.contains(name)) {
            out.pair(name, value);
        }
    }
    out.close();
}
