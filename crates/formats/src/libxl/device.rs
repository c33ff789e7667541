//! One device for a guest that runs: what libxl is given to add it or take it away.
//!
//! What a device looks like is in the file of its family.

use super::guest::guest_to_libxl;
use super::text::{TextError, read_text, to_text};
use super::{Target, input};
use crate::convert::{Converted, Error, Notes, excerpt};
use serde_json::Value;
use virtxen_guest::{
    ControllerType, Device, DiskBus, DiskDevice, Guest, HostdevSource, InterfaceSource, OsType,
    PciAddress,
};

/// A device in libxl's JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceConfig {
    /// Which list of `libxl_domain_config` it would be in: `disks`, `nics`, `pcidevs`,
    /// `usbctrls`, `usbdevs` or `vkbs`.
    pub list: &'static str,
    /// The structure.
    pub value: Value,
}

/// A device as libxl of a release takes it for a running guest, fully virtualized
/// (`hvm`) or not. Numbers that libxl has to choose are left out.
///
/// # Errors
/// When libxl cannot plug such a device, or it would be another one.
pub fn device_to_libxl(
    device: &Device,
    hvm: bool,
    target: &Target,
) -> Result<Converted<DeviceConfig>, Error> {
    let path = format!("/{}", device.element_name());
    if let Device::Input(it) = device {
        return input::plugged(it, &path, target);
    }
    let mut notes = Notes::default();
    let list = list_of(device, &path)?;
    let mut guest = Guest::new("guest");
    guest.os.kind = if hvm { OsType::Hvm } else { OsType::Xen };
    guest.devices.push(device.clone());
    let whole = guest_to_libxl(&guest, target)?;
    let place = format!("/domain/devices{path}[1]");
    for note in whole.notes {
        let Some(rest) = note.path.strip_prefix(&place) else {
            continue;
        };
        let path = format!("{path}{rest}");
        if note.essential {
            notes.essential(path, note.reason);
        } else {
            notes.setting(path, note.reason);
        }
    }
    let configs = whole.value.get(list).and_then(Value::as_array);
    let Some(mut value) = configs.and_then(|list| list.first()).cloned() else {
        let reason = match notes.first_essential() {
            Some(note) => note.reason.clone(),
            None => format!("libxl of Xen {} has no {list}", target.release),
        };
        return Err(unsupported(path, reason));
    };
    if let Some(map) = value.as_object_mut() {
        match device {
            // Without it the model of a plugged card would be emulated.
            Device::Interface(interface) if list == "nics" => {
                map.remove("devid");
                map.insert("nictype".to_owned(), Value::from("vif"));
                let model = interface.model.as_deref().filter(|it| *it != "netfront");
                if let Some(model) = model.filter(|_| hvm) {
                    map.remove("model");
                    let reason = format!(
                        "a card that is added to a running guest is paravirtual, not a {}",
                        excerpt(model)
                    );
                    notes.setting(format!("{path}/model/@type"), reason);
                }
            }
            Device::Controller(controller) if controller.index.is_none() => {
                map.remove("devid");
            }
            _ => {}
        }
    }
    Ok(notes.into_converted(DeviceConfig { list, value }))
}

/// A device as it stands in the configuration that libxl keeps of a running guest, with
/// the numbers that libxl chose: what it has to be given to take the device away.
///
/// # Errors
/// When the text is no JSON or too much of it.
pub fn plugged_device(config: &str, device: &Device) -> Result<Option<String>, TextError> {
    let Ok(list) = list_of(device, "") else {
        return Ok(None);
    };
    let config = read_text(config)?;
    let list = config.get(list).and_then(Value::as_array);
    let mut list = list.into_iter().flatten();
    let found = list.find(|there| is_it(there, device));
    Ok(found.map(to_text))
}

