//! Serial and parallel ports and consoles: XenD hands qemu's words for them
//! through (`pty`, `/dev/ttyS0`, `telnet:localhost:9999,server,nowait`).
//!
//! Fully virtualized guests have ports, paravirtualized ones a console that XenD
//! does not list as a setting.

use super::dialect::Source;
use super::section::Section;
use super::{Sxpr, dialect::ConfigVersion};
use crate::convert::Notes;
use crate::spelling::chardev::{at_port, none, parse, pv_console, words};
use virtxen_guest::{Chardev, ChardevSource, ChardevTargetType, Devices};

/// qemu-dm of every Xen has four serial ports; a list that asks for more than
/// this is not one.
const MOST_PORTS: u32 = 64;

/// Ports of a fully virtualized guest, or the console of a paravirtualized one.
pub(super) fn read(
    image: Option<&mut Section<'_>>,
    source: &Source<'_>,
    devices: &mut Devices,
    notes: &mut Notes,
) {
    if !source.hvm {
        if source.domid.is_none_or(|id| id.0 != 0) {
            devices
                .consoles
                .push(pv_console(source.runtime.tty.clone()));
        }
        return;
    }
    let Some(image) = image else { return };
    for (port, text) in (0..MOST_PORTS).zip(serials(image)) {
        let path = format!("{}/serial", image.path());
        if let Some(source) = parse(text, &path, notes) {
            devices.serials.push(at_port(source, port));
        }
    }
    let first_pty = devices
        .serials
        .iter_mut()
        .find_map(|serial| match &mut serial.source {
            ChardevSource::Pty { path } => Some(path),
            _ => None,
        });
    if let Some(path) = first_pty {
        path.clone_from(&source.runtime.tty);
    }
    if let Some(text) = image.value("parallel") {
        let path = format!("{}/parallel", image.path());
        let parallel = parse(text, &path, notes).map(|source| at_port(source, 0));
        devices.parallels.extend(parallel);
    }
}

/// Ports of a fully virtualized guest into its image.
pub(super) fn write_ports(
    devices: &Devices,
    version: ConfigVersion,
    image: &mut Vec<Sxpr>,
    notes: &mut Notes,
) {
    for (i, parallel) in devices.parallels.iter().enumerate().skip(1) {
        let path = format!("/domain/devices/parallel[{}]", i + 1);
        notes.essential(
            path,
            format!("XenD has one parallel port, not {}", parallel.source.kind()),
        );
    }
    let parallel = devices.parallels.first().map(|port| {
        info(port, "/domain/devices/parallel[1]", notes);
        words(&port.source, "/domain/devices/parallel[1]", notes)
    });
    image.push(Sxpr::pair("parallel", parallel.unwrap_or_else(none)));
    image.push(serial_list(&serials_of(devices, notes), version, notes));
}

/// Ports of a paravirtualized guest, which has none.
pub(super) fn note_ports_of_pv(devices: &Devices, notes: &mut Notes) {
    for (family, count) in [
        ("serial", devices.serials.len()),
        ("parallel", devices.parallels.len()),
    ] {
        for i in 1..=count {
            notes.essential(
                format!("/domain/devices/{family}[{i}]"),
                "a paravirtualized guest has no emulated ports",
            );
        }
    }
    for (i, console) in devices.consoles.iter().enumerate() {
        let path = format!("/domain/devices/console[{}]", i + 1);
        let plain = matches!(console.source, ChardevSource::Pty { .. })
            && matches!(
                console.target.kind,
                None | Some(ChardevTargetType::Xen | ChardevTargetType::Serial)
            );
        if i > 0 {
            notes.essential(path, "XenD gives a guest one console");
        } else if !plain {
            notes.essential(path, "XenD's console is always a pseudo terminal");
        } else {
            info(console, &path, notes);
        }
    }
}

/// Channels, which XenD does not have.
pub(super) fn note_channels(devices: &Devices, notes: &mut Notes) {
    for i in 1..=devices.channels.len() {
        notes.essential(
            format!("/domain/devices/channel[{i}]"),
            "XenD has no channels",
        );
    }
}

/// The words of all serial ports: XenD 3.0.x has one, later ones a list.
fn serials<'a>(image: &mut Section<'a>) -> Vec<&'a str> {
    if let Some(text) = image.value("serial") {
        return vec![text];
    }
    let Some(list) = image.child("serial") else {
        return Vec::new();
    };
    match list.rest() {
        [Sxpr::List { items, .. }] => items.iter().filter_map(Sxpr::as_atom).collect(),
        atoms => atoms.iter().filter_map(Sxpr::as_atom).collect(),
    }
}

/// The serial ports with their numbers. A console that is not Xen's own stands
/// for the first port when there is no other, as libvirt has it.
fn serials_of<'a>(devices: &'a Devices, notes: &mut Notes) -> Vec<(u32, &'a Chardev)> {
    let mut ports: Vec<(u32, &Chardev)> = Vec::new();
    for (i, serial) in devices.serials.iter().enumerate() {
        let path = format!("/domain/devices/serial[{}]", i + 1);
        let next = ports.iter().map(|(port, _)| port + 1).max().unwrap_or(0);
        let port = serial.target.port.unwrap_or(next);
        if port >= MOST_PORTS {
            notes.essential(path, format!("XenD has no serial port {port}"));
        } else if ports.iter().any(|(taken, _)| *taken == port) {
            notes.essential(path, format!("port {port} is taken"));
        } else {
            info(serial, &path, notes);
            ports.push((port, serial));
        }
    }
    let first = devices.consoles.first().filter(|console| {
        ports.is_empty() && matches!(console.target.kind, None | Some(ChardevTargetType::Serial))
    });
    if let Some(console) = first {
        ports.push((0, console));
    }
    ports
}

fn serial_list(ports: &[(u32, &Chardev)], version: ConfigVersion, notes: &mut Notes) -> Sxpr {
    let mut word_at = |port: u32| {
        let found = ports.iter().find(|(number, _)| *number == port);
        found.map_or_else(none, |(port, serial)| {
            let path = format!("/domain/devices/serial[target/@port='{port}']");
            words(&serial.source, &path, notes)
        })
    };
    let highest = ports.iter().map(|(port, _)| *port).max();
    match highest {
        None => Sxpr::pair("serial", none()),
        Some(0) => Sxpr::pair("serial", word_at(0)),
        Some(highest) => {
            let words = (0..=highest)
                .map(|port| Sxpr::atom(word_at(port)))
                .collect();
            if version < ConfigVersion::Xen310 {
                notes.setting(
                    "/domain/devices/serial",
                    "XenD before 3.1 knows one serial port; the list is sent as libvirt sends it",
                );
            }
            Sxpr::named("serial", vec![Sxpr::list(words)])
        }
    }
}

fn info(device: &Chardev, path: &str, notes: &mut Notes) {
    super::device::note_info(&device.info, path, notes);
}
