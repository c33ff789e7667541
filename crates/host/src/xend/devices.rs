//! Devices: added, changed and removed, of active and of inactive domains.
//!
//! XenD is told a device by its class and a name or number. Of an inactive domain
//! the document is edited and given back where the release's operations cannot.

use super::{XendHost, config};
use crate::carried::unconvertible;
use crate::{Error, Result};
use virtxen_formats::sxpr::{Sxpr, interface_number, pci_detach_sxpr};
use virtxen_guest::Device;

/// Classes of block devices; which one serves a disk is its back-end's matter.
const BLOCK: [&str; 3] = ["vbd", "tap", "tap2"];

impl XendHost {
    pub(super) async fn attach_device(&self, name: &str, device: &Device) -> Result<()> {
        let document = self.document(name).await?;
        let device = self.device_config("attach-device", device, &document)?;
        let pci = device.name() == Some("pci");
        if find(&document, &device).is_some() && !pci {
            return Err(refused("attach-device", &device, "is there already"));
        }
        if !is_active(&document) && !self.client.habits().inactive_devices {
            let mut document = config::without_run(&document);
            if let Sxpr::List { items, .. } = &mut document {
                items.push(Sxpr::named("device", vec![device]));
            }
            return self.keep(name, &document).await;
        }
        // The first PCI device makes the bus, more are plugged into it.
        let bus = pci && device_lists(&document).any(|d| d.name() == Some("pci"));
        let done = if bus {
            self.client.device_configure(name, &device, "pci").await
        } else {
            self.client.device_create(name, &device).await
        };
        done.map_err(|error| self.failed(name, error))
    }

    pub(super) async fn update_device(&self, name: &str, device: &Device) -> Result<()> {
        if !matches!(device, Device::Disk(_)) {
            return Err(self.unsupported("update-device", "can change the medium of a drive only"));
        }
        let document = self.document(name).await?;
        let mut device = self.device_config("update-device", device, &document)?;
        let Some(present) = find(&document, &device) else {
            return Err(refused("update-device", &device, "is not there"));
        };
        if !is_active(&document) {
            let document = with_device(&document, present, Some(device));
            return self.keep(name, &document).await;
        }
        if device.child("uname").is_none() {
            config::set(&mut device, "uname", "");
        }
        let dev = device_name(&device).unwrap_or_default().to_owned();
        let done = self.client.device_configure(name, &device, &dev).await;
        done.map_err(|error| self.failed(name, error))
    }

    pub(super) async fn detach_device(&self, name: &str, device: &Device) -> Result<()> {
        let document = self.document(name).await?;
        let config = self.device_config("detach-device", device, &document)?;
        let Some(present) = find(&document, &config) else {
            return Err(refused("detach-device", &config, "is not there"));
        };
        if !is_active(&document) {
            let document = with_device(&document, present, None);
            return self.keep(name, &document).await;
        }
        let done = match (present.name(), device) {
            (Some("pci"), _) => {
                let config = pci_detach_sxpr(device).map_err(|error| unconvertible(&error))?;
                self.client.device_configure(name, &config, "pci").await
            }
            (_, Device::Interface(interface)) => {
                let list = self.client.devices(name, "vif").await;
                let list = list.map_err(|error| self.failed(name, error))?;
                let number = interface.mac.and_then(|mac| interface_number(&list, mac));
                let Some(number) = number else {
                    return Err(refused("detach-device", &config, "is not connected"));
                };
                self.client
                    .device_destroy(name, "vif", &number, false)
                    .await
            }
            (class, _) => {
                let dev = device_name(present).unwrap_or_default();
                let class = class.unwrap_or("vbd");
                self.client.device_destroy(name, class, dev, false).await
            }
        };
        done.map_err(|error| self.failed(name, error))
    }

    /// XenD's list for a device, if it has a class that can be plugged.
    fn device_config(
        &self,
        operation: &'static str,
        device: &Device,
        document: &Sxpr,
    ) -> Result<Sxpr> {
        if !matches!(
            device,
            Device::Disk(_) | Device::Interface(_) | Device::Hostdev(_)
        ) {
            let why = format!(
                "adds and removes disks, interfaces and PCI devices, not a {}",
                device.element_name()
            );
            return Err(self.unsupported(operation, &why));
        }
        self.plug_config(device, document)
    }
}

