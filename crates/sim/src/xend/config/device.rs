//! The devices of a configuration: what XenD keeps of each and what it checks
//! when one is added.
//!
//! Devices of a running domain are in the store as well; that is `state`.

use virtxen_formats::sxpr::Sxpr;

use super::{Config, Words, orders};
use crate::release::Facts;
use crate::state::{Entropy, block_number};
use crate::xend::dict::PyDict;

/// One device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) class: String,
    /// Its settings, in Python's order.
    pub(crate) info: PyDict<Sxpr>,
    /// What does not fit a dictionary: the `dev` lists of pci and vscsi.
    pub(crate) lists: Vec<Sxpr>,
}

impl Device {
    /// A setting as text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.info.get(name)?.as_atom()
    }

    /// The expression as XenD shows a device that is not in the store.
    pub(crate) fn expression(&self) -> Sxpr {
        let mut items: Vec<_> = self
            .info
            .iter()
            .filter(|(name, _)| name.as_str() != "other_config")
            .map(|(name, value)| Sxpr::named(name, vec![value.clone()]))
            .collect();
        items.extend(self.lists.iter().cloned());
        Sxpr::named(&self.class, items)
    }
}

/// All devices of a configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Devices {
    /// By uuid.
    pub(crate) all: PyDict<Device>,
    pub(crate) consoles: Vec<String>,
    pub(crate) disks: Vec<String>,
    pub(crate) interfaces: Vec<String>,
    pub(crate) tpms: Vec<String>,
}

impl Devices {
    /// Whether there is a frame buffer.
    pub(crate) fn has_frame_buffer(&self) -> bool {
        self.consoles.iter().any(|uuid| {
            self.all.get(uuid.as_str()).is_some_and(|device| {
                device.class == "vfb" || device.get("protocol") == Some("rfb")
            })
        })
    }

    /// UUIDs in the order in which XenD creates and lists them.
    pub(crate) fn ordered(&self) -> Vec<String> {
        let mut order: Vec<String> = self
            .all
            .iter()
            .filter(|(_, device)| device.class == "vkbd")
            .map(|(uuid, _)| uuid.clone())
            .collect();
        for refs in [&self.consoles, &self.disks, &self.interfaces, &self.tpms] {
            order.extend(refs.iter().filter(|u| self.all.has(u.as_str())).cloned());
        }
        let rest: Vec<_> = self
            .all
            .iter()
            .filter(|(uuid, _)| !order.contains(uuid))
            .map(|(uuid, _)| uuid.clone())
            .collect();
        order.extend(rest);
        order
    }

    /// The devices in that order.
    pub(crate) fn in_order(&self) -> Vec<&Device> {
        self.ordered()
            .iter()
            .filter_map(|uuid| self.all.get(uuid.as_str()))
            .collect()
    }

    /// Takes a device out.
    pub(crate) fn remove(&mut self, uuid: &str) {
        self.all.remove(uuid);
        for refs in [
            &mut self.consoles,
            &mut self.disks,
            &mut self.interfaces,
            &mut self.tpms,
        ] {
            refs.retain(|other| other != uuid);
        }
    }
}

const DISKS: &[&str] = &["vbd", "tap", "tap2"];
const TAP_KINDS: &[&str] = &["aio", "sync", "vmdk", "ram", "qcow", "qcow2", "ioemu"];

impl Config {
    /// Adds a device and returns its uuid.
    ///
    /// # Errors
    /// XenD's words when the device cannot be.
    pub(crate) fn add_device(
        &mut self,
        node: &Sxpr,
        facts: &Facts,
        entropy: &mut Entropy,
    ) -> Result<String, Words> {
        let class = node.name().unwrap_or_default().to_owned();
        if !orders(facts.release).classes.contains(&class.as_str()) {
            return Err(format!(
                "Invalid Configuration: XendConfig: {class} not a valid device type"
            ));
        }
        let mut device = read_device(node, &class);
        if class == "vbd" {
            let emulated = device.get("dev").is_some_and(|d| d.starts_with("ioemu:"));
            let driver = if emulated { "ioemu" } else { "paravirtualised" };
            device.info.set("driver", Sxpr::atom(driver));
        }
        if facts.tap_checked && matches!(class.as_str(), "tap" | "tap2") {
            check_tap(&device)?;
        }
        if class == "vif" && device.get("mac").is_none_or(str::is_empty) {
            device.info.set("mac", Sxpr::atom(entropy.mac()));
        }
        if facts.duplicates_checked
            && let Some(uuid) = self.check_duplicate(&device, node)?
        {
            return Ok(uuid);
        }
        let uuid = match device.get("uuid") {
            Some(uuid) if !uuid.is_empty() => uuid.to_owned(),
            _ => entropy.uuid(),
        };
        device.info.set("uuid", Sxpr::atom(&uuid));
        self.file(&uuid, device, facts);
        Ok(uuid)
    }

