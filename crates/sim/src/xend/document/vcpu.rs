//! The `vcpuinfo` of a domain.
//!
//! What a vcpu of an inactive domain is said to do is XenD's fiction.

use super::Writer;
use super::float;
use crate::release::Facts;
use crate::state::{CPUS, Domain, Life};

/// `(domain (domid …) (name …) (vcpu_count …) (vcpu …)…)`.
pub(crate) fn vcpu_info(out: &mut Writer, domain: &Domain, facts: &Facts) {
    let config = &domain.config;
    out.open("domain");
    match &domain.active {
        Some(active) => out.pair_number("domid", active.domid),
        None => out.raw("(domid 'None')"),
    }
    out.pair("name", &config.name);
    let shown = match &domain.active {
        Some(active) if !facts.inactive => active.online,
        _ => config.vcpus,
    };
    out.pair_number("vcpu_count", shown);
    for n in 0..config.vcpus {
        vcpu(out, domain, n);
    }
    out.close();
}

fn vcpu(out: &mut Writer, domain: &Domain, n: i64) {
    let index = usize::try_from(n).unwrap_or(0);
    out.open("vcpu");
    out.pair_number("number", n);
    let Some(active) = &domain.active else {
        let pinned = domain.config.cpus.get(index).cloned().unwrap_or_default();
        for name in ["online", "blocked", "running"] {
            out.pair_number(name, 0);
        }
        out.pair("cpu_time", "0.0");
        out.pair_number("cpu", -1);
        cpu_map(out, &pinned, 64);
        out.close();
        return;
    };
    let online = active.is_online(n);
    let runs = online && active.life == Life::Running;
    let control = active.domid == 0;
    out.pair_number("online", u8::from(online));
    out.pair_number("blocked", u8::from(runs && !control));
    out.pair_number("running", u8::from(runs && control));
    out.pair("cpu_time", &float(active.cpu_time().as_secs_f64()));
    let affinity = active.affinity.get(index).cloned().unwrap_or_default();
    out.pair_number("cpu", active.placed.get(index).copied().unwrap_or(n % CPUS));
    cpu_map(out, &affinity, CPUS);
    out.close();
}

fn cpu_map(out: &mut Writer, cpus: &[i64], all: i64) {
    out.open("cpumap");
    out.open_bare();
    if cpus.is_empty() {
        for cpu in 0..all {
            out.number(cpu);
        }
    } else {
        for cpu in cpus {
            out.number(cpu);
        }
    }
    out.close();
    out.close();
}
