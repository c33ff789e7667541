//! Guests and libxl's configurations: the one place where this toolstack meets the
//! converter.

use super::Libxl;
use crate::carried::{notes, whole};
use crate::xenstore::StoredUsb;
use crate::{Error, Result};
use serde_json::{Value, json};
use virtxen_formats::Note;
use virtxen_formats::libxl::{device_to_libxl, guest_to_libxl, to_text};
use virtxen_guest::{Device, FormatOptions, Guest, Hostdev, HostdevSource, PciAddress, UsbSource};

/// What libxl does not know and the document, which it keeps, does.
const KEPT: [&str; 3] = ["/domain/title", "/domain/description", "/domain/metadata"];

impl Libxl {
    /// The configuration that makes libxl run this guest.
    pub(super) fn guest_config(&self, guest: &Guest) -> Result<String> {
        let config = whole(guest_to_libxl(guest, &self.inner.target))?;
        Ok(to_text(&config))
    }

    /// What of a guest libxl does not carry.
    pub(crate) fn losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        let mut guest = guest.clone();
        guest.devices.hostdevs.iter_mut().for_each(find_later);
        let mut notes = notes(guest_to_libxl(&guest, &self.inner.target))?;
        notes.retain(|note| {
            // `devices` takes those from their drivers.
            let is_done = note.path.ends_with("/@managed");
            note.essential || !(is_done || KEPT.contains(&note.path.as_str()))
        });
        Ok(notes)
    }

    /// What of a device libxl does not carry.
    pub(crate) fn device_losses(&self, device: &Device, hvm: bool) -> Result<Vec<Note>> {
        let mut device = device.clone();
        if let Device::Hostdev(hostdev) = &mut device {
            find_later(hostdev);
        }
        notes(device_to_libxl(&device, hvm, &self.inner.target))
    }

    /// The configuration of a device that is plugged, and in which list it is.
    pub(super) fn plug_config(&self, device: &Device, hvm: bool) -> Result<(&'static str, String)> {
        let config = whole(device_to_libxl(device, hvm, &self.inner.target))?;
        Ok((config.list, to_text(&config.value)))
    }
}

/// What libxl keeps of a guest, with these USB devices instead of those in it.
pub(super) fn with_usb<'a>(
    config: &str,
    devices: impl Iterator<Item = (&'a StoredUsb, UsbSource)>,
) -> Result<String> {
    let devices = devices.map(|(device, place)| {
        json!({
            "ctrl": device.controller,
            "port": device.port,
            "type.hostdev": { "hostbus": place.bus, "hostaddr": place.device },
        })
    });
    let devices: Vec<Value> = devices.collect();
    with_list(config, "usbdevs", |_| devices)
}

/// What libxl keeps of a guest, with those of these PCI devices that are not in it.
pub(super) fn with_pci(config: &str, devices: &[PciAddress]) -> Result<String> {
    with_list(config, "pcidevs", |mut list| {
        for it in devices {
            // libxl leaves a 0 out.
            let is_it = |kept: &Value| {
                let number = |key| kept.get(key).and_then(Value::as_u64).unwrap_or(0);
                (number("domain"), number("bus")) == (it.domain.into(), it.bus.into())
                    && (number("dev"), number("func")) == (it.slot.into(), it.function.into())
            };
            if !list.iter().any(is_it) {
                list.push(pci_function(*it));
            }
        }
        list
    })
}

/// `libxl_device_pci`
pub(super) fn pci_function(it: PciAddress) -> Value {
    json!({ "domain": it.domain, "bus": it.bus, "dev": it.slot, "func": it.function })
}

fn with_list(
    config: &str,
    list: &str,
    change: impl FnOnce(Vec<Value>) -> Vec<Value>,
) -> Result<String> {
    let mut config: Value = serde_json::from_str(config).map_err(|error| Error::Guest {
        reason: format!("what libxl keeps of it: {error}"),
    })?;
    if let Some(config) = config.as_object_mut() {
        let before = match config.remove(list) {
            Some(Value::Array(before)) => before,
            _ => Vec::new(),
        };
        config.insert(list.to_owned(), Value::from(change(before)));
    }
    Ok(to_text(&config))
}

/// A USB device that is named by its product gets its place when the guest gets it: any
/// place stands for that.
fn find_later(hostdev: &mut Hostdev) {
    if let HostdevSource::Usb(usb) = &mut hostdev.source
        && usb.product.is_some()
    {
        usb.bus.get_or_insert(1);
        usb.device.get_or_insert(1);
    }
}

/// The document that libxl keeps of a guest that runs, as libvirt's driver writes it.
pub(super) fn document(guest: &Guest) -> String {
    let options = FormatOptions {
        inactive: false,
        secure: true,
        migratable: false,
    };
    virtxen_guest::format_guest(guest, &options)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

    use super::*;

    #[test]
    fn pci_devices_are_those_that_are_kept_and_those_that_are_not() {
        let kept = r#"{"pcidevs": [{"bus": 3, "msitranslate": true}]}"#;
        let there: [PciAddress; 2] = ["0000:03:00.0", "0001:00:10.2"].map(|it| it.parse().unwrap());
        let config = with_pci(kept, &there).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let more = json!({ "domain": 1, "bus": 0, "dev": 16, "func": 2 });
        let first = json!({ "bus": 3, "msitranslate": true });
        assert_eq!(config, json!({ "pcidevs": [first, more] }));
        assert!(with_pci("{}", &there[1..]).unwrap().contains("pcidevs"));
    }

    #[test]
    fn usb_devices_are_those_that_the_guest_has() {
        let kept = r#"{"c_info": {"name": "g"}, "usbdevs": [{"type.hostdev": {"hostbus": 9}}]}"#;
        let there = StoredUsb {
            controller: 0,
            port: 2,
            name: "1-4".to_owned(),
        };
        let place = UsbSource {
            bus: Some(1),
            device: Some(5),
            ..UsbSource::default()
        };
        let config = with_usb(kept, [(&there, place)].into_iter()).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let hostdev = json!({ "hostbus": 1, "hostaddr": 5 });
        let device = json!({ "ctrl": 0, "port": 2, "type.hostdev": hostdev });
        assert_eq!(config["usbdevs"], json!([device]));
        assert_eq!(config["c_info"]["name"], "g");
    }
}
