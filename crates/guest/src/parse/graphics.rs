//! Graphical consoles.
//! Every type, with the addresses that its server listens on.

use super::markup;
use super::reader::{Reader, key, tag};
use crate::{Graphics, GraphicsListen, GraphicsServer, Kept, Qubes, Sdl, Spice, Vnc};
use roxmltree::{Attribute, Node};

/// Reads `<graphics>`.
pub(super) fn graphics(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Graphics> {
    let Some(kind) = node.attributes().find(|attribute| key(attribute) == "type") else {
        reader.missing(node, "attribute 'type'");
        return None;
    };
    let mut kept = Kept::default();
    let server = match kind.value() {
        "vnc" => GraphicsServer::Vnc(vnc(node, &mut kept, reader)),
        "sdl" => GraphicsServer::Sdl(sdl(node, &mut kept, reader)),
        "spice" => GraphicsServer::Spice(spice(node, &mut kept, reader)),
        "qubes" => GraphicsServer::Qubes(qubes(node, reader)),
        "rdp" | "desktop" | "egl-headless" | "dbus" => {
            GraphicsServer::Other(markup::element(reader.source, node))
        }
        _ => {
            let expected = "vnc, sdl, spice, qubes, rdp, desktop, egl-headless, dbus";
            reader.bad_attribute(node, &kind, expected);
            return None;
        }
    };
    Some(Graphics { server, kept })
}

fn qubes(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Qubes {
    let mut qubes = Qubes::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => {}
            "domain" => qubes.domain = Some(attribute.value().to_owned()),
            "log_level" => qubes.log_level = reader.number(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    qubes
}

/// What is said of ports and addresses in attributes.
#[derive(Default)]
struct Socket<'d> {
    port: Option<u16>,
    tls_port: Option<u16>,
    autoport: Option<bool>,
    automatic: bool,
    listen: Option<&'d str>,
    path: Option<&'d str>,
}

fn vnc(node: Node<'_, '_>, kept: &mut Kept, reader: &mut Reader<'_>) -> Vnc {
    let mut vnc = Vnc::default();
    let mut socket = Socket::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "keymap" => vnc.keymap = Some(attribute.value().to_owned()),
            "passwd" => vnc.passwd = Some(attribute.value().to_owned()),
            "socket" => socket.path = Some(attribute.value()),
            "websocket" | "websocketGenerated" | "passwdValidTo" | "connected" | "sharePolicy"
            | "powerControl" | "wait" => Reader::keep_attribute(kept, "", &attribute),
            _ => socket_attribute(node, &attribute, &mut socket, reader),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "listen" => vnc.listens.extend(listen(child, reader)),
            "audio" => reader.keep_element(kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    vnc.port = socket.port;
    // No port at all leaves it to the host.
    vnc.autoport = socket
        .autoport
        .unwrap_or(socket.automatic || socket.port.is_none());
    old_listen(node, &socket, &mut vnc.listens, reader);
    vnc
}

fn spice(node: Node<'_, '_>, kept: &mut Kept, reader: &mut Reader<'_>) -> Spice {
    let mut spice = Spice::default();
    let mut socket = Socket::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "keymap" => spice.keymap = Some(attribute.value().to_owned()),
            "passwd" => spice.passwd = Some(attribute.value().to_owned()),
            "defaultMode" | "passwdValidTo" | "connected" => {
                Reader::keep_attribute(kept, "", &attribute);
            }
            _ => socket_attribute(node, &attribute, &mut socket, reader),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "listen" => spice.listens.extend(listen(child, reader)),
            "mouse" => spice.mouse_mode = mouse(child, reader),
            "clipboard" => spice.clipboard_copypaste = one_flag(child, "copypaste", reader),
            "channel" | "image" | "jpeg" | "zlib" | "playback" | "streaming" | "filetransfer"
            | "gl" => reader.keep_element(kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    spice.port = socket.port;
    spice.tls_port = socket.tls_port;
    let unsaid = socket.port.is_none() && socket.tls_port.is_none();
    spice.autoport = socket.autoport.unwrap_or(socket.automatic || unsaid);
    old_listen(node, &socket, &mut spice.listens, reader);
    spice
}

fn socket_attribute<'d>(
    node: Node<'_, '_>,
    attribute: &Attribute<'d, '_>,
    socket: &mut Socket<'d>,
    reader: &mut Reader<'_>,
) {
    let mut port = |automatic: &mut bool| {
        let number: i32 = reader.number(node, attribute)?;
        if number == -1 {
            *automatic = true;
        } else if !(0..=65_535).contains(&number) {
            reader.bad_attribute(node, attribute, "-1 or a port, 0 to 65535");
        }
        u16::try_from(number).ok().filter(|port| *port > 0)
    };
    match key(attribute) {
        "type" => {}
        "port" => socket.port = port(&mut socket.automatic),
        "tlsPort" => socket.tls_port = port(&mut socket.automatic),
        "autoport" => socket.autoport = reader.yes_no(node, attribute),
        "listen" if attribute.value().is_empty() => {}
        "listen" => socket.listen = Some(attribute.value()),
        _ => reader.unknown_attribute(node, attribute),
    }
}

/// The attributes `listen` and `socket` repeat the first `<listen>`, or stand for it.
fn old_listen(
    node: Node<'_, '_>,
    socket: &Socket<'_>,
    listens: &mut Vec<GraphicsListen>,
    reader: &mut Reader<'_>,
) {
    if let Some(path) = socket.path
        && !listens
            .iter()
            .any(|listen| matches!(listen, GraphicsListen::Socket { .. }))
    {
        let path = Some(path.to_owned());
        listens.insert(0, GraphicsListen::Socket { path });
    }
    let Some(said) = socket.listen else { return };
    let first = listens.iter().find_map(|listen| match listen {
        GraphicsListen::Address { address } | GraphicsListen::Network { address, .. } => {
            Some(address.as_deref())
        }
        GraphicsListen::Socket { .. } | GraphicsListen::None => None,
    });
    match first {
        Some(Some(address)) if address == said => {}
        None if listens.is_empty() => listens.push(GraphicsListen::Address {
            address: Some(said.to_owned()),
        }),
        _ => {
            let listen = node
                .attributes()
                .find(|attribute| key(attribute) == "listen");
            if let Some(attribute) = listen {
                reader.bad_attribute(node, &attribute, "the address of the first <listen>");
            }
        }
    }
}

fn listen(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<GraphicsListen> {
    let (mut address, mut network, mut path) = (None, None, None);
    let mut kind = "";
    for attribute in node.attributes() {
        let value = Some(attribute.value()).filter(|value| !value.is_empty());
        match key(&attribute) {
            "type" => kind = attribute.value(),
            "address" => address = value.map(str::to_owned),
            "network" => network = value.map(str::to_owned),
            "socket" => path = value.map(str::to_owned),
            // Written by libvirt into its own state files.
            "fromConfig" | "autoGenerated" => {}
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    match (kind, network) {
        ("address", _) => Some(GraphicsListen::Address { address }),
        ("network", Some(network)) => Some(GraphicsListen::Network { network, address }),
        ("network", None) => {
            reader.missing(node, "attribute 'network'");
            None
        }
        ("socket", _) => Some(GraphicsListen::Socket { path }),
        ("none", _) => Some(GraphicsListen::None),
        _ => {
            reader.missing(node, "attribute 'type': address, network, socket, none");
            None
        }
    }
}

fn sdl(node: Node<'_, '_>, kept: &mut Kept, reader: &mut Reader<'_>) -> Sdl {
    let mut sdl = Sdl::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => {}
            "display" => sdl.display = Some(attribute.value().to_owned()),
            "xauth" => sdl.xauth = Some(attribute.value().to_owned()),
            "fullscreen" => sdl.fullscreen = reader.yes_no(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "gl" => sdl.opengl = one_flag(child, "enable", reader),
            "audio" => reader.keep_element(kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    sdl
}

fn mouse(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<crate::MouseMode> {
    let mut mode = None;
    for attribute in node.attributes() {
        match key(&attribute) {
            "mode" => mode = reader.word(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    mode
}

fn one_flag(node: Node<'_, '_>, name: &str, reader: &mut Reader<'_>) -> Option<bool> {
    let mut flag = None;
    for attribute in node.attributes() {
        if key(&attribute) == name {
            flag = reader.yes_no(node, &attribute);
        } else {
            reader.unknown_attribute(node, &attribute);
        }
    }
    reader.no_children(node);
    flag
}
