//! Virtual processors: `max_vcpus`, `avail_vcpus`, `vcpu_hard_affinity`,
//! `vcpu_soft_affinity`, `sched_params`, and what they look like: `nested_hvm`, `cpuid`.
//!
//! Names of processor features are in `cpuid`, NUMA nodes in `numa`.

use super::cpuid;
use super::guest::Parts;
use super::numa;
use super::section::bits;
use super::write::Writer;
use crate::convert::Notes;
use serde_json::Value;
use virtxen_guest::{
    Cpu, CpuFeature, CpuMode, CpuSet, FeaturePolicy, Guest, Placement, VcpuPin, Vcpus,
};

/// Most vcpus; no Xen has more.
const MOST_VCPUS: u32 = 4096;

/// Processors that a vcpu without a place of its own may run on, where it is not known
/// how many there are. libxl takes of a set what the host has, but no empty set.
const ANYWHERE: u32 = 1024;

/// Weight that the credit schedulers give when nobody asks.
const NORMAL_WEIGHT: i64 = 256;

/// Features that make nested guests possible, Intel's and AMD's.
pub(super) const NESTING: &[&str] = &["vmx", "svm"];

/// Writes the processors.
pub(super) fn write(writer: &mut Writer<'_>) {
    let Vcpus {
        max,
        current,
        placement,
        ..
    } = &writer.guest.vcpus;
    let online = current.unwrap_or(*max).min(*max);
    if *max > MOST_VCPUS {
        let reason = format!("no Xen has more than {MOST_VCPUS} of them");
        writer.notes.essential("/domain/vcpu", reason);
    }
    writer.build.set("max_vcpus", *max);
    let online: Vec<u32> = (0..online.min(MOST_VCPUS)).collect();
    writer.build.set("avail_vcpus", online);
    if *placement == Placement::Auto {
        let reason = "libxl places vcpus itself where they have no place";
        writer.notes.setting("/domain/vcpu/@placement", reason);
    }
    write_places(writer);
    write_weight(writer);
    write_looks(writer);
}

fn write_places(writer: &mut Writer<'_>) {
    let guest = writer.guest;
    let tune = &guest.cpu_tune;
    let hard = places(
        writer,
        "vcpupin",
        &tune.vcpu_pins,
        guest.vcpus.cpuset.as_ref(),
    );
    let soft = places(writer, "vcpusoftpin", &tune.soft_pins, None);
    if hard.is_empty() && soft.is_empty() {
        return;
    }
    for (key, places) in [("vcpu_hard_affinity", hard), ("vcpu_soft_affinity", soft)] {
        if !places.is_empty() {
            writer.build.set(key, places);
        }
    }
    // It would move the guest's memory away from where its vcpus have to run.
    writer.build.flag("numa_placement", false);
}

/// A set for each vcpu up to the last one that has its own, for all where they have one in
/// common.
fn places(
    writer: &mut Writer<'_>,
    element: &str,
    pins: &[VcpuPin],
    common: Option<&CpuSet>,
) -> Vec<Value> {
    let max = writer.guest.vcpus.max.min(MOST_VCPUS);
    for pin in pins.iter().filter(|pin| pin.vcpu >= max) {
        let path = format!("/domain/cputune/{element}[@vcpu='{}']", pin.vcpu);
        writer.notes.setting(path, "the guest has no such vcpu");
    }
    let highest = pins.iter().map(|pin| pin.vcpu).filter(|vcpu| *vcpu < max);
    let count = match common {
        Some(_) => max,
        None => highest.max().map_or(0, |vcpu| vcpu + 1),
    };
    let anywhere = writer.target.cpus.unwrap_or(ANYWHERE);
    let place = |vcpu: u32| {
        let pin = pins.iter().find(|pin| pin.vcpu == vcpu);
        match pin.map(|pin| &pin.cpus).or(common) {
            Some(cpus) => Value::from(cpus.iter().collect::<Vec<_>>()),
            None => Value::from((0..anywhere).collect::<Vec<_>>()),
        }
    };
    (0..count).map(place).collect()
}

fn write_weight(writer: &mut Writer<'_>) {
    let tune = &writer.guest.cpu_tune;
    match tune.shares.map(i32::try_from) {
        Some(Ok(weight)) => {
            let mut sched = writer.out("domain_sched_params");
            sched.set("weight", weight);
            writer.build.set("sched_params", sched.into_value());
        }
        Some(Err(_)) => {
            let path = "/domain/cputune/shares";
            writer.notes.setting(path, "no weight is that high");
        }
        None => {}
    }
    let reason = "libxl does not know it";
    writer.notes.kept("/domain/cputune", &tune.kept, reason);
}