fn is_it(there: &Value, device: &Device) -> bool {
    let text = |key: &str| there.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |value: &Value, key: &str| {
        let number = value.get(key).and_then(Value::as_u64);
        // What is not said is what libxl takes for it.
        Some(number.and_then(|it| u32::try_from(it).ok()).unwrap_or(0))
    };
    let function = |address: &PciAddress| {
        number(there, "domain") == Some(address.domain)
            && number(there, "bus") == Some(address.bus.into())
            && number(there, "dev") == Some(address.slot.into())
            && number(there, "func") == Some(address.function.into())
    };
    match device {
        Device::Disk(disk) => text("vdev") == disk.target,
        Device::Interface(interface) => match (&interface.source, interface.mac) {
            (InterfaceSource::Hostdev { address, .. }, _) => function(address),
            (_, Some(mac)) => text("mac").parse() == Ok(mac),
            (_, None) => false,
        },
        Device::Controller(controller) => number(there, "devid") == controller.index,
        Device::Hostdev(hostdev) => match &hostdev.source {
            HostdevSource::Pci { address, .. } => function(address),
            HostdevSource::Usb(usb) => there.get("type.hostdev").is_some_and(|place| {
                number(place, "hostbus") == usb.bus && number(place, "hostaddr") == usb.device
            }),
            HostdevSource::Other(_) => false,
        },
        _ => false,
    }
}

fn list_of(device: &Device, path: &str) -> Result<&'static str, Error> {
    Ok(match device {
        Device::Disk(disk) if disk.device == DiskDevice::Disk => match disk.bus {
            None | Some(DiskBus::Xen) => "disks",
            Some(bus) => {
                let reason = format!("libxl plugs disks of the bus xen only, not {bus}");
                return Err(unsupported(format!("{path}/target/@bus"), reason));
            }
        },
        Device::Disk(disk) if disk.device == DiskDevice::Cdrom => "disks",
        Device::Interface(interface) => match interface.source {
            InterfaceSource::Hostdev { .. } => "pcidevs",
            _ => "nics",
        },
        Device::Hostdev(hostdev) => match hostdev.source {
            HostdevSource::Usb(_) => "usbdevs",
            _ => "pcidevs",
        },
        Device::Controller(controller) if controller.kind == ControllerType::Usb => "usbctrls",
        other => {
            let reason = format!("libxl cannot plug a {}", other.element_name());
            return Err(unsupported(path.to_owned(), reason));
        }
    })
}

