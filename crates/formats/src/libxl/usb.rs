//! USB devices of the host and their controllers: `usbdevs`, `usbctrls`.

use super::section::Section;
use super::write::{Out, Writer};
use crate::convert::Notes;
use crate::spelling::device::note_info;
use serde_json::{Value, json};
use virtxen_guest::{Controller, ControllerType, Devices, Hostdev, HostdevSource, UsbSource};

/// Ports of a controller that says none.
const NORMAL_PORTS: u32 = 8;

/// The version of USB that a controller without a model has.
const NORMAL_VERSION: u32 = 2;

/// What libxl calls controllers that the emulator has.
const EMULATED: &str = "devicemodel";

/// A model of controllers in documents and in libxl's words.
struct Model {
    name: &'static str,
    kind: &'static str,
    version: u32,
    /// Of one that says none; libxl's emulated ones of versions 1 and 2 have no other number.
    ports: u32,
}

const MODELS: &[Model] = &[
    model("qusb1", "qusb", 1, NORMAL_PORTS),
    model("qusb2", "qusb", 2, NORMAL_PORTS),
    model("piix3-uhci", EMULATED, 1, 2),
    model("ehci", EMULATED, 2, 6),
    model("nec-xhci", EMULATED, 3, NORMAL_PORTS),
];

const fn model(name: &'static str, kind: &'static str, version: u32, ports: u32) -> Model {
    Model {
        name,
        kind,
        version,
        ports,
    }
}

/// Writes devices and controllers; devices without controllers get some.
pub(super) fn write(writer: &mut Writer<'_>) {
    let devices = &writer.guest.devices;
    let mut usbdevs = Vec::new();
    for (i, hostdev) in devices.hostdevs.iter().enumerate() {
        let HostdevSource::Usb(source) = &hostdev.source else {
            continue;
        };
        let path = format!("/domain/devices/hostdev[{}]", i + 1);
        let small = |number: Option<u32>| number.and_then(|it| u8::try_from(it).ok());
        match (small(source.bus), small(source.device)) {
            (Some(bus), Some(device)) => {
                let place = json!({ "hostbus": bus, "hostaddr": device });
                usbdevs.push(json!({ "type.hostdev": place }));
            }
            _ => {
                let reason = "libxl finds USB devices by bus and device, not by product";
                writer.notes.essential(format!("{path}/source"), reason);
            }
        }
        note_info(&hostdev.info, &path, "libxl", &mut writer.notes);
    }
    let mut controllers = Vec::new();
    let mut numbered = devices.controllers.clone();
    Controller::number(&mut numbered);
    for (i, controller) in numbered.iter().enumerate() {
        if controller.kind != ControllerType::Usb {
            continue;
        }
        let path = format!("/domain/devices/controller[{}]", i + 1);
        let name = controller.model.as_deref();
        let mut models = MODELS.iter();
        let Some(model) = models.find(|model| match name {
            None => model.version == NORMAL_VERSION,
            Some(name) => model.name == name && (model.kind != EMULATED || writer.guest.is_hvm()),
        }) else {
            let reason = format!("libxl has no USB controller {}", name.unwrap_or_default());
            writer.notes.essential(format!("{path}/@model"), reason);
            continue;
        };
        let index = controller.index.unwrap_or_default();
        let ports = controller.ports.unwrap_or(model.ports);
        controllers.push(controller_of(index, model.kind, model.version, ports));
        note_info(&controller.info, &path, "libxl", &mut writer.notes);
    }
    if controllers.is_empty() {
        let count = u32::try_from(usbdevs.len()).unwrap_or(u32::MAX);
        let count = count.div_ceil(NORMAL_PORTS);
        let usual =
            (0..count).map(|index| controller_of(index, "qusb", NORMAL_VERSION, NORMAL_PORTS));
        controllers.extend(usual);
    }
    writer.list("usbctrls", controllers, "/domain/devices/controller");
    writer.list("usbdevs", usbdevs, "/domain/devices/hostdev");
}

fn controller_of(index: u32, kind: &str, version: u32, ports: u32) -> Value {
    let mut out = Out::new("device_usbctrl", super::Release::NEWEST);
    out.set("type", kind);
    out.set("devid", index);
    out.set("version", version);
    out.set("ports", ports);
    out.into_value()
}

/// Reads devices and controllers.
pub(super) fn read(config: &mut Section<'_>, devices: &mut Devices, notes: &mut Notes) {
    for (index, controller) in (0..).zip(config.list("usbctrls", notes)) {
        let controller = read_controller(controller, index, notes);
        devices.controllers.push(controller);
    }
    for device in config.list("usbdevs", notes) {
        devices.hostdevs.extend(read_device(device, notes));
    }
}

fn read_controller(mut section: Section<'_>, index: u32, notes: &mut Notes) -> Controller {
    let devid: Option<i64> = section.count("devid", notes);
    let devid = devid.and_then(|devid| u32::try_from(devid).ok());
    let version = section.count("version", notes).unwrap_or(0);
    let ports = section.count("ports", notes).unwrap_or(0);
    let is_emulated = section.word("type", notes) == Some(EMULATED);
    // libxl takes 0 for what it does when nothing is said.
    let version = if version == 0 {
        NORMAL_VERSION
    } else {
        version
    };
    let mut models = MODELS.iter();
    let model = models.find(|it| it.version == version && (it.kind == EMULATED) == is_emulated);
    if model.is_none() {
        let reason = format!("a document has no controller of version {version}");
        notes.essential(section.place("version"), reason);
    }
    let normal_ports = model.map_or(NORMAL_PORTS, |model| model.ports);
    section.finish(notes);
    Controller {
        model: model.map(|model| model.name.to_owned()),
        ports: Some(if ports == 0 { normal_ports } else { ports }),
        ..Controller::new(ControllerType::Usb, devid.unwrap_or(index))
    }
}

fn read_device(mut section: Section<'_>, notes: &mut Notes) -> Option<Hostdev> {
    let mut source = section.section("type.hostdev", notes);
    let bus = source.count("hostbus", notes).filter(|bus: &u32| *bus > 0);
    let device = source.count("hostaddr", notes).filter(|it: &u32| *it > 0);
    let (place, number) = (section.number("ctrl", notes), section.number("port", notes));
    let placed = place.is_some_and(|ctrl| ctrl > 0) || number.is_some_and(|port| port > 1);
    if placed {
        let reason = "the controller and its port are chosen anew";
        notes.setting(section.place("port"), reason);
    }
    source.finish(notes);
    if bus.is_none() || device.is_none() {
        let reason = "it names no bus and device";
        notes.essential(section.place("type.hostdev"), reason);
        return None;
    }
    section.finish(notes);
    let mut hostdev = Hostdev::new(HostdevSource::Usb(UsbSource {
        bus,
        device,
        ..UsbSource::default()
    }));
    hostdev.managed = Some(false);
    Some(hostdev)
}