fn is_active(document: &Sxpr) -> bool {
    document.child("domid").is_some()
}

/// The lists inside `(device …)`.
fn device_lists(document: &Sxpr) -> impl Iterator<Item = &Sxpr> {
    document
        .children("device")
        .filter_map(|device| device.rest().first())
}

/// The list of the document that is about the same device.
fn find<'a>(document: &'a Sxpr, device: &Sxpr) -> Option<&'a Sxpr> {
    let class = device.name()?;
    device_lists(document).find(|present| match class {
        "vif" => {
            let theirs = present
                .value("mac")
                .filter(|_| present.name() == Some("vif"));
            let ours = device.value("mac");
            theirs
                .zip(ours)
                .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        }
        _ if BLOCK.contains(&class) => {
            let block = present.name().is_some_and(|name| BLOCK.contains(&name));
            let ours = device_name(device);
            block && ours.is_some() && device_name(present) == ours
        }
        _ => present.name() == Some(class),
    })
}

/// Name of a disk in the guest: `xvda` of `xvda:disk` and of `ioemu:hda`.
fn device_name(device: &Sxpr) -> Option<&str> {
    let dev = device.value("dev")?;
    let dev = dev.strip_prefix("ioemu:").unwrap_or(dev);
    dev.split(':').next()
}

/// The document as a configuration, with another device in place of `old`.
fn with_device(document: &Sxpr, old: &Sxpr, new: Option<Sxpr>) -> Sxpr {
    let mut changed = config::without_run(document);
    let is_old = |item: &Sxpr| item.name() == Some("device") && item.rest().first() == Some(old);
    let Sxpr::List { items, .. } = &mut changed else {
        return changed;
    };
    if let Some(place) = items.iter().position(is_old) {
        items.remove(place);
        if let Some(new) = new {
            items.insert(place, Sxpr::named("device", vec![new]));
        }
    }
    changed
}

fn refused(operation: &'static str, device: &Sxpr, what: &str) -> Error {
    let name = device_name(device).or_else(|| device.value("mac"));
    let class = device.name().unwrap_or("device");
    Error::Refused {
        operation,
        reason: format!("{class} {} {what}", name.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::sxpr::{Limits, read};

    fn tree(text: &str) -> Sxpr {
        read(text, Limits::default()).unwrap()
    }

    const DOMAIN: &str = "(domain (name a)(device (vif (mac 00:16:3e:aa:bb:cc)))\
                          (device (tap (dev xvda:disk)))(device (vbd (dev ioemu:hdc))))";

    #[test]
    fn a_device_is_found_however_it_is_written() {
        let document = tree(DOMAIN);
        let class = |device: &str| {
            let device = tree(device);
            find(&document, &device)
                .and_then(Sxpr::name)
                .map(str::to_owned)
        };
        assert_eq!(class("(vbd (dev 'xvda'))").as_deref(), Some("tap"));
        assert_eq!(class("(vbd (dev hdc:cdrom))").as_deref(), Some("vbd"));
        assert_eq!(
            class("(vif (mac 00:16:3E:AA:BB:CC))").as_deref(),
            Some("vif")
        );
        assert_eq!(class("(vif (bridge x))"), None);
        assert_eq!(class("(vbd (dev xvdb))"), None);
        assert_eq!(class("(vbd)"), None);
    }

    #[test]
    fn a_device_is_replaced_in_its_place() {
        let document = tree(DOMAIN);
        let old = find(&document, &tree("(vbd (dev xvda))")).unwrap();
        let changed = with_device(&document, old, Some(tree("(vbd (dev xvda)(uname x))")));
        let text = DOMAIN.replace("(tap (dev xvda:disk))", "(vbd (dev xvda)(uname x))");
        assert_eq!(changed, tree(&text));
        let gone = with_device(&document, old, None);
        assert_eq!(
            gone,
            tree(&DOMAIN.replace("(device (tap (dev xvda:disk)))", ""))
        );
    }
}
