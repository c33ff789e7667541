//! Graphical consoles: `vfbs` with a `vkbs` each, and for a fully virtualized guest
//! the one that its device model serves: `vnc`, `sdl`, `spice`.

use super::guest::Parts;
use super::section::Section;
use super::write::{Out, Writer, flag};
use crate::convert::Notes;
use crate::keys::listen_address;
use serde_json::{Value, json};
use virtxen_guest::{
    Devices, Graphics, GraphicsListen, GraphicsServer, MouseMode, Qubes, Sdl, Spice, Vnc,
};

/// First port of VNC servers: display 0.
const VNC_BASE: u16 = 5900;

/// Where a SPICE server listens when nothing is said.
const LOOPBACK: &str = "127.0.0.1";

/// Writes all consoles.
pub(super) fn write(writer: &mut Writer<'_>) {
    let hvm = writer.is_hvm();
    if hvm {
        for key in ["vnc", "sdl"] {
            let off = json!({ "enable": flag(false) });
            writer.own.set(key, off);
        }
    }
    let consoles = &writer.guest.devices.graphics;
    let is_spice = |console: &Graphics| matches!(console.server, GraphicsServer::Spice(_));
    let chosen = match consoles.iter().position(is_spice) {
        Some(place) if hvm => place,
        _ => 0,
    };
    let mut ports = writer.target.ports.iter().copied();
    let (mut framebuffers, mut keyboards) = (Vec::new(), Vec::new());
    for (i, console) in consoles.iter().enumerate() {
        let path = format!("/domain/devices/graphics[{}]", i + 1);
        let reason = "libxl does not know it";
        writer.notes.kept(&path, &console.kept, reason);
        let served = hvm && i == chosen;
        if hvm && !served {
            let reason = "the device model serves one console";
            writer.notes.setting(path.clone(), reason);
        }
        let Some(vfb) = write_one(console, served, &path, &mut ports, writer) else {
            continue;
        };
        framebuffers.push(vfb.into_value());
        // Qubes' GUI daemon has its own.
        if !matches!(console.server, GraphicsServer::Qubes(_)) {
            keyboards.push(json!({}));
        }
    }
    writer.list("vfbs", framebuffers, "/domain/devices/graphics");
    writer.list("vkbs", keyboards, "/domain/devices/graphics");
}

/// The frame buffer of a console; with `served` the device model's console too.
/// `None` when the guest cannot have it.
fn write_one(
    console: &Graphics,
    served: bool,
    path: &str,
    ports: &mut impl Iterator<Item = u16>,
    writer: &mut Writer<'_>,
) -> Option<Out> {
    let hvm = writer.is_hvm();
    let off = || json!({ "enable": flag(false) });
    let mut vfb = writer.out("device_vfb");
    match &console.server {
        GraphicsServer::Vnc(vnc) => {
            let server = vnc_of(vnc, path, ports, writer);
            vfb.set("vnc", server.clone());
            vfb.set("sdl", off());
            vfb.some("keymap", vnc.keymap.clone());
            if served {
                writer.own.set("vnc", server);
                writer.own.some("keymap", vnc.keymap.clone());
            }
        }
        GraphicsServer::Sdl(sdl) => {
            let server = sdl_of(sdl, path, writer);
            vfb.set("sdl", server.clone());
            vfb.set("vnc", off());
            if served {
                writer.own.set("sdl", server);
            }
        }
        GraphicsServer::Spice(spice) if served => write_spice(spice, path, ports, writer),
        GraphicsServer::Spice(_) if hvm => {}
        GraphicsServer::Qubes(qubes) if hvm && writer.target.qubes => {
            vfb.set("vnc", off());
            vfb.set("sdl", off());
            writer.own.patched("qubes_gui", qubes_of(qubes));
        }
        GraphicsServer::Qubes(_) => {
            let reason = "it needs the libxl of Qubes OS";
            writer.notes.essential(path, reason);
            return None;
        }
        GraphicsServer::Spice(_) | GraphicsServer::Other(_) => {
            let kind = console.kind();
            let reason = format!("this guest has no graphical console of type '{kind}'");
            writer.notes.essential(path, reason);
            return None;
        }
    }
    Some(vfb)
}

