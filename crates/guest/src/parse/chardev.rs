//! Character devices.
//!
//! The ends are collected first: their meaning depends on the type.

use super::info::info;
use super::markup;
use super::reader::{Reader, Seen, key, tag};
use crate::words::Word;
use crate::{Chardev, ChardevSource, ChardevTarget, SocketMode, TcpProtocol};
use roxmltree::Node;

const TYPES: &str = "null, vc, pty, dev, file, pipe, stdio, tcp, udp, unix, spicevmc, spiceport, \
                     nmdm, qemu-vdagent, dbus";

/// Reads `<serial>`, `<parallel>`, `<console>` or `<channel>`.
pub(super) fn chardev(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Chardev {
    let mut chardev = Chardev::default();
    let (mut kind, mut tty) = ("pty", None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" if TYPES.split(", ").any(|known| known == attribute.value()) => {
                kind = attribute.value();
            }
            "type" => reader.bad_attribute(node, &attribute, TYPES),
            // The form of libvirt before 0.4; libvirt still writes it for consoles.
            "tty" => tty = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let mut ends = Ends::default();
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if tag(&child) != "source" && !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "source" => source(child, kind, &mut ends, reader),
            "protocol" => protocol(child, &mut ends, reader),
            "target" => target(child, &mut chardev, reader),
            "log" => reader.keep_element(&mut chardev.info.kept, "", child),
            _ if info(child, &mut chardev.info, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    for (name, value) in std::mem::take(&mut ends.kept) {
        chardev.info.kept.add_attribute("source", name, value);
    }
    for element in std::mem::take(&mut ends.kept_elements) {
        chardev.info.kept.add_element("source", element);
    }
    chardev.source = ends.into_source(node, kind, tty, reader);
    chardev
}

/// What `<source>` elements say, whatever the type.
#[derive(Default)]
struct Ends {
    path: Option<String>,
    append: Option<bool>,
    mode: Option<SocketMode>,
    connect: Option<(Option<String>, Option<String>)>,
    bind: Option<(Option<String>, Option<String>)>,
    protocol: Option<TcpProtocol>,
    markup: Vec<crate::Element>,
    kept: Vec<(&'static str, String)>,
    kept_elements: Vec<crate::Element>,
}

impl Ends {
    fn into_source(
        self,
        node: Node<'_, '_>,
        kind: &str,
        tty: Option<String>,
        reader: &mut Reader<'_>,
    ) -> ChardevSource {
        let mut needs_path = || {
            if self.path.is_none() {
                reader.missing(node, "<source path=…>");
            }
            self.path.clone().unwrap_or_default()
        };
        match kind {
            "null" => ChardevSource::Null,
            "vc" => ChardevSource::Vc,
            "stdio" => ChardevSource::Stdio,
            "pty" => ChardevSource::Pty {
                path: self.path.or(tty),
            },
            "dev" => ChardevSource::Dev { path: needs_path() },
            "pipe" => ChardevSource::Pipe { path: needs_path() },
            "file" => ChardevSource::File {
                path: needs_path(),
                append: self.append,
            },
            "unix" => ChardevSource::Unix {
                mode: self.mode,
                path: self.path,
            },
            "udp" => self.udp(node, reader),
            "tcp" => self.tcp(node, reader),
            kind => ChardevSource::Other {
                kind: kind.to_owned(),
                sources: self.markup,
            },
        }
    }

    fn udp(self, node: Node<'_, '_>, reader: &mut Reader<'_>) -> ChardevSource {
        let (connect_host, connect_service) = self.connect.unwrap_or_default();
        let (bind_host, bind_service) = self.bind.unwrap_or_default();
        if connect_service.is_none() {
            reader.missing(node, "<source mode='connect' service=…>");
        }
        ChardevSource::Udp {
            connect_host,
            connect_service,
            bind_host,
            bind_service,
        }
    }

    fn tcp(self, node: Node<'_, '_>, reader: &mut Reader<'_>) -> ChardevSource {
        let mode = self.mode.unwrap_or(SocketMode::Connect);
        let end = match mode {
            SocketMode::Connect => self.connect,
            SocketMode::Bind => self.bind,
        };
        let (host, service) = end.unwrap_or_default();
        if service.is_none() {
            reader.missing(node, "<source service=…>");
        }
        ChardevSource::Tcp {
            mode,
            host,
            service: service.unwrap_or_default(),
            protocol: self.protocol,
        }
    }
}

fn source(node: Node<'_, '_>, kind: &str, ends: &mut Ends, reader: &mut Reader<'_>) {
    if matches!(
        kind,
        "spicevmc" | "spiceport" | "nmdm" | "qemu-vdagent" | "dbus"
    ) {
        ends.markup.push(markup::element(reader.source, node));
        return;
    }
    let (mut mode, mut host, mut service) = (None, None, None);
    for attribute in node.attributes() {
        let value = || Some(attribute.value().to_owned());
        match key(&attribute) {
            "path" => ends.path = value(),
            "mode" => mode = reader.word(node, &attribute),
            "host" => host = value(),
            "service" => service = value(),
            "append" => ends.append = reader.on_off(node, &attribute),
            // An old spelling of <protocol>.
            "wiremode" if ends.protocol.is_none() => {
                ends.protocol = TcpProtocol::from_word(attribute.value());
            }
            "wiremode" => {}
            "tls" => ends.kept.push(("tls", attribute.value().to_owned())),
            "startupPolicy" => ends
                .kept
                .push(("startupPolicy", attribute.value().to_owned())),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "seclabel" | "reconnect" => {
                ends.kept_elements
                    .push(markup::element(reader.source, child));
            }
            _ => reader.unknown_element(child),
        }
    }
    ends.mode = ends.mode.or(mode);
    match mode.unwrap_or(SocketMode::Connect) {
        SocketMode::Connect => ends.connect = Some((host, service)),
        SocketMode::Bind => ends.bind = Some((host, service)),
    }
}

fn protocol(node: Node<'_, '_>, ends: &mut Ends, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => ends.protocol = reader.word(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}

fn target(node: Node<'_, '_>, chardev: &mut Chardev, reader: &mut Reader<'_>) {
    let mut target = ChardevTarget::default();
    let kept = &mut chardev.info.kept;
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => target.kind = reader.word(node, &attribute),
            "port" => target.port = reader.number(node, &attribute),
            "name" => target.name = Some(attribute.value().to_owned()),
            "address" | "state" => Reader::keep_attribute(kept, "target", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "model" => reader.keep_element(kept, "target", child),
            _ => reader.unknown_element(child),
        }
    }
    chardev.target = target;
}
