//! The checks of XenD on a configuration, and the defaults that they fill in.
//!
//! Checks of single devices are in `device`.

use virtxen_formats::sxpr::Sxpr;

use super::{Config, Words};
use crate::release::Facts;
use crate::state::behaviour;
use crate::xend::python::repr;

/// The firmware loader's place.
pub(crate) const LOADER: &str = "/usr/lib/xen/boot/hvmloader";

const ACTIONS: &[&str] = &["restart", "destroy", "preserve", "rename-restart"];
const CORE_DUMP_ACTIONS: &[&str] = &["coredump-destroy", "coredump-restart"];

impl Config {
    /// Everything that XenD checks once a configuration is read, and fills in
    /// on the way.
    pub(super) fn check(&mut self, facts: &Facts) -> Result<(), Words> {
        if facts.uuid_checked {
            self.uuid = normal_uuid(&self.uuid)?;
        }
        self.check_memory(facts)?;
        for (event, action) in [
            ("shutdown", &self.on_poweroff),
            ("reboot", &self.on_reboot),
            ("crash", &self.on_crash),
        ] {
            let known = ACTIONS.contains(&action.as_str())
                || facts.core_dump_actions && CORE_DUMP_ACTIONS.contains(&action.as_str());
            if facts.actions_checked && !known {
                return Err(format!(
                    "Invalid Configuration: Invalid event handling mode: {event}"
                ));
            }
        }
        self.check_platform(facts)
    }

    /// What the memory settings must satisfy.
    pub(crate) fn check_memory(&self, facts: &Facts) -> Result<(), Words> {
        if facts.memory_needed && self.dynamic_max <= 0 {
            return Err(format!(
                "Invalid Configuration: Memory value too low for memory_static_min: {}",
                self.dynamic_max
            ));
        }
        if !facts.memory_checked {
            return Ok(());
        }
        let wrong = if self.static_max < 0 {
            "memory_static_min must be less than or equal to memory_static_max"
        } else if self.dynamic_min < 0 {
            "memory_static_min must be less than or equal to memory_dynamic_min"
        } else if self.dynamic_max > self.static_max {
            "memory_dynamic_max must be less than or equal to memory_static_max"
        } else if self.dynamic_max <= 0 {
            "memory_dynamic_max must be greater than zero"
        } else if self.static_max <= 0 {
            "memory_static_max must be greater than zero"
        } else {
            return Ok(());
        };
        Err(format!("Invalid Configuration: {wrong}"))
    }

    fn check_platform(&mut self, facts: &Facts) -> Result<(), Words> {
        if self.hvm || facts.vfb_device_model && self.devices.has_frame_buffer() {
            let model = match self.setting("device_model") {
                None | Some("") => facts.device_model.to_owned(),
                Some(name) if facts.device_model_checked && !name.contains('/') => {
                    format!("/usr/lib/xen/bin/{name}")
                }
                Some(path) => path.to_owned(),
            };
            if facts.device_model_default {
                self.platform.set("device_model", Sxpr::atom(&model));
            }
            if facts.device_model_checked && !behaviour::exists(&model) {
                return Err(format!("device model '{model}' not found"));
            }
        }
        for (name, value) in facts.platform_defaults {
            self.fill(name, value);
        }
        if !self.hvm {
            return Ok(());
        }
        for (name, value) in facts.hvm_defaults {
            self.fill(name, value);
        }
        if facts.loader_setting {
            self.check_loader(facts)?;
        }
        Ok(())
    }

    fn fill(&mut self, name: &str, value: &str) {
        if !self.platform.has(name) {
            self.platform.set(name, Sxpr::atom(value));
        }
    }

    /// From 3.4 on the loader is a setting; older guests had it as kernel.
    fn check_loader(&mut self, facts: &Facts) -> Result<(), Words> {
        let loader = match self.setting("loader") {
            Some("hvmloader") => LOADER.to_owned(),
            Some(path) => path.to_owned(),
            None if self.kernel.is_empty() || self.kernel == "hvmloader" => {
                self.kernel.clear();
                LOADER.to_owned()
            }
            None => std::mem::take(&mut self.kernel),
        };
        self.platform.set("loader", Sxpr::atom(&loader));
        if facts.kernel_checked || behaviour::exists(&loader) {
            Ok(())
        } else {
            Err(format!("kernel '{loader}' not found"))
        }
    }
}

/// A UUID with its hyphens, as XenD writes it.
pub(super) fn normal_uuid(text: &str) -> Result<String, Words> {
    let digits = text.replace('-', "");
    let mut out = String::with_capacity(36);
    for i in 0..16 {
        let end = digits.len().min(2 * i + 2);
        let pair = digits.get(2 * i..end).unwrap_or_default();
        let Ok(byte) = u8::from_str_radix(pair, 16) else {
            return Err(format!(
                "invalid literal for int() with base 16: {}",
                repr(pair)
            ));
        };
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    Ok(out)
}
