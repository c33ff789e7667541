//! Configurations up to 3.0.3, which knew few settings and checked less.
//!
//! The image is kept as it came and devices are looked at when they are made, so
//! most mistakes show while a domain is built (`operations::create`).

use virtxen_formats::sxpr::Sxpr;

use super::read::{MOST_VCPUS, child_value, int_of, python_int};
use super::{Config, Words, all_vcpus, orders};
use crate::release::{Facts, Release};
use crate::state::{Entropy, State, behaviour};
use crate::xend::python;

/// Actions that are known.
const ACTIONS: &[&str] = &["restart", "destroy", "preserve", "rename-restart"];

impl Config {
    /// Reads `(vm …)` as a release up to 3.0.3 does.
    ///
    /// # Errors
    /// XenD's words.
    pub(crate) fn read_early(
        tree: &Sxpr,
        facts: &Facts,
        entropy: &mut Entropy,
    ) -> Result<Self, Words> {
        let mut config = Self::new();
        config.uuid = match child_value(tree, "uuid") {
            Some(uuid) => python::text(uuid),
            None => entropy.uuid(),
        };
        let number = |name: &str| setting_number(tree, name);
        let vcpus = number("vcpus")?;
        let avail = number("vcpu_avail")?;
        let memory = number("memory")?.unwrap_or(0);
        let shadow = number("shadow_memory")?.unwrap_or(0);
        let maxmem = number("maxmem")?.unwrap_or(0);
        config.image = child_value(tree, "image").cloned();
        let image_vcpus = config.image.as_ref().and_then(|image| {
            let vcpus = child_value(image, "vcpus")?;
            Some(python_int(vcpus))
        });
        config.vcpus = image_vcpus.transpose()?.or(vcpus).unwrap_or(1);
        config.vcpu_avail = avail.unwrap_or_else(|| all_vcpus(config.vcpus));
        config.read_early_cpus(tree)?;
        let text = |name: &str| child_value(tree, name).map(python::text);
        let name = text("name");
        for (field, name) in [
            (&mut config.on_poweroff, "on_poweroff"),
            (&mut config.on_reboot, "on_reboot"),
            (&mut config.on_crash, "on_crash"),
            (&mut config.bootloader, "bootloader"),
            (&mut config.bootloader_args, "bootloader_args"),
            (&mut config.features, "features"),
        ] {
            if let Some(value) = text(name) {
                *field = value;
            }
        }
        // A domain without a name is called by its number, which it has not yet.
        config.name = name.ok_or("%d format: a number is required, not NoneType")?;
        config.dynamic_max = memory;
        config.static_max = maxmem.max(memory);
        config.shadow_memory = shadow;
        if let Some(image) = &config.image {
            config.hvm = matches!(image.name(), Some("hvm" | "vmx"));
            config.kernel = text_of(image, "kernel");
            config.ramdisk = text_of(image, "ramdisk");
        }
        config.add_early_devices(tree, facts, entropy)?;
        Ok(config)
    }

    /// What is checked after the name: memory, devices, actions.
    pub(crate) fn check_early(&self, facts: &Facts) -> Result<(), Words> {
        if facts.release >= Release::V3_0_3 && self.dynamic_max <= 0 {
            return Err("Invalid memory size".to_owned());
        }
        if let Some(words) = &self.wrong_device {
            return Err(words.clone());
        }
        for (event, action) in [
            ("on_poweroff", &self.on_poweroff),
            ("on_reboot", &self.on_reboot),
            ("on_crash", &self.on_crash),
        ] {
            if !ACTIONS.contains(&action.as_str()) {
                return Err(format!("invalid restart event: {event} = {action}"));
            }
        }
        super::check::normal_uuid(&self.uuid).map(drop)
    }

