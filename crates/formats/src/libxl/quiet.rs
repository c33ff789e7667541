//! Values that say nothing: those that libxl takes when nothing is said, and those
//! that every guest has. They can be left out of a document without a note.

use super::types::{Kind, field, fields};
use serde_json::Value;

/// Whether a value is what libxl makes of nothing: it leaves such out itself.
pub(super) fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0) || number.as_u64() == Some(u64::MAX),
        Value::String(text) => text.is_empty() || text == "<default>",
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(says_nothing),
    }
}

/// Whether a key need not be told of: it says nothing, or what is so anyway.
pub(super) fn is_quiet(structure: &str, key: &str, value: &Value) -> bool {
    if says_nothing(value) || is_usual(structure, key, value) {
        return true;
    }
    let Some(field) = field(structure, key) else {
        return false;
    };
    match (field.kind, value) {
        (Kind::Structure(inner), Value::Object(map)) => {
            let known = |key: &str| fields(inner).any(|field| field.name == key);
            map.iter()
                .all(|(key, value)| known(key) && is_quiet(inner, key, value))
        }
        (Kind::Word(_), Value::String(word)) => {
            matches!(word.as_str(), "unknown" | "default" | "invalid")
        }
        _ => false,
    }
}

fn is_usual(structure: &str, key: &str, value: &Value) -> bool {
    let said = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return false,
    };
    let mut usual = USUAL.iter();
    usual.any(|(of, known, values)| {
        (*of == structure || of.is_empty())
            && *known == key
            && (values.is_empty() || values.contains(&said.as_str()))
    })
}

/// Structure (any if empty), key, and the values with which it says what is so
/// anyway; no values means any. They are what libxl fills in when it starts a
/// guest, and saves with its configuration.
const USUAL: &[(&str, &str, &[&str])] = &[
    ("", "devid", &[]),
    ("", "backend_domid", &["0"]),
    ("", "trusted", &["True"]),
    ("", "grant_usage", &["False"]),
    ("domain_config", "on_watchdog", &["destroy"]),
    ("domain_config", "on_soft_reset", &["destroy", "soft_reset"]),
    ("domain_create_info", "domid", &[]),
    ("domain_create_info", "hap", &["True"]),
    ("domain_create_info", "oos", &["True"]),
    ("domain_create_info", "run_hotplug_scripts", &["True"]),
    ("domain_create_info", "driver_domain", &["False"]),
    ("domain_create_info", "pvh", &["False"]),
    ("domain_create_info", "pool_name", &["Pool-0"]),
    (
        "domain_create_info",
        "xend_suspend_evtchn_compat",
        &["False"],
    ),
    ("domain_build_info", "shadow_memkb", &[]),
    ("domain_build_info", "iommu_memkb", &[]),
    ("domain_build_info", "numa_placement", &[]),
    ("domain_build_info", "cpumap", &[]),
    ("domain_build_info", "nodemap", &[]),
    // xl claims memory before it builds a guest, unless xl.conf forbids it.
    ("domain_build_info", "claim_mode", &[]),
    ("domain_build_info", "blkdev_start", &["xvda"]),
    ("domain_build_info", "disable_migrate", &["False"]),
    ("domain_build_info", "device_model_stubdomain", &["False"]),
    ("domain_build_info", "dm_restrict", &["False"]),
    ("domain_build_info", "bootloader_restrict", &["False"]),
    ("domain_build_info", "event_channels", &["1023"]),
    ("domain_build_info", "max_grant_frames", &["4294967295"]),
    (
        "domain_build_info",
        "max_maptrack_frames",
        &["4294967295", "1024"],
    ),
    ("domain_build_info", "max_grant_version", &["-1", "2"]),
    ("domain_build_info", "vpmu", &["False"]),
    ("domain_build_info", "altp2m", &["disabled"]),
    ("domain_build_info", "altp2m_count", &["4294967295"]),
    ("domain_build_info", "tee", &["none"]),
    (
        "domain_build_info",
        "xenstore_feature_mask",
        &["4294967295"],
    ),
    (
        "domain_build_info",
        "trap_unmapped_accesses",
        &["False", "True"],
    ),
    (
        "domain_build_info",
        "timer_mode",
        &["no_delay_for_missed_ticks"],
    ),
    ("domain_sched_params", "weight", &["-1", "256"]),
    ("domain_sched_params", "cap", &["-1"]),
    ("domain_sched_params", "period", &["-1"]),
    ("domain_sched_params", "slice", &["-1"]),
    ("domain_sched_params", "latency", &["-1"]),
    ("domain_sched_params", "extratime", &["-1"]),
    ("domain_sched_params", "budget", &["-1"]),
    ("hvm", "acpi_s3", &["True"]),
    ("hvm", "acpi_s4", &["True"]),
    ("hvm", "acpi_laptop_slate", &["False"]),
    ("hvm", "nx", &["True"]),
    ("hvm", "vpt_align", &["True"]),
    ("hvm", "timer_mode", &["no_delay_for_missed_ticks"]),
    ("hvm", "altp2m", &["False"]),
    ("hvm", "gfx_passthru", &["False"]),
    ("hvm", "usb", &[]),
    ("hvm", "vkb_device", &["True"]),
    ("hvm", "xen_platform_pci", &["True"]),
    ("hvm", "xen_platform_pci_bar_uc", &["True"]),
    ("hvm", "pirq", &["False"]),
    ("hvm", "hdtype", &["ide"]),
    ("hvm", "vendor_device", &["none"]),
    ("hvm", "rdm_mem_boundary_memkb", &["2097152"]),
    ("hvm", "nographic", &["False"]),
    ("rdm_reserve", "strategy", &["ignore"]),
    ("rdm_reserve", "policy", &["relaxed", "strict"]),
    ("pvh", "pvshim", &["False"]),
    ("pv", "e820_host", &["False"]),
    ("arch_x86", "msr_relaxed", &["False"]),
    ("arch_arm", "gic_version", &["default"]),
    ("arch_arm", "sve_vl", &["disabled"]),
    ("arch_arm", "nr_spis", &["4294967295"]),
    ("sdl_info", "opengl", &["False"]),
    ("device_disk", "removable", &[]),
    ("device_disk", "colo_enable", &["False"]),
    ("device_disk", "colo_restore_enable", &["False"]),
    ("device_disk", "specification", &["xen"]),
    ("device_nic", "mtu", &["1492"]),
    ("device_nic", "rate_interval_usecs", &[]),
    ("device_vkb", "backend_type", &["qemu"]),
    ("device_vkb", "feature_abs_pointer", &["true"]),
    ("device_vkb", "feature_raw_pointer", &["true"]),
    ("device_usbctrl", "type", &["qusb", "pv", "auto"]),
];