fn vnc_of(
    vnc: &Vnc,
    path: &str,
    ports: &mut impl Iterator<Item = u16>,
    writer: &mut Writer<'_>,
) -> Value {
    let mut out = writer.out("vnc_info");
    let notes = &mut writer.notes;
    out.flag("enable", true);
    out.some("listen", listen_address(&vnc.listens, path, notes));
    out.some("passwd", vnc.passwd.clone());
    let port = match vnc.autoport {
        true => ports.next(),
        false => vnc.port,
    };
    let display = port.map(|port| port.checked_sub(VNC_BASE));
    match display {
        Some(Some(display)) => {
            out.flag("findunused", false);
            out.set("display", display);
        }
        other => {
            out.flag("findunused", true);
            if other.is_some() {
                let reason = "ports count from 5900; a free one will be chosen";
                notes.setting(format!("{path}/@port"), reason);
            }
        }
    }
    out.into_value()
}

fn sdl_of(sdl: &Sdl, path: &str, writer: &mut Writer<'_>) -> Value {
    let mut out = writer.out("sdl_info");
    out.flag("enable", true);
    out.flag("opengl", sdl.opengl == Some(true));
    out.some("display", sdl.display.clone());
    out.some("xauthority", sdl.xauth.clone());
    if sdl.fullscreen == Some(true) {
        let path = format!("{path}/@fullscreen");
        writer.notes.setting(path, "libxl does not know it");
    }
    out.into_value()
}

fn qubes_of(qubes: &Qubes) -> Value {
    let mut map = serde_json::Map::new();
    map.insert("enable".to_owned(), flag(true).into());
    let domain = qubes.domain.clone();
    map.extend(domain.map(|domain| ("domname".to_owned(), domain.into())));
    let level = qubes.log_level.filter(|level| *level != 0);
    map.extend(level.map(|level| ("log_level".to_owned(), level.into())));
    Value::Object(map)
}

fn write_spice(
    spice: &Spice,
    path: &str,
    ports: &mut impl Iterator<Item = u16>,
    writer: &mut Writer<'_>,
) {
    let mut out = writer.out("spice_info");
    out.flag("enable", true);
    let (port, tls) = match spice.autoport {
        true => (ports.next(), None),
        false => (spice.port, spice.tls_port),
    };
    if port.is_none() && tls.is_none() {
        let reason = "libxl does not look for a free port";
        writer.notes.essential(format!("{path}/@autoport"), reason);
    }
    out.some("port", port);
    out.some("tls_port", tls);
    let address = listen_address(&spice.listens, path, &mut writer.notes);
    out.set("host", address.unwrap_or_else(|| LOOPBACK.to_owned()));
    out.flag("disable_ticketing", spice.passwd.is_none());
    out.some("passwd", spice.passwd.clone());
    // The client's pointer is what xl takes too.
    out.flag("agent_mouse", spice.mouse_mode != Some(MouseMode::Server));
    let clipboard = spice.clipboard_copypaste == Some(true);
    out.flag("vdagent", clipboard);
    out.flag("clipboard_sharing", clipboard);
    writer.own.set("spice", out.into_value());
    writer.own.some("keymap", spice.keymap.clone());
}

