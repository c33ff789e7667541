//! From a create or new expression to a configuration.
//!
//! The steps and their order are XenD's, since the first that fails names the
//! error. Domains of releases before 3.0.4 are read here too; what those did
//! not check yet is skipped by the release's facts.

use virtxen_formats::sxpr::Sxpr;

use super::{Config, Words, orders};
use crate::release::{Facts, Release};
use crate::state::Entropy;

impl Config {
    /// Reads `(vm …)` or `(domain …)`.
    ///
    /// # Errors
    /// XenD's words.
    pub(crate) fn read(tree: &Sxpr, facts: &Facts, entropy: &mut Entropy) -> Result<Self, Words> {
        if !facts.inactive {
            return Self::read_early(tree, facts, entropy);
        }
        let mut config = Self::new();
        config.uuid = match child_value(tree, "uuid") {
            Some(uuid) => text(uuid),
            None => entropy.uuid(),
        };
        config.read_fields(tree, facts)?;
        for device in tree.children("device") {
            if let Some(node) = device.rest().first() {
                config.add_device(node, facts, entropy)?;
            }
        }
        config.read_cpus(tree, facts)?;
        config.check_memory(facts)?;
        if let Some(image) = child_value(tree, "image").filter(|i| i.as_list().is_some()) {
            config.read_image(image, facts);
            if facts.release == Release::V3_0_4 {
                config.image = Some(image.clone());
            }
        }
        config.add_console_of_image(entropy, facts)?;
        config.check(facts)?;
        Ok(config)
    }

    fn read_fields(&mut self, tree: &Sxpr, facts: &Facts) -> Result<(), Words> {
        let number = |name: &str| -> Result<Option<i64>, Words> {
            child_value(tree, name).map(python_int).transpose()
        };
        let word = |name: &str| child_value(tree, name).map(text);
        let memory = number("memory")?;
        let maxmem = number("maxmem")?;
        if let Some(memory) = memory {
            self.dynamic_min = memory;
            self.dynamic_max = memory;
            self.static_max = maxmem.unwrap_or(memory);
        }
        self.weight = number("cpu_weight")?.unwrap_or(256);
        self.cap = number("cpu_cap")?.unwrap_or(0);
        if let Some(name) = word("name") {
            self.name = name;
        } else if facts.named_by_uuid {
            self.name = format!("Domain-{}", self.uuid);
        }
        for (field, name) in [
            (&mut self.on_poweroff, "on_poweroff"),
            (&mut self.on_reboot, "on_reboot"),
            (&mut self.on_crash, "on_crash"),
            (&mut self.bootloader, "bootloader"),
            (&mut self.bootloader_args, "bootloader_args"),
            (&mut self.features, "features"),
            (&mut self.on_xend_start, "on_xend_start"),
            (&mut self.on_xend_stop, "on_xend_stop"),
            (&mut self.pool, "pool_name"),
        ] {
            if let Some(value) = word(name) {
                *field = value;
            }
        }
        if facts.description {
            self.description = Some(word("description").unwrap_or_default());
        }
        if let Some(Ok(shadow)) = child_value(tree, "shadow_memory").map(python_int) {
            self.shadow_memory = shadow;
        }
        Ok(())
    }

    /// `vcpus`, `cpus` and `vcpu_avail`.
    fn read_cpus(&mut self, tree: &Sxpr, facts: &Facts) -> Result<(), Words> {
        let vcpus = child_value(tree, "vcpus").map(python_int);
        if vcpus.is_none() && facts.vcpus_needed {
            return Err("'vcpus'".to_owned());
        }
        if let Some(vcpus) = vcpus {
            self.vcpus = vcpus?;
        }
        let given = child(tree, "cpus").or_else(|| child(tree, "cpu"));
        let each = usize::try_from(self.vcpus).unwrap_or(0).min(MOST_VCPUS);
        match given.and_then(|node| node.rest().first()) {
            None => self.cpus = vec![Vec::new(); each],
            Some(Sxpr::Atom { text, .. }) => {
                self.cpus = vec![cpu_list(text).map_err(|e| cpus_words(text, &e))?; each];
            }
            Some(Sxpr::List { .. }) if facts.cpu_list_words.is_some() => {
                // 3.1 notices when it builds, later ones at once.
                self.build_words = facts.cpu_list_words;
                if let Some(words) = facts
                    .cpu_list_words
                    .filter(|_| facts.release != Release::V3_1)
                {
                    return Err(words.to_owned());
                }
            }
            Some(Sxpr::List { items, .. }) => {
                let mut lists = Vec::new();
                for item in items {
                    lists.push(match item {
                        Sxpr::Atom { text, .. } => cpu_list(text)?,
                        Sxpr::List { items, .. } => {
                            items.iter().map(python_int).collect::<Result<_, _>>()?
                        }
                    });
                }
                if lists.len() != each {
                    return Err(
                        "Invalid Configuration: vcpus and the item number of cpus are not same"
                            .to_owned(),
                    );
                }
                self.cpus = lists;
            }
        }
        match child_value(tree, "vcpu_avail").map(python_int) {
            Some(Ok(mask)) => {
                self.vcpu_avail = mask;
                self.vcpu_avail_given = true;
            }
            _ => self.vcpu_avail = all_vcpus(self.vcpus),
        }
        Ok(())
    }