    /// Puts a device where XenD keeps those of its class.
    fn file(&mut self, uuid: &str, mut device: Device, facts: &Facts) {
        let known = self.devices.all.has(uuid);
        match device.class.as_str() {
            "vbd" | "tap" | "tap2" => {
                if facts.bootable && (device.class == "vbd" || facts.tap_bootable) {
                    let first = self.devices.disks.is_empty();
                    let bootable = match device.get("bootable") {
                        Some(given) => given.to_owned(),
                        None => u8::from(first).to_string(),
                    };
                    device.info.set("bootable", Sxpr::atom(bootable));
                }
                if !known {
                    self.devices.disks.push(uuid.to_owned());
                }
            }
            "vif" if !known => self.devices.interfaces.push(uuid.to_owned()),
            "vtpm" if !known => self.devices.tpms.push(uuid.to_owned()),
            "vfb" => {
                self.finish_frame_buffer(&mut device, facts);
                if !known {
                    self.devices.consoles.push(uuid.to_owned());
                }
            }
            "console" if !known => self.devices.consoles.push(uuid.to_owned()),
            _ => {}
        }
        self.devices.all.set(uuid, device);
    }

    /// From 3.4 on `(type vnc)` of a frame buffer becomes `(vnc 1)`.
    fn finish_frame_buffer(&self, device: &mut Device, facts: &Facts) {
        device.info.set("other_config", Sxpr::list(Vec::new()));
        if facts.vfb_type {
            return;
        }
        let kind = device.get("type").unwrap_or_default().to_owned();
        if kind == "vnc" || kind == "sdl" {
            device.info.set(kind.as_str(), Sxpr::atom("1"));
            device.info.remove("type");
        }
    }

    /// The same file, device or address twice.
    fn check_duplicate(&mut self, device: &Device, node: &Sxpr) -> Result<Option<String>, Words> {
        let wrong = |what: &str, value: &str| {
            Err(format!(
                "Invalid Configuration: The {what} \"{value}\" is already {}",
                if what == "file" { "used" } else { "defined" }
            ))
        };
        if device.class == "vif" {
            let mac = device.get("mac").unwrap_or_default();
            for other in self.devices.in_order() {
                let same = other
                    .get("mac")
                    .is_some_and(|known| known.eq_ignore_ascii_case(mac));
                if other.class == "vif" && same {
                    return wrong("mac", mac);
                }
            }
        }
        let (Some(uname), Some(dev)) = (device.get("uname"), device.get("dev")) else {
            return Ok(None);
        };
        if !DISKS.contains(&device.class.as_str()) {
            return Ok(None);
        }
        let Some(number) = block_number(dev) else {
            return Ok(None);
        };
        let mut change = None;
        for other in self.devices.in_order() {
            if !DISKS.contains(&other.class.as_str()) {
                continue;
            }
            if let Some(known) = other.get("uname").filter(|known| !known.is_empty()) {
                let file = file_of(uname);
                if file.is_some() && file == file_of(known) {
                    return wrong("file", file.unwrap_or_default());
                }
                if known == uname {
                    return wrong("uname", uname);
                }
            }
            if other.get("dev").and_then(block_number) == Some(number) {
                if !dev.ends_with(":cdrom") {
                    return wrong("device", dev);
                }
                change = other.get("uuid").map(str::to_owned);
            }
        }
        if let Some(uuid) = &change {
            self.update_device(uuid, node);
        }
        Ok(change)
    }

    /// Takes over the settings of an expression.
    pub(crate) fn update_device(&mut self, uuid: &str, node: &Sxpr) {
        if let Some(device) = self.devices.all.get_mut(uuid) {
            for (name, value) in settings(node) {
                device.info.set(name, value.clone());
            }
        }
    }
}

/// The file or block device behind a `uname`, when it has one.
fn file_of(uname: &str) -> Option<&str> {
    let (kind, rest) = uname.split_once(':')?;
    match kind {
        "phy" | "file" => Some(rest),
        "tap" | "tap2" => rest.rsplit(':').next(),
        _ => None,
    }
}

fn check_tap(device: &Device) -> Result<(), Words> {
    let Some(uname) = device.get("uname") else {
        return Err("'uname'".to_owned());
    };
    let mut parts = uname.split(':').skip(1);
    let mut kind = parts.next();
    if kind == Some("tapdisk") {
        kind = parts.next();
    }
    match kind {
        None => Err("list index out of range".to_owned()),
        Some(kind) if TAP_KINDS.contains(&kind) => Ok(()),
        Some(kind) => Err(format!(
            "Invalid Configuration: tap:{kind} not a valid disk type"
        )),
    }
}

/// The `(name value)` pairs of a device.
fn settings(node: &Sxpr) -> impl Iterator<Item = (&str, &Sxpr)> {
    node.rest().iter().filter_map(|pair| match pair.as_list() {
        Some([name, value]) => Some((name.as_atom()?, value)),
        _ => None,
    })
}

fn read_device(node: &Sxpr, class: &str) -> Device {
    let mut device = Device {
        class: class.to_owned(),
        info: PyDict::default(),
        lists: Vec::new(),
    };
    if matches!(class, "pci" | "vscsi" | "vusb") {
        device.lists = node.rest().to_vec();
        return device;
    }
    for (name, value) in settings(node) {
        device.info.set(name, value.clone());
    }
    device
}