/// Reads all consoles.
pub(super) fn read(parts: &mut Parts<'_, '_>, devices: &mut Devices, notes: &mut Notes) {
    let framebuffers = parts.config.list("vfbs", notes);
    let keyboards = parts.config.list("vkbs", notes);
    for keyboard in keyboards {
        keyboard.finish(notes);
    }
    let mut consoles: Vec<Graphics> = Vec::new();
    for mut vfb in framebuffers {
        let keymap = vfb.text("keymap", notes);
        let vnc = read_vnc(vfb.section("vnc", notes), keymap, notes);
        let sdl = read_sdl(vfb.section("sdl", notes), notes);
        consoles.extend(vnc.or(sdl));
        vfb.finish(notes);
    }
    if parts.is_hvm() {
        let keymap = parts.own.text("keymap", notes);
        let spice = read_spice(parts.own.section("spice", notes), keymap.clone(), notes);
        let vnc = read_vnc(parts.own.section("vnc", notes), keymap, notes);
        let sdl = read_sdl(parts.own.section("sdl", notes), notes);
        let qubes = read_qubes(parts, notes);
        // The first frame buffer says the same as the device model's console.
        if consoles.is_empty() {
            consoles.extend(vnc.or(sdl));
        }
        if let Some(spice) = spice {
            consoles.insert(0, spice);
        }
        consoles.extend(qubes);
    }
    devices.graphics = consoles;
}

fn listens(address: Option<String>) -> Vec<GraphicsListen> {
    let listen = address.map(|address| GraphicsListen::Address {
        address: Some(address),
    });
    listen.into_iter().collect()
}

fn read_vnc(
    mut section: Section<'_>,
    keymap: Option<String>,
    notes: &mut Notes,
) -> Option<Graphics> {
    let on = section.flag("enable", notes) == Some(true);
    let unused = section.flag("findunused", notes);
    let display: Option<u16> = section.count("display", notes);
    let listen = section.text("listen", notes);
    let passwd = section.text("passwd", notes);
    section.finish(notes);
    let port = (unused == Some(false))
        .then(|| VNC_BASE.checked_add(display.unwrap_or(0)))
        .flatten();
    on.then(|| {
        Graphics::from(Vnc {
            port,
            autoport: port.is_none(),
            listens: listens(listen),
            keymap,
            passwd,
        })
    })
}

fn read_sdl(mut section: Section<'_>, notes: &mut Notes) -> Option<Graphics> {
    let on = section.flag("enable", notes) == Some(true);
    let opengl = section.flag("opengl", notes);
    let sdl = Sdl {
        display: section.text("display", notes),
        xauth: section.text("xauthority", notes),
        fullscreen: None,
        opengl: opengl.filter(|on| *on),
    };
    section.finish(notes);
    on.then(|| sdl.into())
}

fn read_spice(
    mut section: Section<'_>,
    keymap: Option<String>,
    notes: &mut Notes,
) -> Option<Graphics> {
    let on = section.flag("enable", notes) == Some(true);
    let mut port = |key| {
        let port: Option<u16> = section.count(key, notes);
        port.filter(|port| *port > 0)
    };
    let (port, tls_port) = (port("port"), port("tls_port"));
    let host = section.text("host", notes);
    section.flag("disable_ticketing", notes);
    let passwd = section.text("passwd", notes);
    let agent_mouse = section.flag("agent_mouse", notes);
    section.flag("vdagent", notes);
    let clipboard = section.flag("clipboard_sharing", notes);
    section.finish(notes);
    on.then(|| {
        Graphics::from(Spice {
            port,
            tls_port,
            autoport: port.is_none() && tls_port.is_none(),
            listens: listens(host),
            keymap,
            passwd,
            mouse_mode: Some(match agent_mouse {
                Some(false) => MouseMode::Server,
                _ => MouseMode::Client,
            }),
            clipboard_copypaste: Some(clipboard == Some(true)),
        })
    })
}

/// What only the libxl of Qubes OS has.
fn read_qubes(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Option<Graphics> {
    let value = parts.own.value("qubes_gui")?;
    let on = value.get("enable").and_then(Value::as_str) == Some("True");
    let domain = value.get("domname").and_then(Value::as_str);
    let level = value.get("log_level").and_then(Value::as_i64);
    let log_level = level.and_then(|level| i32::try_from(level).ok());
    if !value.is_object() {
        parts.own.wrong("qubes_gui", value, "an object", notes);
    }
    on.then(|| {
        Graphics::new(GraphicsServer::Qubes(Qubes {
            domain: domain.map(str::to_owned),
            log_level,
        }))
    })
}
