//! Ports and consoles: `serial`, `serial_list` with qemu's words. A paravirtualized
//! guest's console is not said, it has one anyway.
//!
//! Channels are in `channel`.

use super::guest::Parts;
use super::write::Writer;
use crate::convert::Notes;
use crate::spelling::chardev::{at_port, none, parse, pv_console, words};
use crate::spelling::device::note_info;
use virtxen_guest::{Chardev, ChardevSource, ChardevTargetType, Devices};

/// qemu has four serial ports; a document that asks for more than this is not meant.
const MOST_PORTS: u32 = 64;

/// Port of UDP packets that nobody sends back.
const ANY_PORT: &str = "0";

/// Writes the ports of a fully virtualized guest and notes what no guest has.
pub(super) fn write(writer: &mut Writer<'_>) {
    let devices = &writer.guest.devices;
    for i in 1..=devices.parallels.len() {
        let path = format!("/domain/devices/parallel[{i}]");
        writer.notes.essential(path, "libxl has no parallel ports");
    }
    if writer.is_hvm() {
        write_ports(writer);
    } else {
        for i in 1..=devices.serials.len() {
            let path = format!("/domain/devices/serial[{i}]");
            let reason = "a paravirtualized guest has no emulated ports";
            writer.notes.essential(path, reason);
        }
    }
    let usual = match writer.is_hvm() {
        true => ChardevTargetType::Serial,
        false => ChardevTargetType::Xen,
    };
    for (i, console) in devices.consoles.iter().enumerate() {
        let path = format!("/domain/devices/console[{}]", i + 1);
        let kind = console.target.kind.unwrap_or(usual);
        let is_pty = matches!(console.source, ChardevSource::Pty { .. });
        match kind {
            // It mirrors the port.
            ChardevTargetType::Serial if writer.is_hvm() => {}
            ChardevTargetType::Xen if i == 0 && is_pty => {}
            ChardevTargetType::Xen if is_pty => {
                writer
                    .notes
                    .essential(path, "libxl gives a guest one console");
            }
            ChardevTargetType::Xen => {
                let reason = "Xen's console is a terminal";
                writer.notes.setting(format!("{path}/@type"), reason);
            }
            kind => {
                let reason = format!("libxl has no console of type '{kind}'");
                writer
                    .notes
                    .essential(format!("{path}/target/@type"), reason);
            }
        }
    }
}

fn write_ports(writer: &mut Writer<'_>) {
    let mut ports: Vec<Option<String>> = Vec::new();
    for (i, serial) in writer.guest.devices.serials.iter().enumerate() {
        let path = format!("/domain/devices/serial[{}]", i + 1);
        let next = u32::try_from(ports.len()).unwrap_or(u32::MAX);
        let port = serial.target.port.unwrap_or(next);
        if port >= MOST_PORTS {
            let reason = format!("port {port} is beyond the {MOST_PORTS} that are written");
            writer.notes.essential(path, reason);
            continue;
        }
        let place = port as usize;
        if ports.len() <= place {
            ports.resize(place + 1, None);
        }
        note_info(&serial.info, &path, "libxl", &mut writer.notes);
        let word = word(serial, &path, &mut writer.notes);
        match ports.get_mut(place) {
            Some(free @ None) => *free = Some(word),
            _ => {
                let reason = format!("port {port} is another one's");
                writer.notes.essential(path, reason);
            }
        }
    }
    let words: Vec<String> = ports
        .into_iter()
        .map(|port| port.unwrap_or_else(none))
        .collect();
    match words.as_slice() {
        [] => {}
        [only] => writer.own.set("serial", only.clone()),
        _ => writer.own.set("serial_list", words),
    }
}

fn word(serial: &Chardev, path: &str, notes: &mut Notes) -> String {
    let mut source = serial.source.clone();
    if let ChardevSource::Udp { bind_service, .. } = &mut source {
        bind_service.get_or_insert_with(|| ANY_PORT.to_owned());
    }
    words(&source, path, notes)
}

/// Reads ports of a fully virtualized guest, or gives the console of another.
pub(super) fn read(parts: &mut Parts<'_, '_>, devices: &mut Devices, notes: &mut Notes) {
    if !parts.is_hvm() {
        devices.consoles.push(pv_console(None));
        return;
    }
    let mut words = parts.own.texts("serial_list", notes);
    if words.is_empty() {
        words.extend(parts.own.text("serial", notes));
    }
    let place = parts.own.place("serial");
    if words.len() > MOST_PORTS as usize {
        let reason = format!("only {MOST_PORTS} ports are read");
        notes.essential(place.clone(), reason);
    }
    for (port, word) in (0..MOST_PORTS).zip(&words) {
        let Some(mut source) = parse(word, &place, notes) else {
            continue;
        };
        if let ChardevSource::Udp { bind_service, .. } = &mut source {
            bind_service.take_if(|service| service == ANY_PORT);
        }
        devices.serials.push(at_port(source, port));
    }
}