fn write_looks(writer: &mut Writer<'_>) {
    let Some(cpu) = &writer.guest.cpu else { return };
    let notes = &mut writer.notes;
    for (name, said) in [
        ("model", cpu.model.is_some()),
        ("vendor", cpu.vendor.is_some()),
        ("topology", cpu.topology.is_some()),
    ] {
        if said {
            notes.setting(format!("/domain/cpu/{name}"), "libxl does not know it");
        }
    }
    notes.kept("/domain/cpu", &cpu.kept, "libxl does not know it");
    match cpu.mode {
        Some(CpuMode::HostPassthrough) => {}
        // libvirt's document of NUMA nodes alone.
        None if cpu.features.is_empty() && cpu.model.is_none() => return,
        mode => {
            let mode = mode.unwrap_or(CpuMode::Custom);
            let reason = format!("libxl knows host-passthrough, not {mode}");
            notes.setting("/domain/cpu/@mode", reason);
            return;
        }
    }
    if writer.kind == virtxen_guest::OsType::Xen {
        if !cpu.features.is_empty() {
            let reason = "the processor of a paravirtualized guest is as it is";
            notes.setting("/domain/cpu/feature", reason);
        }
        return;
    }
    let nests = |feature: &&CpuFeature| NESTING.contains(&feature.name.as_str());
    let mut nested = writer.target.nested_hvm;
    let place = "/domain/cpu/feature[@name='vmx']";
    let said = cpu.features.iter().filter(nests);
    let mut off = false;
    for feature in said {
        match feature.policy {
            Some(FeaturePolicy::Disable | FeaturePolicy::Forbid) => off = true,
            Some(FeaturePolicy::Optional) => {}
            None | Some(FeaturePolicy::Force | FeaturePolicy::Require) => nested = true,
        }
    }
    writer.moved("nested_hvm", super::write::flag(nested && !off), place);
    cpuid::write(&cpu.features, writer);
}

/// Reads the processors.
pub(super) fn read(parts: &mut Parts<'_, '_>, guest: &mut Guest, notes: &mut Notes) {
    let max = parts.build.count("max_vcpus", notes).unwrap_or(1).max(1);
    let online = parts.build.bits("avail_vcpus", notes);
    let count = u32::try_from(online.len()).unwrap_or(max);
    if (0..).zip(&online).any(|(place, vcpu)| place != *vcpu) {
        let reason = "a document has no holes among the vcpus that are online";
        notes.essential(parts.build.place("avail_vcpus"), reason);
    }
    guest.vcpus = Vcpus {
        max,
        current: (count > 0 && count < max).then_some(count),
        ..Vcpus::default()
    };
    read_places(parts, guest, notes);
    let mut sched = parts.build.section("sched_params", notes);
    let weight = sched.number("weight", notes);
    let weight = weight.and_then(|weight| i64::try_from(weight).ok());
    let weight = weight.filter(|weight| *weight > 0 && *weight != NORMAL_WEIGHT);
    guest.cpu_tune.shares = weight.and_then(|weight| u64::try_from(weight).ok());
    sched.finish(notes);
    let mut cpu = Cpu::default();
    let nested = parts.place_of("nested_hvm").flag("nested_hvm", notes);
    if let Some(nested) = nested.filter(|_| parts.kind != virtxen_guest::OsType::Xen) {
        cpu.mode = Some(CpuMode::HostPassthrough);
        cpu.features.push(CpuFeature {
            name: "vmx".to_owned(),
            policy: Some(match nested {
                true => FeaturePolicy::Require,
                false => FeaturePolicy::Disable,
            }),
        });
    }
    let features = cpuid::read(parts.build, notes);
    if !features.is_empty() {
        cpu.mode = Some(CpuMode::HostPassthrough);
        let forced =
            |it: &CpuFeature| it.name == cpuid::STAYS && it.policy == Some(FeaturePolicy::Force);
        if features.iter().any(forced) {
            // It follows from the feature.
            parts.build.flag("disable_migrate", notes);
        }
        cpu.features.extend(features);
    }
    cpu.numa = numa::read(parts.build, notes);
    guest.cpu = (cpu != Cpu::default()).then_some(cpu);
}

fn read_places(parts: &mut Parts<'_, '_>, guest: &mut Guest, notes: &mut Notes) {
    guest.cpu_tune.soft_pins = read_pins("vcpu_soft_affinity", parts, notes);
    let pins = read_pins("vcpu_hard_affinity", parts, notes);
    // All of them in the same place is what a document says of the guest.
    let all = u32::try_from(pins.len()).is_ok_and(|count| count == guest.vcpus.max);
    let first = pins.first().map(|pin| pin.cpus.clone());
    if all && pins.iter().all(|pin| Some(&pin.cpus) == first.as_ref()) {
        guest.vcpus.cpuset = first;
    } else {
        guest.cpu_tune.vcpu_pins = pins;
    }
}

fn read_pins(key: &'static str, parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Vec<VcpuPin> {
    let mut pins = Vec::new();
    for (vcpu, (value, place)) in (0..).zip(parts.build.values(key, notes)) {
        let set: Vec<u32> = bits(value, &place, notes);
        let anywhere = (0..ANYWHERE).eq(set.iter().copied());
        if !anywhere && !set.is_empty() {
            let cpus: CpuSet = set.into_iter().collect();
            pins.push(VcpuPin { vcpu, cpus });
        }
    }
    pins
}
