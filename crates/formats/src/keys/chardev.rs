//! Ports and consoles: `serial`, `parallel` with qemu's words; xl's and later xm's
//! `serial` is a list where there are several.
//!
//! Channels, which only xl has, are in `xl/channel.rs`.

use super::{Dialect, Out, Settings};
use crate::config::Value;
use crate::convert::Notes;
use crate::spelling::chardev::{at_port, none, parse, pv_console, words};
use crate::spelling::device::note_info;
use virtxen_guest::{Chardev, ChardevSource, ChardevTargetType, Devices};

/// qemu-dm has four serial ports; a document that asks for more than this is not
/// meant.
const MOST_PORTS: u32 = 64;

/// Reads ports of a fully virtualized guest, or gives the console of another.
pub(super) fn read(file: &mut Settings<'_>, hvm: bool, devices: &mut Devices, notes: &mut Notes) {
    if !hvm {
        devices.consoles.push(pv_console(None));
        return;
    }
    let count = notes.count();
    let entries = file.entries("serial", notes);
    for (port, entry) in (0..MOST_PORTS).zip(&entries) {
        if let Some(source) = parse(&entry.text, &entry.path, notes) {
            devices.serials.push(at_port(source, port));
        }
    }
    if entries.len() > MOST_PORTS as usize {
        notes.essential("serial", format!("only {MOST_PORTS} ports are read"));
    }
    notes.place_from(count, file.at("serial"));
    let count = notes.count();
    if let Some(text) = file.text("parallel", notes) {
        let parallel = parse(&text, "parallel", notes).map(|source| at_port(source, 0));
        devices.parallels.extend(parallel);
    }
    notes.place_from(count, file.at("parallel"));
}

/// Writes the ports of a fully virtualized guest and notes what no guest has.
pub(super) fn write(
    devices: &Devices,
    hvm: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    if !hvm {
        note_ports_of_pv(devices, dialect, notes);
        return;
    }
    for i in 2..=devices.parallels.len() {
        let path = format!("/domain/devices/parallel[{i}]");
        notes.essential(path, format!("{} has one parallel port", dialect.tool()));
    }
    let parallel = devices.parallels.first().map(|port| {
        let path = "/domain/devices/parallel[1]";
        note_info(&port.info, path, dialect.tool(), notes);
        words(&port.source, path, notes)
    });
    out.text("parallel", parallel.unwrap_or_else(none));
    let ports = serials_of(devices, dialect, notes);
    let mut word_at = |wanted: u32| {
        let found = ports.iter().find(|(port, _)| *port == wanted);
        found.map_or_else(none, |(port, serial)| {
            let path = format!("/domain/devices/serial[target/@port='{port}']");
            words(&serial.source, &path, notes)
        })
    };
    match ports.iter().map(|(port, _)| *port).max() {
        None => out.text("serial", none()),
        Some(0) => out.text("serial", word_at(0)),
        Some(highest) => {
            let words = (0..=highest).map(|port| Value::Text(word_at(port)));
            out.value("serial", Value::List(words.collect()));
        }
    }
}

fn note_ports_of_pv(devices: &Devices, dialect: Dialect, notes: &mut Notes) {
    let families = [
        ("serial", devices.serials.len()),
        ("parallel", devices.parallels.len()),
    ];
    for (family, count) in families {
        for i in 1..=count {
            let path = format!("/domain/devices/{family}[{i}]");
            notes.essential(path, "a paravirtualized guest has no emulated ports");
        }
    }
    for (i, console) in devices.consoles.iter().enumerate() {
        let path = format!("/domain/devices/console[{}]", i + 1);
        let usual = matches!(
            console.target.kind,
            None | Some(ChardevTargetType::Xen | ChardevTargetType::Serial)
        );
        if i > 0 {
            notes.essential(
                path,
                format!("{} gives a guest one console", dialect.tool()),
            );
        } else if !usual || !matches!(console.source, ChardevSource::Pty { .. }) {
            notes.essential(path, "the console is always a pseudo terminal");
        } else {
            note_info(&console.info, &path, dialect.tool(), notes);
        }
    }
}

/// The serial ports with their numbers. A console that is not Xen's own stands
/// for the first port when there is no other, as libvirt has it.
fn serials_of<'a>(
    devices: &'a Devices,
    dialect: Dialect,
    notes: &mut Notes,
) -> Vec<(u32, &'a Chardev)> {
    let mut ports: Vec<(u32, &Chardev)> = Vec::new();
    for (i, serial) in devices.serials.iter().enumerate() {
        let path = format!("/domain/devices/serial[{}]", i + 1);
        let next = ports.iter().map(|(port, _)| port + 1).max().unwrap_or(0);
        let port = serial.target.port.unwrap_or(next);
        if port >= MOST_PORTS {
            notes.essential(path, format!("there is no serial port {port}"));
        } else if ports.iter().any(|(taken, _)| *taken == port) {
            notes.essential(path, format!("port {port} is taken"));
        } else {
            note_info(&serial.info, &path, dialect.tool(), notes);
            ports.push((port, serial));
        }
    }
    let stands_for_port =
        |console: &&Chardev| matches!(console.target.kind, None | Some(ChardevTargetType::Serial));
    if ports.is_empty() {
        let first = devices.consoles.first().filter(stands_for_port);
        ports.extend(first.map(|console| (0, console)));
    }
    ports
}