    fn read_image(&mut self, image: &Sxpr, facts: &Facts) {
        let word = |name: &str| child_value(image, name).map(text);
        let mut args = word("args").unwrap_or_default();
        if let Some(ip) = word("ip").filter(|_| !args.contains("ip=")) {
            args = format!("ip={ip} {args}");
        }
        if let Some(root) = word("root").filter(|r| !r.is_empty() && !args.contains("root=")) {
            args = format!("root={root} {args}");
        }
        self.args = args;
        self.kernel = word("kernel").unwrap_or_default();
        self.ramdisk = word("ramdisk").unwrap_or_default();
        if let Some(vcpus) = child_value(image, "vcpus").and_then(|v| python_int(v).ok()) {
            // Counts for the fully virtualised, whose vcpus stand here as well.
            self.vcpus = vcpus;
        }
        if let Some(value) = child_value(image, "superpages") {
            self.superpages = value.clone();
        }
        let kind = image.name().unwrap_or_default();
        if kind != "hvm" && kind != "linux" {
            self.image_type = Some(kind.to_owned());
        }
        self.hvm = match child_value(image, "boot") {
            Some(_) => true,
            None => facts.hvm_without_boot && kind == "hvm",
        };
        for name in &orders(facts.release).platform {
            if let Some(value) = child_value(image, name)
                && value.as_atom() != Some("")
            {
                self.platform.set(*name, value.clone());
            }
        }
    }

    /// A fully virtualised guest with `vnc` in its image gets a frame buffer.
    fn add_console_of_image(&mut self, entropy: &mut Entropy, facts: &Facts) -> Result<(), Words> {
        let wants = |name: &str, config: &Self| {
            config
                .setting(name)
                .is_some_and(|value| value.trim().parse::<i64>().is_ok_and(|n| n != 0))
        };
        let kind = if wants("vnc", self) {
            "vnc"
        } else if facts.sdl_makes_vfb && wants("sdl", self) {
            "sdl"
        } else {
            return Ok(());
        };
        if !self.hvm || !facts.image_vfb || self.devices.has_frame_buffer() {
            return Ok(());
        }
        let mut items = Vec::new();
        if facts.vfb_kind {
            items.push(if facts.vfb_type {
                Sxpr::pair("type", kind)
            } else {
                Sxpr::pair(kind, "1")
            });
        }
        let settings: &[&str] = if kind == "vnc" {
            &["vncpasswd", "vncunused", "vncdisplay", "vnclisten"]
        } else {
            &["display", "xauthority"]
        };
        for name in settings {
            if let Some(value) = self.platform.get(*name) {
                items.push(Sxpr::named(name, vec![value.clone()]));
            }
        }
        if let Some(keymap) = self.platform.get("keymap").filter(|_| facts.vfb_keymap) {
            items.push(Sxpr::named("keymap", vec![keymap.clone()]));
        }
        self.add_device(&Sxpr::named("vfb", items), facts, entropy)?;
        Ok(())
    }
}

/// More vcpus than any host of these releases had.
pub(super) const MOST_VCPUS: usize = 4096;

/// The mask of a number of vcpus.
pub(crate) fn all_vcpus(vcpus: i64) -> i64 {
    let vcpus = u32::try_from(vcpus.clamp(0, 62)).unwrap_or(0);
    (1_i64 << vcpus) - 1
}

/// The first list inside `tree` of this name.
pub(crate) fn child<'a>(tree: &'a Sxpr, name: &str) -> Option<&'a Sxpr> {
    tree.child(name)
}

/// The node after the name in the first list of this name.
pub(crate) fn child_value<'a>(tree: &'a Sxpr, name: &str) -> Option<&'a Sxpr> {
    tree.child(name)?.rest().first()
}

/// An atom's text; a list as Python's `str` would show it is of no use here.
fn text(node: &Sxpr) -> String {
    node.as_atom().unwrap_or_default().to_owned()
}

/// Python's `int` of a node.
///
/// # Errors
/// Python's words.
pub(crate) fn python_int(node: &Sxpr) -> Result<i64, Words> {
    match node {
        Sxpr::Atom { text, .. } => int_of(text),
        Sxpr::List { .. } => {
            Err("int() argument must be a string or a number, not 'list'".to_owned())
        }
    }
}

/// Python's `int` of a text.
///
/// # Errors
/// Python's words.
pub(crate) fn int_of(text: &str) -> Result<i64, Words> {
    let digits = text.trim();
    let plain = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) {
        let limit = if digits.starts_with('-') {
            i64::MIN / 4
        } else {
            i64::MAX / 4
        };
        return Ok(digits
            .parse()
            .unwrap_or(limit)
            .clamp(i64::MIN / 4, i64::MAX / 4));
    }
    Err(format!(
        "invalid literal for int() with base 10: {}",
        crate::xend::python::repr(text)
    ))
}

/// `0-3,^1`: ranges, and cpus taken out again.
pub(super) fn cpu_list(text: &str) -> Result<Vec<i64>, Words> {
    let mut cpus = Vec::new();
    if text.is_empty() {
        return Ok(cpus);
    }
    for part in text.split(',') {
        if let Some((first, last)) = part.split_once('-') {
            let (first, last) = (int_of(first)?, int_of(last)?);
            cpus.extend((first..=last).take(MOST_VCPUS));
        } else if let Some(out) = part.strip_prefix('^') {
            let out = int_of(out)?;
            cpus.retain(|cpu| *cpu != out);
        } else {
            cpus.push(int_of(part)?);
        }
    }
    Ok(cpus)
}

fn cpus_words(text: &str, error: &str) -> Words {
    format!("Invalid Configuration: cpus = {text}: {error}")
}
