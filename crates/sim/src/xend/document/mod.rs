//! How XenD shows a domain: the `(domain …)` expression of each release.
//!
//! Reads the state and changes nothing. Up to 3.0.3 the expression has another
//! shape, in `early`.

mod device;
mod early;
mod transition;
mod vcpu;
mod writer;

pub(crate) use device::store_expression;
pub(crate) use vcpu::vcpu_info;
pub(crate) use writer::{Writer, float};

use crate::release::{Facts, Release};
use crate::state::{Active, Domain, Life, Reason};
use crate::xend::config::{Config, orders};

/// What the built kernel says of itself.
const NOTES: &[(&str, &str)] = &[
    (
        "FEATURES",
        "writable_page_tables|writable_descriptor_tables|auto_translated_physmap|supervisor_mode_kernel",
    ),
    ("VIRT_BASE", "18446744071562067968"),
    ("GUEST_VERSION", "2.6"),
    ("GUEST_OS", "linux"),
    ("HYPERCALL_PAGE", "18446744071564189696"),
    ("LOADER", "generic"),
    ("SUSPEND_CANCEL", "1"),
    ("ENTRY", "18446744071564165120"),
    ("XEN_VERSION", "xen-3.0"),
];

/// Writes a domain.
pub(crate) fn domain(out: &mut Writer, domain: &Domain, facts: &Facts) {
    if !facts.inactive {
        return early::domain(out, domain, facts);
    }
    if facts.release == Release::V3_0_4 {
        return transition::domain(out, domain, facts);
    }
    let config = &domain.config;
    out.open("domain");
    if let Some(active) = &domain.active {
        out.pair_number("domid", active.domid);
    }
    if facts.weight_first {
        out.pair_number("cpu_weight", config.weight);
        out.pair_number("cpu_cap", config.cap);
    }
    fields(out, config, facts);
    if !facts.dynamic_memory_shown {
        out.pair_number("maxmem", config.static_max);
        out.pair_number("memory", config.dynamic_max);
    }
    later_fields(out, domain, facts);
    out.open("image");
    image(out, domain, facts);
    out.close();
    out.pair_number("status", status(domain));
    if facts.dynamic_memory_shown {
        out.pair_number("memory_dynamic_min", config.dynamic_min);
        out.pair_number("memory_dynamic_max", config.static_max);
    }
    if let Some(active) = &domain.active {
        out.pair("state", &flags(active));
        channels(out, active, config);
    }
    for class in &orders(facts.release).classes {
        device::of_class(out, domain, class, facts);
    }
    out.close();
}

/// The pages of the domain's channels, as far as XenD knows them.
fn channels(out: &mut Writer, active: &Active, config: &Config) {
    if active.domid != 0 && active.pages_known {
        out.pair_number("store_mfn", if config.hvm { 260_095 } else { 128_178 });
        if !config.hvm {
            out.pair_number("console_mfn", 128_177);
        }
    }
}

/// XenD's number for what a domain does.
pub(crate) fn status(domain: &Domain) -> u8 {
    match domain.active.as_ref().map(|active| active.life) {
        None | Some(Life::Shutdown(_)) => 0,
        Some(Life::Paused) => 1,
        Some(Life::Running) => 2,
    }
}

/// The flags of `xm list`: running, blocked, paused, shutdown, crashed, dying.
pub(crate) fn flags(active: &Active) -> String {
    if !active.refreshed {
        return "------".to_owned();
    }
    match active.life {
        Life::Running if active.domid == 0 => "r-----",
        Life::Running => "-b----",
        Life::Paused if active.domid == 0 => "r-p---",
        Life::Paused => "--p---",
        Life::Shutdown(Reason::Crash) => "---sc-",
        Life::Shutdown(_) => "---s--",
    }
    .to_owned()
}

fn fields(out: &mut Writer, config: &Config, facts: &Facts) {
    for name in &orders(facts.release).fields {
        match *name {
            "vcpus" => out.pair_number(name, config.vcpus),
            "memory" => out.pair_number(name, config.dynamic_max),
            "maxmem" => out.pair_number(name, config.static_max),
            "localtime" => out.pair_number(name, 0),
            "cpus" if facts.cpus_shown && !config.cpus.is_empty() => {
                out.open(name);
                out.open_bare();
                for list in &config.cpus {
                    out.open_bare();
                    for cpu in list {
                        out.number(cpu);
                    }
                    out.close();
                }
                out.close();
                out.close();
            }
            "cpus" => {}
            "description" => {
                if let Some(text) = &config.description {
                    out.pair(name, text);
                }
            }
            _ => out.pair(name, word(config, name)),
        }
    }
}

fn word<'a>(config: &'a Config, name: &str) -> &'a str {
    match name {
        "uuid" => &config.uuid,
        "name" => &config.name,
        "on_poweroff" => &config.on_poweroff,
        "on_reboot" => &config.on_reboot,
        "on_crash" => &config.on_crash,
        "bootloader" => &config.bootloader,
        "bootloader_args" => &config.bootloader_args,
        "pool_name" => &config.pool,
        _ => "",
    }
}

/// The fields that XenD never gave a new name.
fn later_fields(out: &mut Writer, domain: &Domain, facts: &Facts) {
    let config = &domain.config;
    out.pair_number("shadow_memory", config.shadow_memory);
    if config.vcpu_avail_given {
        // A long of Python's is quoted.
        out.raw(&format!("(vcpu_avail '{}')", config.vcpu_avail));
    } else {
        out.pair_number("vcpu_avail", config.vcpu_avail);
    }
    if facts.weight_late {
        out.pair_number("cpu_weight", config.weight);
        out.pair_number("cpu_cap", config.cap);
    }
    run(out, domain);
}

/// What XenD keeps of a domain's starts, and what it last saw of its run; whether it
/// has seen any.
fn run(out: &mut Writer, domain: &Domain) -> bool {
    let config = &domain.config;
    out.pair("features", &config.features);
    out.pair("on_xend_start", &config.on_xend_start);
    out.pair("on_xend_stop", &config.on_xend_stop);
    if let Some(time) = config.start_time {
        out.pair("start_time", &float((time * 100.0).round() / 100.0));
    }
    let active = domain.active.as_ref().filter(|active| active.refreshed);
    if let Some(active) = active {
        let used = active.cpu_time().as_secs_f64();
        let vcpus = f64::from(u32::try_from(config.vcpus).unwrap_or(1));
        out.pair("cpu_time", &float(used * vcpus));
        out.pair_number("online_vcpus", active.online);
    }
    active.is_some()
}

fn image(out: &mut Writer, domain: &Domain, facts: &Facts) {
    let config = &domain.config;
    let kind = match &config.image_type {
        Some(kind) => kind.as_str(),
        None if config.hvm => "hvm",
        None => "linux",
    };
    out.open(kind);
    out.pair("kernel", &config.kernel);
    if !config.ramdisk.is_empty() {
        out.pair("ramdisk", &config.ramdisk);
    }
    if !config.args.is_empty() {
        out.pair("args", &config.args);
    }
    if facts.superpages {
        out.pair_node("superpages", &config.superpages);
    }
    for name in &orders(facts.release).platform {
        if let Some(value) = config.platform.get(*name) {
            out.pair_node(name, value);
        }
    }
    if config.notes && facts.release >= Release::V3_1 {
        notes(out, config.hvm);
    }
    out.close();
}

fn notes(out: &mut Writer, hvm: bool) {
    out.open("notes");
    if hvm {
        out.pair("SUSPEND_CANCEL", "1");
    } else {
        for (name, value) in NOTES {
            out.pair(name, value);
        }
    }
    out.close();
}
