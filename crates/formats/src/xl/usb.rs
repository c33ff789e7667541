//! USB devices of the host and their paravirtual controllers: `usbdev`, `usbctrl`.

use crate::convert::{Notes, excerpt};
use crate::keys::{Entry, Out, Settings, Words};
use crate::spelling::device::note_info;
use virtxen_guest::{Controller, ControllerType, Devices, Hostdev, HostdevSource, UsbSource};

/// Ports and version of a controller that says none.
const NORMAL_PORTS: u32 = 8;
const NORMAL_VERSION: u32 = 2;

/// Models of controllers by version.
const MODELS: &[(u32, &str)] = &[(1, "qusb1"), (2, "qusb2")];

/// Reads devices and controllers.
pub(crate) fn read(file: &mut Settings<'_>, devices: &mut Devices, notes: &mut Notes) {
    for entry in file.entries("usbdev", notes) {
        devices.hostdevs.extend(read_device(&entry, notes));
    }
    for (index, entry) in (0..).zip(file.entries("usbctrl", notes)) {
        devices
            .controllers
            .push(read_controller(&entry, index, notes));
    }
}

fn read_device(entry: &Entry, notes: &mut Notes) -> Option<Hostdev> {
    let mut words = Words::new(entry);
    // xl reads both as hexadecimal numbers.
    let bus = words.number("hostbus", 16, notes);
    let device = words.number("hostaddr", 16, notes);
    if !matches!(words.text("type"), None | Some("hostdev")) {
        words.note("type", "only devices of the host are known here", notes);
    }
    for key in ["controller", "port"] {
        if words.text(key).is_some() {
            words.note(key, "the place is chosen anew", notes);
        }
    }
    words.finish(notes);
    if bus.is_none() || device.is_none() {
        let reason = format!("'{}' names no bus and device", excerpt(&entry.text));
        notes.essential_at(entry.path.clone(), entry.at, reason);
        return None;
    }
    let mut hostdev = Hostdev::new(HostdevSource::Usb(UsbSource {
        bus,
        device,
        ..UsbSource::default()
    }));
    hostdev.managed = Some(false);
    Some(hostdev)
}

fn read_controller(entry: &Entry, index: u32, notes: &mut Notes) -> Controller {
    let mut words = Words::new(entry);
    let version = words.number("version", 10, notes).unwrap_or(NORMAL_VERSION);
    let ports = words.number("ports", 10, notes).unwrap_or(NORMAL_PORTS);
    let model = MODELS.iter().find(|(known, _)| *known == version);
    if model.is_none() {
        words.note("version", "it is not known here", notes);
    }
    match words.text("type") {
        None | Some("auto" | "qusb" | "pv") => {}
        Some(other) => {
            let reason = format!("'{}' is not known here", excerpt(other));
            words.note("type", reason, notes);
        }
    }
    words.finish(notes);
    Controller {
        model: model.map(|(_, model)| (*model).to_owned()),
        ports: Some(ports),
        ..Controller::new(ControllerType::Usb, index)
    }
}

/// Writes devices and controllers.
pub(crate) fn write(devices: &Devices, out: &mut Out, notes: &mut Notes) {
    let mut texts = Vec::new();
    for (i, hostdev) in devices.hostdevs.iter().enumerate() {
        let HostdevSource::Usb(source) = &hostdev.source else {
            continue;
        };
        let path = format!("/domain/devices/hostdev[{}]", i + 1);
        match (source.bus, source.device) {
            (Some(bus), Some(device)) => {
                texts.push(format!("hostbus={bus:x},hostaddr={device:x}"));
            }
            _ => {
                let reason = "xl finds USB devices by bus and device, not by product";
                notes.essential(format!("{path}/source"), reason);
            }
        }
        note_info(&hostdev.info, &path, "xl", notes);
    }
    out.texts("usbdev", texts);
    let mut texts = Vec::new();
    for (i, controller) in devices.controllers.iter().enumerate() {
        if controller.kind != ControllerType::Usb {
            continue;
        }
        let path = format!("/domain/devices/controller[{}]", i + 1);
        let mut words = Vec::new();
        if let Some(model) = &controller.model {
            match MODELS.iter().find(|(_, known)| known == model) {
                Some((version, _)) => words.push(format!("type=qusb,version={version}")),
                None => {
                    let reason = format!("xl has no USB controller {model}");
                    notes.essential(format!("{path}/@model"), reason);
                    continue;
                }
            }
        }
        words.extend(controller.ports.map(|ports| format!("ports={ports}")));
        if words.is_empty() {
            words.push(format!("version={NORMAL_VERSION}"));
        }
        texts.push(words.join(","));
        note_info(&controller.info, &path, "xl", notes);
    }
    out.texts("usbctrl", texts);
}
