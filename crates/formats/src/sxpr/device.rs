//! Single devices, for plugging and unplugging: what `device_create`,
//! `device_configure` and `device_destroy` take.
//!
//! What the families have in common is here too: backends and addresses.

use super::dialect::Target;
use super::section::Section;
use super::{Sxpr, disk, hostdev, interface};
use crate::convert::{Converted, Error, Notes};
use virtxen_guest::{Device, DeviceInfo, Disk, HostdevSource, MacAddress};

/// How XenD names a device of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceReference {
    /// Class: `vbd`, `tap`, `tap2`, `vif`, `pci`.
    pub class: &'static str,
    /// Number or name of the device within its class.
    pub id: String,
}

/// The expression that plugs a device into a domain: `(vbd …)`, `(vif …)`,
/// `(pci …)`. With `hvm` the domain is fully virtualized. CD-ROMs change their
/// medium by the same expression.
///
/// # Errors
/// When XenD cannot plug such a device.
pub fn device_to_sxpr(
    device: &Device,
    hvm: bool,
    target: &Target,
) -> Result<Converted<Sxpr>, Error> {
    let mut notes = Notes::default();
    let path = format!("/{}", device.element_name());
    let version = target.dialect.version;
    let written = match device {
        Device::Disk(disk) if disk::is_in_image(disk, hvm, version) => {
            return Err(unsupported(
                path,
                format!("XenD cannot plug a {} of this guest", disk.device),
            ));
        }
        Device::Disk(disk) => disk::write(disk, &path, hvm, version, &mut notes),
        Device::Interface(interface) => {
            interface::write(interface, &path, hvm, target, &mut notes)?
        }
        Device::Hostdev(hostdev) => hostdev::write_one(hostdev, "Initialising", &path, &mut notes),
        other => {
            let reason = format!("XenD cannot plug a {}", other.element_name());
            return Err(unsupported(path, reason));
        }
    };
    plugged(written, path, notes)
}

/// The expression by which `device_configure` unplugs a PCI function.
///
/// # Errors
/// When the device is no PCI function.
pub fn pci_detach_sxpr(device: &Device) -> Result<Sxpr, Error> {
    let mut notes = Notes::default();
    let path = format!("/{}", device.element_name());
    let written = match device {
        Device::Hostdev(hostdev) => hostdev::write_one(hostdev, "Closing", &path, &mut notes),
        _ => None,
    };
    plugged(written, path, notes).map(|converted| converted.value)
}

fn plugged(written: Option<Sxpr>, path: String, notes: Notes) -> Result<Converted<Sxpr>, Error> {
    match (written, notes.first_essential()) {
        (Some(sxpr), None) => Ok(notes.into_converted(sxpr)),
        (_, Some(note)) => Err(unsupported(note.path.clone(), note.reason.clone())),
        (None, None) => Err(unsupported(path, "XenD cannot plug it".to_owned())),
    }
}

/// The number of an interface with this hardware address, from XenD's reply to
/// `op=devices&type=vif`: `((0 ((mac …) …)) (1 …))`. Numbers of a running domain
/// have gaps after unplugging, so this is to be preferred to the order that
/// [`device_reference`] goes by.
#[must_use]
pub fn interface_number(reply: &Sxpr, mac: MacAddress) -> Option<String> {
    reply.as_list()?.iter().find_map(|entry| {
        let [number, values] = entry.as_list()? else {
            return None;
        };
        let mut pairs = values.as_list()?.iter();
        let same = pairs.any(|pair| {
            let value = pair.rest().first().and_then(Sxpr::as_atom);
            pair.name() == Some("mac") && value.and_then(|text| text.parse().ok()) == Some(mac)
        });
        same.then(|| number.as_atom().map(str::to_owned))?
    })
}

/// Class and id of a device in a domain, found in the domain's detail: a disk by
/// its name in the guest, an interface by its hardware address, a PCI function by
/// its address. `None` when the domain does not have it.
#[must_use]
pub fn device_reference(device: &Device, detail: &Sxpr) -> Option<DeviceReference> {
    let of_class = |class: &'static str| {
        let devices = detail.children("device");
        devices.filter_map(move |device| device.child(class))
    };
    match device {
        Device::Disk(disk) => disk::CLASSES.iter().find_map(|class| {
            of_class(class).find(|node| same_target(node, disk))?;
            Some(DeviceReference {
                class,
                id: disk::plain_target(disk).to_owned(),
            })
        }),
        Device::Interface(interface) => {
            let mac = interface.mac?;
            let same =
                |node: &Sxpr| node.value("mac").and_then(|text| text.parse().ok()) == Some(mac);
            let (index, node) = of_class("vif").enumerate().find(|(_, node)| same(node))?;
            let id = node
                .value("devid")
                .map_or_else(|| index.to_string(), str::to_owned);
            Some(DeviceReference { class: "vif", id })
        }
        Device::Hostdev(hostdev) => {
            let HostdevSource::Pci { address, .. } = &hostdev.source else {
                return None;
            };
            let section = |node| Section::new(node, String::new());
            let mut all = of_class("pci")
                .filter_map(|node| hostdev::read(section(node), &mut Notes::default()).ok())
                .flatten();
            all.any(|other| matches!(&other.source, HostdevSource::Pci { address: a, .. } if a == address))
                .then(|| DeviceReference { class: "pci", id: address.to_string() })
        }
        _ => None,
    }
}

fn same_target(node: &Sxpr, disk: &Disk) -> bool {
    let dev = node.value("dev").unwrap_or_default();
    let name = dev.strip_prefix("ioemu:").unwrap_or(dev);
    name.split(':').next() == Some(disk::plain_target(disk))
}

/// The domain with the backend, when it is not Domain-0. XenD says its number.
pub(super) fn backend_domain(node: &mut Section<'_>) -> Option<String> {
    let domain = node.text("backend")?;
    (!matches!(domain, "0" | "Domain-0")).then(|| domain.to_owned())
}

/// Notes what every device may have and XenD does not carry.
pub(super) fn note_info(info: &DeviceInfo, path: &str, notes: &mut Notes) {
    crate::spelling::device::note_info(info, path, "XenD", notes);
}

fn unsupported(path: String, reason: String) -> Error {
    Error::Unsupported { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sxpr::{Limits, read};

    #[test]
    fn interfaces_are_found_by_their_address() {
        let text = "((0 ((mac 00:16:3e:00:00:01) (handle 0))) (3 ((mac 00:16:3E:00:00:13))))";
        let reply = read(text, Limits::default()).unwrap();
        let number = |mac: &str| interface_number(&reply, mac.parse().unwrap());
        assert_eq!(number("00:16:3e:00:00:13").as_deref(), Some("3"));
        assert_eq!(number("00:16:3e:00:00:14"), None);
    }
}