    /// What fails once the domain has a number.
    pub(crate) fn check_early_image(&self, facts: &Facts) -> Result<(), Words> {
        let Some(image) = &self.image else {
            return Err("Missing image in configuration".to_owned());
        };
        let kinds: &[&str] = if facts.release < Release::V3_0_3 {
            &["linux", "vmx"]
        } else {
            &["linux", "hvm"]
        };
        let kind = image.name().unwrap_or_default();
        if !kinds.contains(&kind) {
            return Err(format!("unknown image type: {kind}"));
        }
        if !behaviour::exists(&self.kernel) {
            return Err(format!("Kernel image does not exist: {}", self.kernel));
        }
        if !self.ramdisk.is_empty() && !behaviour::exists(&self.ramdisk) {
            return Err(format!("Kernel ramdisk does not exist: {}", self.ramdisk));
        }
        Ok(())
    }

    /// 3.0.3 runs the boot loader when there is no image, and goes on with what that
    /// wrote.
    ///
    /// # Errors
    /// XenD's words.
    pub(crate) fn boot_early(mut self, state: &mut State) -> Result<Self, Words> {
        if state.facts.release != Release::V3_0_3
            || self.bootloader.is_empty()
            || self.image.is_some()
        {
            return Ok(self);
        }
        if !behaviour::exists(&self.bootloader) {
            return Err("Bootloader isn't executable".to_owned());
        }
        let devices = self.devices.in_order();
        let Some(disk) = devices
            .iter()
            .find(|device| matches!(device.class.as_str(), "vbd" | "tap"))
        else {
            return Err("Had a bootloader specified, but can't find disk".to_owned());
        };
        if disk
            .get("uname")
            .is_some_and(|name| name.contains("bootfail"))
        {
            return Err("Boot loader didn't return any data!".to_owned());
        }
        let mut file = |kind: &str| {
            let random: String = state.entropy.uuid().chars().take(6).collect();
            format!("/var/run/xend/boot/boot_{kind}.{random}")
        };
        self.kernel = file("kernel");
        self.ramdisk = file("ramdisk");
        self.image = Some(Sxpr::named(
            "linux",
            vec![
                Sxpr::pair("kernel", &self.kernel),
                Sxpr::pair("ramdisk", &self.ramdisk),
                Sxpr::pair("args", "root=/dev/xvda1 ro quiet "),
            ],
        ));
        Ok(self)
    }

    fn read_early_cpus(&mut self, tree: &Sxpr) -> Result<(), Words> {
        let cpu = setting_number(tree, "cpu")?.filter(|cpu| *cpu != 0);
        let cpus = child_value(tree, "cpus").map(python::text);
        let text = match (cpu, cpus.filter(|cpus| !cpus.is_empty())) {
            (Some(cpu), Some(cpus)) => format!("{cpu},{cpus}"),
            (Some(cpu), None) => cpu.to_string(),
            (None, Some(cpus)) => cpus,
            (None, None) => String::new(),
        };
        let list = super::read::cpu_list(&text)
            .map_err(|why| format!("Invalid configuration setting: cpus = {text}: {why}"))?;
        let each = usize::try_from(self.vcpus).unwrap_or(0).min(MOST_VCPUS);
        self.cpus = vec![list; each];
        Ok(())
    }

    fn add_early_devices(
        &mut self,
        tree: &Sxpr,
        facts: &Facts,
        entropy: &mut Entropy,
    ) -> Result<(), Words> {
        for device in tree.children("device") {
            let Some(node) = device.rest().first() else {
                continue;
            };
            let class = node.name().unwrap_or_default();
            if orders(facts.release).classes.contains(&class) {
                self.add_device(node, facts, entropy)?;
            } else {
                let words = format!("invalid device ({class}, {})", python::repr_node(node));
                self.wrong_device.get_or_insert(words);
            }
        }
        Ok(())
    }
}

/// A number of the configuration, if it is there.
fn setting_number(tree: &Sxpr, name: &str) -> Result<Option<i64>, Words> {
    match child_value(tree, name) {
        None => Ok(None),
        Some(Sxpr::Atom { text, .. }) => int_of(text).map(Some),
        Some(list) => Err(format!(
            "Invalid setting {name} = {} in configuration: int() argument must be a string or a \
             number, not 'list'",
            python::repr_node(list)
        )),
    }
}

fn text_of(tree: &Sxpr, name: &str) -> String {
    child_value(tree, name)
        .map(python::text)
        .unwrap_or_default()
}
