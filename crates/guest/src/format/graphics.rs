//! Graphical consoles.
//!
//! The first listener's address is repeated as an attribute for old programs.

use super::writer::Writer;
use crate::Word;
use crate::{Graphics, GraphicsListen, GraphicsServer, Kept, Sdl, Spice, Vnc};

/// Writes `<graphics>`.
pub(super) fn graphics(graphics: &Graphics, writer: &mut Writer) {
    let kept = &graphics.kept;
    match &graphics.server {
        GraphicsServer::Other(element) => {
            writer.element(element);
            return;
        }
        _ => writer.open("graphics"),
    }
    match &graphics.server {
        GraphicsServer::Vnc(server) => vnc(server, kept, writer),
        GraphicsServer::Spice(server) => spice(server, kept, writer),
        GraphicsServer::Sdl(server) => sdl(server, kept, writer),
        GraphicsServer::Qubes(server) => {
            writer.attribute("type", "qubes");
            writer.some("domain", server.domain.as_deref());
            writer.some_shown("log_level", server.log_level);
        }
        GraphicsServer::Other(_) => {}
    }
    writer.close("graphics");
}

fn vnc(vnc: &Vnc, kept: &Kept, writer: &mut Writer) {
    writer.attribute("type", "vnc");
    // The attributes say the first listener: a socket or a port, never both.
    if let Some(GraphicsListen::Socket { path }) = vnc.listens.first() {
        writer.some("socket", path.as_deref());
    } else {
        vnc_port(vnc, writer);
        listen_attribute(&vnc.listens, writer);
    }
    writer.some("keymap", vnc.keymap.as_deref());
    passwd(vnc.passwd.as_deref(), writer);
    writer.kept_attributes(kept, "");
    listens(&vnc.listens, writer);
    writer.kept_elements(kept, "");
}

fn vnc_port(vnc: &Vnc, writer: &mut Writer) {
    match vnc.port {
        Some(port) if !(vnc.autoport && writer.options.inactive) => writer.shown("port", port),
        _ if vnc.autoport => writer.attribute("port", "-1"),
        _ => {}
    }
    writer.yes_no("autoport", Some(vnc.autoport));
}

fn spice(spice: &Spice, kept: &Kept, writer: &mut Writer) {
    writer.attribute("type", "spice");
    if !(spice.autoport && writer.options.inactive) {
        writer.some_shown("port", spice.port);
        writer.some_shown("tlsPort", spice.tls_port);
    }
    writer.yes_no("autoport", Some(spice.autoport));
    listen_attribute(&spice.listens, writer);
    writer.some("keymap", spice.keymap.as_deref());
    passwd(spice.passwd.as_deref(), writer);
    writer.kept_attributes(kept, "");
    listens(&spice.listens, writer);
    writer.kept_elements(kept, "");
    writer.only("mouse", "mode", spice.mouse_mode.map(Word::word));
    if spice.clipboard_copypaste.is_some() {
        writer.open("clipboard");
        writer.yes_no("copypaste", spice.clipboard_copypaste);
        writer.close("clipboard");
    }
}

fn sdl(sdl: &Sdl, kept: &Kept, writer: &mut Writer) {
    writer.attribute("type", "sdl");
    writer.some("display", sdl.display.as_deref());
    writer.some("xauth", sdl.xauth.as_deref());
    writer.yes_no("fullscreen", sdl.fullscreen);
    writer.kept_elements(kept, "");
    if sdl.opengl.is_some() {
        writer.open("gl");
        writer.yes_no("enable", sdl.opengl);
        writer.close("gl");
    }
}

fn passwd(passwd: Option<&str>, writer: &mut Writer) {
    if writer.options.secure {
        writer.some("passwd", passwd);
    }
}

/// The address of the first listener, for programs that know the attribute only.
fn listen_attribute(listens: &[GraphicsListen], writer: &mut Writer) {
    let inactive = writer.options.inactive;
    let address = listens.iter().find_map(|listen| match listen {
        GraphicsListen::Address { address } => Some(address.as_deref()),
        GraphicsListen::Network { address, .. } => Some(address.as_deref().filter(|_| !inactive)),
        GraphicsListen::Socket { .. } | GraphicsListen::None => None,
    });
    writer.some("listen", address.flatten());
}

fn listens(listens: &[GraphicsListen], writer: &mut Writer) {
    for listen in listens {
        writer.open("listen");
        match listen {
            GraphicsListen::Address { address } => {
                writer.attribute("type", "address");
                writer.some("address", address.as_deref());
            }
            GraphicsListen::Network { network, address } => {
                writer.attribute("type", "network");
                writer.attribute("network", network);
                if !writer.options.inactive {
                    writer.some("address", address.as_deref());
                }
            }
            GraphicsListen::Socket { path } => {
                writer.attribute("type", "socket");
                writer.some("socket", path.as_deref());
            }
            GraphicsListen::None => writer.attribute("type", "none"),
        }
        writer.close("listen");
    }
}
