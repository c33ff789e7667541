//! Guests and libxl's configurations: the one place where this toolstack meets the
//! converter.

use super::Libxl;
use crate::Result;
use crate::carried::{notes, whole};
use serde_json::Value;
use virtxen_formats::Note;
use virtxen_formats::libxl::{device_to_libxl, guest_to_libxl, to_text};
use virtxen_guest::{Device, FormatOptions, Guest, Hostdev, HostdevSource};

/// What libxl does not know and the document, which it keeps, does.
const KEPT: [&str; 3] = ["/domain/title", "/domain/description", "/domain/metadata"];

/// Most ports of a USB controller.
const PORTS_MAX: u64 = 31;

impl Libxl {
    /// The configuration that makes libxl run this guest.
    pub(super) fn guest_config(&self, guest: &Guest) -> Result<String> {
        let mut config = whole(guest_to_libxl(guest, &self.inner.target))?;
        give_ports(&mut config);
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

/// Gives USB devices ports of their controllers: libxl does it, but does not keep which ones it
/// chose for a guest that it starts, and takes no device away without.
fn give_ports(config: &mut Value) {
    let list = |name: &str| config.get(name).and_then(Value::as_array);
    let controllers = list("usbctrls").into_iter().flatten();
    let ports = controllers.flat_map(|controller| {
        let number = |key: &str| controller.get(key).and_then(Value::as_u64).unwrap_or(0);
        let (devid, count) = (number("devid"), number("ports"));
        (1..=count.min(PORTS_MAX)).map(move |port| (devid, port))
    });
    let ports: Vec<_> = ports.collect();
    let devices = config.get_mut("usbdevs").and_then(Value::as_array_mut);
    let devices = devices
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut);
    for (device, (controller, port)) in devices.zip(ports) {
        device.insert("ctrl".to_owned(), Value::from(controller));
        device.insert("port".to_owned(), Value::from(port));
    }
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
    use super::*;
    use serde_json::json;

    #[test]
    fn usb_devices_get_the_ports_of_their_controllers() {
        let mut config = json!({
            "usbctrls": [{ "devid": 0, "ports": 1 }, { "devid": 2, "ports": 2 }],
            "usbdevs": [{}, {}, {}, {}],
        });
        give_ports(&mut config);
        let places = [(0, 1), (2, 1), (2, 2)].map(|(at, port)| json!({ "ctrl": at, "port": port }));
        let [first, second, third] = places;
        // The last one is libxl's, which tells that there is no port.
        assert_eq!(config["usbdevs"], json!([first, second, third, {}]));
    }
}