pub(super) fn unsupported(path: String, reason: String) -> Error {
    Error::Unsupported { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libxl::{Release, text_to_guest};
    use serde_json::json;
    use virtxen_guest::{ParseOptions, parse_device};

    fn plugged(xml: &str, hvm: bool) -> Result<Converted<DeviceConfig>, Error> {
        let device = parse_device(xml, &ParseOptions::default()).unwrap().value;
        device_to_libxl(&device, hvm, &Target::new(Release::NEWEST))
    }

    #[test]
    fn a_device_is_what_it_is_in_a_guest() {
        let disk = "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
                    <source file='/a.qcow2'/><target dev='xvdb' bus='xen'/><shareable/></disk>";
        let disk = plugged(disk, false).unwrap();
        assert_eq!(disk.value.list, "disks");
        assert_eq!(disk.value.value["format"], "qcow2");
        assert_eq!(disk.notes[0].path, "/disk/shareable");
        let card = "<interface type='bridge'><mac address='00:16:3e:00:00:01'/>\
                    <source bridge='br0'/><model type='e1000'/></interface>";
        let card = plugged(card, true).unwrap();
        assert_eq!(card.value.value["nictype"], "vif");
        assert_eq!(card.value.value.get("devid"), None);
        assert_eq!(card.notes[0].path, "/interface/model/@type");
        let usb = "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/>\
                   </source></hostdev>";
        assert_eq!(plugged(usb, false).unwrap().value.list, "usbdevs");
        let controller = "<controller type='usb' model='qusb2'/>";
        let controller = plugged(controller, false).unwrap().value;
        assert_eq!(controller.list, "usbctrls");
        let emulated = "<controller type='usb' index='1' model='ehci'/>";
        assert!(plugged(emulated, false).is_err());
        let emulated = plugged(emulated, true).unwrap().value.value;
        let kept = json!({ "type": "devicemodel", "devid": 1, "version": 2, "ports": 6 });
        assert_eq!(emulated, kept);
        let config = json!({ "c_info": { "name": "g", "type": "hvm" }, "usbctrls": [kept] });
        let guest = text_to_guest(&config.to_string()).unwrap().value;
        let controller = &guest.devices.controllers[0];
        assert_eq!(
            (controller.model.as_deref(), controller.ports),
            (Some("ehci"), Some(6))
        );
    }

    #[test]
    fn an_input_device_of_xens_is_nothing_else() {
        let of = |kind: &str, bus: &str, release: Release| {
            let xml = format!("<input type='{kind}' bus='{bus}'/>");
            let device = parse_device(&xml, &ParseOptions::default()).unwrap().value;
            device_to_libxl(&device, true, &Target::new(release))
        };
        let newest = |kind| of(kind, "xen", Release::NEWEST).unwrap().value;
        assert_eq!(newest("keyboard").list, "vkbs");
        let tablet = json!({
            "backend_type": "qemu", "feature_disable_keyboard": true, "feature_abs_pointer": true
        });
        assert_eq!(newest("tablet").value, tablet);
        let mouse = json!({ "backend_type": "qemu", "feature_disable_keyboard": true });
        assert_eq!(newest("mouse").value, mouse);
        let old = of("mouse", "xen", Release::new(4, 11).unwrap());
        let why = old.unwrap_err().to_string();
        assert!(why.contains("4.11 has no"), "{why}");
        assert!(of("tablet", "usb", Release::NEWEST).is_err());
    }

    #[test]
    fn a_device_is_found_with_its_number() {
        let config = r#"{"c_info": {}, "nics": [
            {"devid": 0, "mac": "00:16:3e:00:00:01"},
            {"devid": 3, "mac": "00:16:3E:00:00:02"}],
            "pcidevs": [{"bus": 3, "dev": 2}]}"#;
        let found = |xml: &str| {
            let device = parse_device(xml, &ParseOptions::default()).unwrap().value;
            plugged_device(config, &device).unwrap()
        };
        let card =
            found("<interface type='ethernet'><mac address='00:16:3e:00:00:02'/></interface>");
        assert!(card.unwrap().contains("\"devid\": 3"));
        let function = |slot: u8| {
            format!(
                "<hostdev mode='subsystem' type='pci'><source><address bus='3' slot='{slot}' \
                 function='0'/></source></hostdev>"
            )
        };
        assert!(found(&function(2)).is_some());
        assert!(found(&function(1)).is_none());
        let disk = "<disk type='block' device='disk'><target dev='xvda'/></disk>";
        assert!(found(disk).is_none());
    }

    #[test]
    fn what_cannot_be_plugged_is_refused() {
        for xml in [
            "<disk type='file' device='disk'><source file='/a'/><target dev='hdb' bus='ide'/></disk>",
            "<disk type='file' device='floppy'><source file='/a'/><target dev='fda'/></disk>",
            "<sound model='ac97'/>",
            "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/>\
             </source></hostdev>",
        ] {
            let error = plugged(xml, true).unwrap_err();
            assert!(error.as_note().is_some(), "{error}");
        }
    }

    #[test]
    fn controllers_without_a_number_get_one_that_is_free() {
        let mut guest = Guest::new("g");
        for xml in [
            "<controller type='usb'/>",
            "<controller type='usb' index='0'/>",
        ] {
            let device = parse_device(xml, &ParseOptions::default()).unwrap();
            guest.devices.push(device.value);
        }
        let target = Target::new(Release::NEWEST);
        let config = guest_to_libxl(&guest, &target).unwrap().value;
        let numbers = config["usbctrls"].as_array().unwrap().iter();
        let numbers: Vec<u64> = numbers.filter_map(|it| it["devid"].as_u64()).collect();
        assert_eq!(numbers, [1, 0]);
    }
}
