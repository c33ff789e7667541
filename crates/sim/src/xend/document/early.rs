//! A domain as releases up to 3.0.3 show it: few fields, the image as it came,
//! devices from the store only.

use super::Writer;
use super::writer::float;
use crate::release::{Facts, Release};
use crate::state::{Active, Domain, Life, Reason, StoreDevice};
use crate::xend::config::orders;

/// Writes a domain.
pub(super) fn domain(out: &mut Writer, domain: &Domain, facts: &Facts) {
    let config = &domain.config;
    let Some(active) = &domain.active else {
        return;
    };
    let first = facts.release < Release::V3_0_3;
    out.open("domain");
    out.pair_number("domid", active.domid);
    out.pair("uuid", &config.uuid);
    if first {
        out.pair_number("ssidref", 0);
    }
    out.pair_number("vcpus", config.vcpus);
    out.pair_number("vcpu_avail", config.vcpu_avail);
    out.pair("cpu_weight", "1.0");
    out.pair_number("memory", config.dynamic_max);
    if !first {
        out.pair_number("shadow_memory", config.shadow_memory);
    }
    out.pair_number("maxmem", config.static_max);
    for (name, value) in [
        ("bootloader", &config.bootloader),
        ("bootloader_args", &config.bootloader_args),
    ] {
        if !value.is_empty() {
            out.pair(name, value);
        }
    }
    if !first {
        out.pair("features", &config.features);
    }
    out.pair("name", &config.name);
    out.pair("on_poweroff", &config.on_poweroff);
    out.pair("on_reboot", &config.on_reboot);
    out.pair("on_crash", &config.on_crash);
    if let Some(image) = &config.image {
        out.pair_node("image", image);
    }
    for class in &orders(facts.release).classes {
        for device in active.devices.iter().filter(|d| d.class == *class) {
            out.open("device");
            stored(out, device, facts);
            out.close();
        }
    }
    life(out, domain, active);
    out.close();
}

fn life(out: &mut Writer, domain: &Domain, active: &Active) {
    let config = &domain.config;
    if active.refreshed {
        out.pair("state", &super::flags(active));
        out.pair("shutdown_reason", reason(active));
        let used = active.cpu_time().as_secs_f64();
        let vcpus = f64::from(u32::try_from(config.vcpus).unwrap_or(1));
        out.pair("cpu_time", &float(used * vcpus));
    } else {
        out.pair("state", "??????");
    }
    let online = if active.refreshed && !active.created.elapsed().is_zero() {
        active.online
    } else {
        // What is not to be used is taken down only after the creation.
        config.vcpus
    };
    out.pair_number("online_vcpus", online);
    if let Some(start) = config.start_time {
        out.pair("up_time", &float(active.created.elapsed().as_secs_f64()));
        out.pair("start_time", &float((start * 100.0).round() / 100.0));
    }
    if active.domid != 0 && active.pages_known {
        out.pair_number("store_mfn", if config.hvm { 260_095 } else { 128_178 });
        if !config.hvm {
            out.pair_number("console_mfn", 128_177);
        }
    }
}

/// Why the domain shut down; one that did not has the first reason.
fn reason(active: &Active) -> &'static str {
    match active.life {
        Life::Shutdown(Reason::Crash) => "crash",
        Life::Shutdown(Reason::Reboot) => "reboot",
        _ => "poweroff",
    }
}

fn stored(out: &mut Writer, device: &StoreDevice, facts: &Facts) {
    let first = facts.release < Release::V3_0_3;
    let back = |name: &str| device.back(name).filter(|value| !value.is_empty());
    out.open(&device.class);
    out.pair_number("backend", 0);
    if device.class == "vif" {
        for name in ["script", "ip", "bridge", "mac", "type", "vifname", "rate"] {
            match (name, back(name)) {
                (_, None) => {}
                ("ip", Some(list)) => addresses(out, list, first),
                ("rate", Some(_)) if first => {}
                ("rate", Some(rate)) if !rate.contains('@') => {
                    out.pair(name, &format!("{rate}@50ms"));
                }
                (_, Some(value)) => out.pair(name, value),
            }
        }
    } else {
        if let Some(dev) = back("dev") {
            match device.front("device-type").filter(|_| !first) {
                Some(kind) => out.pair("dev", &format!("{dev}:{kind}")),
                None => out.pair("dev", dev),
            }
        }
        if let (Some(kind), Some(params)) = (back("type"), back("params")) {
            out.pair("uname", &format!("{kind}:{params}"));
        }
        if let Some(mode) = back("mode") {
            out.pair("mode", mode);
        }
    }
    out.close();
}

/// Addresses: a list inside up to 3.0.2, an entry each in 3.0.3.
fn addresses(out: &mut Writer, list: &str, first: bool) {
    if !first {
        return list.split(' ').for_each(|address| out.pair("ip", address));
    }
    out.open("ip");
    out.open_bare();
    list.split(' ').for_each(|address| out.atom(address));
    out.close();
    out.close();
}
