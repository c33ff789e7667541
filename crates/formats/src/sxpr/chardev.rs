//! Serial and parallel ports and consoles: XenD hands qemu's words for them
//! through (`pty`, `/dev/ttyS0`, `telnet:localhost:9999,server,nowait`).
//!
//! Fully virtualized guests have ports, paravirtualized ones a console that XenD
//! does not list as a setting.

use super::dialect::Source;
use super::section::Section;
use super::{Sxpr, dialect::ConfigVersion};
use crate::convert::{Notes, excerpt};
use virtxen_guest::{
    Chardev, ChardevSource, ChardevTarget, ChardevTargetType, Devices, SocketMode, TcpProtocol,
};

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

/// One device in qemu's words; `None` for `none` and for what is not understood.
fn parse(text: &str, path: &str, notes: &mut Notes) -> Option<ChardevSource> {
    let (kind, rest) = match text.split_once(':') {
        _ if text.starts_with('/') => ("dev", text),
        Some((kind, rest)) => (kind, rest),
        None => (text, ""),
    };
    let source = match kind {
        "none" | "" => return None,
        "null" => ChardevSource::Null,
        "vc" => ChardevSource::Vc,
        "pty" => ChardevSource::Pty { path: None },
        "stdio" => ChardevSource::Stdio,
        "dev" => ChardevSource::Dev {
            path: rest.to_owned(),
        },
        "file" => ChardevSource::File {
            path: rest.to_owned(),
            append: None,
        },
        "pipe" => ChardevSource::Pipe {
            path: rest.to_owned(),
        },
        "tcp" => tcp(rest, TcpProtocol::Raw),
        "telnet" => tcp(rest, TcpProtocol::Telnet),
        "udp" => udp(rest),
        "unix" => {
            let (socket, options) = rest.split_once(',').unwrap_or((rest, ""));
            ChardevSource::Unix {
                mode: Some(mode(options)),
                path: filled(socket),
            }
        }
        _ => {
            notes.essential(
                path,
                format!("'{}' is no character device known here", excerpt(text)),
            );
            return None;
        }
    };
    Some(source)
}

fn tcp(rest: &str, protocol: TcpProtocol) -> ChardevSource {
    let (address, options) = rest.split_once(',').unwrap_or((rest, ""));
    let (host, service) = address.rsplit_once(':').unwrap_or(("", address));
    ChardevSource::Tcp {
        mode: mode(options),
        host: filled(host),
        service: service.to_owned(),
        protocol: Some(protocol),
    }
}

fn udp(rest: &str) -> ChardevSource {
    let (connect, bind) = rest.split_once('@').unwrap_or((rest, ""));
    let pair = |text: &str| {
        let (host, service) = text.rsplit_once(':').unwrap_or(("", text));
        (filled(host), filled(service))
    };
    let (connect_host, connect_service) = pair(connect);
    let (bind_host, bind_service) = pair(bind);
    ChardevSource::Udp {
        connect_host,
        connect_service,
        bind_host,
        bind_service,
    }
}

fn mode(options: &str) -> SocketMode {
    if options.split(',').any(|option| option == "server") {
        SocketMode::Bind
    } else {
        SocketMode::Connect
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// qemu's words for one device.
fn words(source: &ChardevSource, path: &str, notes: &mut Notes) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let server = |mode: SocketMode| match mode {
        SocketMode::Bind => ",server,nowait",
        SocketMode::Connect => "",
    };
    match source {
        ChardevSource::Null
        | ChardevSource::Vc
        | ChardevSource::Stdio
        | ChardevSource::Pty { .. } => source.kind().to_owned(),
        ChardevSource::Dev { path } => path.clone(),
        ChardevSource::File { path: file, append } => {
            if append == &Some(true) {
                notes.setting(
                    format!("{path}/source/@append"),
                    "qemu-dm starts the file anew",
                );
            }
            format!("file:{file}")
        }
        ChardevSource::Pipe { path } => format!("pipe:{path}"),
        ChardevSource::Tcp {
            mode,
            host,
            service,
            protocol,
        } => {
            let kind = tcp_word(*protocol, path, notes);
            format!("{kind}:{}:{service}{}", text(host), server(*mode))
        }
        ChardevSource::Udp {
            connect_host,
            connect_service,
            bind_host,
            bind_service,
        } => format!(
            "udp:{}:{}@{}:{}",
            text(connect_host),
            text(connect_service),
            text(bind_host),
            text(bind_service)
        ),
        ChardevSource::Unix { mode, path } => {
            let mode = mode.unwrap_or(SocketMode::Connect);
            format!("unix:{}{}", text(path), server(mode))
        }
        ChardevSource::Other { kind, .. } => {
            notes.essential(
                path,
                format!("XenD has no character device of type '{kind}'"),
            );
            none()
        }
    }
}

fn tcp_word(protocol: Option<TcpProtocol>, path: &str, notes: &mut Notes) -> &'static str {
    match protocol {
        None | Some(TcpProtocol::Raw) => "tcp",
        Some(TcpProtocol::Telnet) => "telnet",
        Some(other) => {
            let path = format!("{path}/protocol/@type");
            notes.essential(path, format!("qemu-dm does not speak {other}"));
            "tcp"
        }
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

fn pv_console(tty: Option<String>) -> Chardev {
    Chardev {
        source: ChardevSource::Pty { path: tty },
        target: ChardevTarget {
            kind: Some(ChardevTargetType::Xen),
            port: Some(0),
            name: None,
        },
        ..Chardev::default()
    }
}

fn at_port(source: ChardevSource, port: u32) -> Chardev {
    Chardev {
        source,
        target: ChardevTarget {
            port: Some(port),
            ..ChardevTarget::default()
        },
        ..Chardev::default()
    }
}

fn info(device: &Chardev, path: &str, notes: &mut Notes) {
    super::device::note_info(&device.info, path, notes);
}

fn none() -> String {
    "none".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_both_ways() {
        for text in [
            "null",
            "vc",
            "pty",
            "stdio",
            "/dev/ttyS0",
            "file:/tmp/a:b",
            "pipe:/tmp/p",
            "tcp:localhost:9999",
            "telnet::9999,server,nowait",
            "udp:localhost:9998@localhost:9999",
            "udp::9998@:",
            "unix:/tmp/s,server,nowait",
            "unix:/tmp/s",
        ] {
            let mut notes = Notes::default();
            let source = parse(text, "x", &mut notes).unwrap();
            assert_eq!(words(&source, "x", &mut notes), text);
            assert!(notes.into_converted(()).notes.is_empty());
        }
    }

    #[test]
    fn unknown_words_are_noted() {
        let mut notes = Notes::default();
        assert_eq!(parse("mon:stdio", "x", &mut notes), None);
        assert_eq!(parse("none", "x", &mut notes), None);
        assert_eq!(notes.into_converted(()).notes.len(), 1);
    }
}
