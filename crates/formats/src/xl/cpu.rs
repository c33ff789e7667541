//! What processors look like to the guest: `cpuid`, `nestedhvm`, and NUMA nodes,
//! which are in `numa`.

use super::numa;
use crate::convert::{Notes, excerpt};
use crate::keys::{Out, Settings};
use virtxen_guest::{Cpu, CpuFeature, CpuMode, FeaturePolicy, Guest, Vcpus};

/// Features that libvirt and libxl name differently: libvirt's name, libxl's.
const NAMES: &[(&str, &str)] = &[
    ("cx16", "cmpxchg16"),
    ("cid", "cntxid"),
    ("ds_cpl", "dscpl"),
    ("pclmuldq", "pclmulqdq"),
    ("pni", "sse3"),
    ("ht", "htt"),
    ("pn", "psn"),
    ("clflush", "clfsh"),
    ("sep", "sysenter"),
    ("cx8", "cmpxchg8"),
    ("nodeid_msr", "nodeid"),
    ("cr8legacy", "altmovcr8"),
    ("lahf_lm", "lahfsahf"),
    ("cmp_legacy", "cmplegacy"),
    ("fxsr_opt", "ffxsr"),
    ("pdpe1gb", "page1gb"),
    ("spec-ctrl", "ibrsb"),
];

/// Features that make nested guests possible, Intel's and AMD's.
const NESTING: &[&str] = &["vmx", "svm"];

/// Reads the processor, if the file says something about it.
pub(crate) fn read(
    file: &mut Settings<'_>,
    hvm: bool,
    vcpus: &mut Vcpus,
    notes: &mut Notes,
) -> Option<Cpu> {
    let mut cpu = Cpu::default();
    let nested = file.switch("nestedhvm", notes).filter(|_| hvm);
    if let Some(nested) = nested {
        cpu.mode = Some(CpuMode::HostPassthrough);
        if !nested {
            cpu.features.push(CpuFeature {
                name: "vmx".to_owned(),
                policy: Some(FeaturePolicy::Disable),
            });
        }
    }
    read_features(file, &mut cpu, notes);
    cpu.numa = numa::read(file, vcpus, notes);
    (cpu != Cpu::default()).then_some(cpu)
}

/// `cpuid = "host,tm=0,sse3=1"`.
fn read_features(file: &mut Settings<'_>, cpu: &mut Cpu, notes: &mut Notes) {
    let at = file.at("cpuid");
    if matches!(file.value("cpuid"), Some(crate::config::Value::List(_))) {
        notes.essential_at("cpuid", at, "bits of registers are not read, only names");
        return;
    }
    let Some(text) = file.filled("cpuid", notes) else {
        return;
    };
    let mut words = text.split(',').map(str::trim);
    if words.next() != Some("host") {
        let reason = format!("'{}' does not begin with host", excerpt(&text));
        notes.essential_at("cpuid", at, reason);
        return;
    }
    cpu.mode = Some(CpuMode::HostPassthrough);
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let policy = match value {
            "1" => FeaturePolicy::Force,
            "0" => FeaturePolicy::Disable,
            "x" | "k" | "s" => FeaturePolicy::Optional,
            _ => {
                let reason = format!("'{}' is no feature with a policy", excerpt(word));
                notes.essential_at("cpuid", at, reason);
                continue;
            }
        };
        let known = NAMES.iter().find(|(_, libxl)| *libxl == name);
        let name = known.map_or(name, |(libvirt, _)| libvirt);
        let policy = Some(policy);
        match cpu.features.iter().find(|feature| feature.name == name) {
            None => cpu.features.push(CpuFeature {
                name: name.to_owned(),
                policy,
            }),
            Some(feature) if feature.policy == policy => {}
            Some(_) => {
                let reason = format!("'{}' was said otherwise before", excerpt(word));
                notes.setting_at("cpuid", at, reason);
            }
        }
    }
}

/// Writes the processor.
pub(crate) fn write(guest: &Guest, out: &mut Out, notes: &mut Notes) {
    let Some(cpu) = &guest.cpu else { return };
    match cpu.mode {
        Some(CpuMode::HostPassthrough) => write_features(cpu, guest.is_hvm(), out),
        // libvirt's document of NUMA nodes alone.
        None if cpu.features.is_empty() && cpu.model.is_none() => {}
        mode => {
            let mode = mode.unwrap_or(CpuMode::Custom);
            let reason = format!("xl knows host-passthrough, not {mode}");
            notes.setting("/domain/cpu/@mode", reason);
        }
    }
    for (name, said) in [
        ("model", cpu.model.is_some()),
        ("vendor", cpu.vendor.is_some()),
        ("topology", cpu.topology.is_some()),
    ] {
        if said {
            notes.setting(format!("/domain/cpu/{name}"), "xl does not know it");
        }
    }
    notes.kept("/domain/cpu", &cpu.kept, "xl does not know it");
    numa::write(&cpu.numa, out, notes);
}

fn write_features(cpu: &Cpu, hvm: bool, out: &mut Out) {
    let is_off = |feature: &CpuFeature| {
        matches!(
            feature.policy,
            Some(FeaturePolicy::Disable | FeaturePolicy::Forbid)
        )
    };
    let nests = |feature: &&CpuFeature| NESTING.contains(&feature.name.as_str());
    if hvm {
        out.switch("nestedhvm", !cpu.features.iter().filter(nests).any(is_off));
    }
    let words = cpu.features.iter().filter(|feature| !nests(feature));
    let words = words.map(|feature| {
        let known = NAMES.iter().find(|(libvirt, _)| *libvirt == feature.name);
        let name = known.map_or(feature.name.as_str(), |(_, libxl)| libxl);
        let policy = match feature.policy {
            None | Some(FeaturePolicy::Force | FeaturePolicy::Require) => '1',
            Some(FeaturePolicy::Optional) => 'x',
            Some(FeaturePolicy::Disable | FeaturePolicy::Forbid) => '0',
        };
        format!(",{name}={policy}")
    });
    let words: String = words.collect();
    if !words.is_empty() {
        out.text("cpuid", format!("host{words}"));
    }
}
