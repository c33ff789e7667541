//! Graphical consoles: VNC and SDL.
//!
//! Up to 3.0.3 they are switches in the image of every guest; later only fully
//! virtualized guests have them there, and XenD shows them as a `(vfb …)` device
//! too, with whatever words it had at the time.

use super::Sxpr;
use super::dialect::{ConfigVersion, Dialect, Source};
use super::section::{Quiet, Section};
use crate::convert::Notes;
use virtxen_guest::{Graphics, GraphicsListen, GraphicsServer, Sdl, Vnc};

/// First port of VNC servers: display 0.
const VNC_BASE: u16 = 5900;

/// What XenD says of a frame buffer without being asked.
const QUIET: &[Quiet] = &[
    ("uuid", &[]),
    ("backend", &["0"]),
    ("devid", &[]),
    ("location", &[]),
    ("protocol", &[]),
    ("other_config", &[""]),
    ("opengl", &["0", ""]),
    ("vnc", &["0", "1"]),
    ("sdl", &["0", "1"]),
];

/// The words for a console, whether in the image or in a device.
#[derive(Default)]
struct Words {
    kind: Option<Kind>,
    display: Option<String>,
    xauthority: Option<String>,
    listen: Option<String>,
    passwd: Option<String>,
    keymap: Option<String>,
    vncdisplay: Option<u16>,
    unused: Option<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Vnc,
    Sdl,
}

/// Reads all consoles.
pub(super) fn read(
    image: Option<&mut Section<'_>>,
    framebuffers: Vec<Section<'_>>,
    source: &Source<'_>,
    notes: &mut Notes,
) -> Vec<Graphics> {
    let in_image = image
        .map(|image| Words::read(image, notes))
        .unwrap_or_default();
    if framebuffers.is_empty() {
        return in_image
            .kind
            .map(|kind| in_image.console(kind, true, source))
            .into_iter()
            .collect();
    }
    let mut consoles = Vec::new();
    for mut node in framebuffers {
        let mut words = Words::read(&mut node, notes);
        if source.hvm {
            words.fill_from(&in_image);
        }
        // XenD 3.1 names no kind here; what it lists is a VNC server then.
        let kind = words.kind.unwrap_or(Kind::Vnc);
        consoles.push(words.console(kind, false, source));
        node.finish(notes, QUIET);
    }
    consoles
}

impl Words {
    fn read(node: &mut Section<'_>, notes: &mut Notes) -> Self {
        let path = format!("{}/type", node.path());
        let word = node.text("type");
        let mut on = |name: &str| node.switch(name, notes) == Some(true);
        let (vnc, sdl) = (on("vnc"), on("sdl"));
        let kind = match word {
            Some("vnc") => Some(Kind::Vnc),
            Some("sdl") => Some(Kind::Sdl),
            Some(_) => {
                notes.essential(path, "a kind of console that is not known here");
                None
            }
            None if vnc => Some(Kind::Vnc),
            None if sdl => Some(Kind::Sdl),
            None => None,
        };
        let display = node.number("vncdisplay", notes);
        let unused = node.switch("vncunused", notes);
        let mut text = |name: &str| node.text(name).map(str::to_owned);
        Self {
            kind,
            display: text("display"),
            xauthority: text("xauthority"),
            listen: text("vnclisten"),
            passwd: text("vncpasswd"),
            keymap: text("keymap"),
            vncdisplay: display.and_then(|number| u16::try_from(number).ok()),
            unused,
        }
    }

    fn fill_from(&mut self, other: &Self) {
        let fill = |mine: &mut Option<String>, theirs: &Option<String>| {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        };
        fill(&mut self.display, &other.display);
        fill(&mut self.xauthority, &other.xauthority);
        fill(&mut self.listen, &other.listen);
        fill(&mut self.passwd, &other.passwd);
        fill(&mut self.keymap, &other.keymap);
        self.kind = self.kind.or(other.kind);
        self.vncdisplay = self.vncdisplay.or(other.vncdisplay);
        self.unused = self.unused.or(other.unused);
    }

    fn console(self, kind: Kind, in_image: bool, source: &Source<'_>) -> Graphics {
        if kind == Kind::Sdl {
            return Graphics::from(Sdl {
                display: self.display,
                xauth: self.xauthority,
                ..Sdl::default()
            });
        }
        // With a free port asked for, a display in the image has no effect.
        let free = in_image && self.unused == Some(true);
        let display = self.vncdisplay.filter(|_| !free).map(|number| {
            // Some configurations say the port itself.
            if number < VNC_BASE {
                number.saturating_add(VNC_BASE)
            } else {
                number
            }
        });
        let by_domid = source
            .domid
            .filter(|_| in_image && source.version == ConfigVersion::Xen302);
        let by_domid = by_domid.and_then(|id| VNC_BASE.checked_add(u16::try_from(id.0).ok()?));
        let port = source.runtime.vnc_port.or(display).or(by_domid);
        Graphics::from(Vnc {
            port,
            autoport: self.unused == Some(true) || port.is_none(),
            listens: self
                .listen
                .map(|address| GraphicsListen::Address {
                    address: Some(address),
                })
                .into_iter()
                .collect(),
            keymap: self.keymap,
            passwd: self.passwd,
        })
    }
}

/// Whether the console of such a guest is in its image.
pub(super) fn is_in_image(hvm: bool, dialect: Dialect) -> bool {
    hvm || !dialect.pv_framebuffer
}

/// Writes the switches in the image.
pub(super) fn write_image(
    consoles: &[Graphics],
    dialect: Dialect,
    image: &mut Vec<Sxpr>,
    notes: &mut Notes,
) {
    let Some((console, path)) = first(consoles, notes) else {
        return;
    };
    match &console.server {
        GraphicsServer::Sdl(sdl) => {
            image.push(Sxpr::pair("sdl", "1"));
            write_sdl(sdl, &path, image, notes);
        }
        GraphicsServer::Vnc(vnc) => {
            image.push(Sxpr::pair("vnc", "1"));
            if dialect.version >= ConfigVersion::Xen303 {
                write_vnc(vnc, &path, image, notes);
            } else {
                note_vnc_of_302(vnc, &path, notes);
            }
        }
        GraphicsServer::Spice(_) | GraphicsServer::Qubes(_) | GraphicsServer::Other(_) => {
            note_kind(console, path, notes);
        }
    }
}

/// Writes the keyboard and the frame buffer of a paravirtualized guest.
pub(super) fn write_devices(consoles: &[Graphics], out: &mut Vec<Sxpr>, notes: &mut Notes) {
    let Some((console, path)) = first(consoles, notes) else {
        return;
    };
    let mut children = Vec::new();
    match &console.server {
        GraphicsServer::Sdl(sdl) => {
            children.push(Sxpr::pair("type", "sdl"));
            write_sdl(sdl, &path, &mut children, notes);
        }
        GraphicsServer::Vnc(vnc) => {
            children.push(Sxpr::pair("type", "vnc"));
            write_vnc(vnc, &path, &mut children, notes);
        }
        GraphicsServer::Spice(_) | GraphicsServer::Qubes(_) | GraphicsServer::Other(_) => {
            note_kind(console, path, notes);
            return;
        }
    }
    out.push(Sxpr::named("device", vec![Sxpr::named("vkbd", Vec::new())]));
    out.push(Sxpr::named("device", vec![Sxpr::named("vfb", children)]));
}

fn first<'a>(consoles: &'a [Graphics], notes: &mut Notes) -> Option<(&'a Graphics, String)> {
    for i in 2..=consoles.len() {
        notes.setting(
            format!("/domain/devices/graphics[{i}]"),
            "XenD gives a guest one graphical console",
        );
    }
    let console = consoles.first()?;
    let path = "/domain/devices/graphics[1]".to_owned();
    notes.kept(&path, &console.kept, "XenD does not know it");
    Some((console, path))
}

fn note_kind(console: &Graphics, path: String, notes: &mut Notes) {
    let reason = format!("XenD has no graphical console of type '{}'", console.kind());
    notes.essential(path, reason);
}

fn write_sdl(sdl: &Sdl, path: &str, out: &mut Vec<Sxpr>, notes: &mut Notes) {
    let Sdl {
        display,
        xauth,
        fullscreen,
        opengl,
    } = sdl;
    out.extend(
        display
            .iter()
            .map(|display| Sxpr::quoted_pair("display", display)),
    );
    out.extend(
        xauth
            .iter()
            .map(|file| Sxpr::quoted_pair("xauthority", file)),
    );
    if fullscreen == &Some(true) {
        notes.setting(format!("{path}/@fullscreen"), "XenD does not know it");
    }
    if opengl == &Some(true) {
        notes.setting(format!("{path}/gl/@enable"), "XenD does not know it");
    }
}

fn write_vnc(vnc: &Vnc, path: &str, out: &mut Vec<Sxpr>, notes: &mut Notes) {
    let display = vnc
        .port
        .filter(|_| !vnc.autoport)
        .map(|port| port.checked_sub(VNC_BASE));
    match display {
        Some(Some(display)) => {
            out.push(Sxpr::pair("vncunused", "0"));
            out.push(Sxpr::pair("vncdisplay", display.to_string()));
        }
        other => {
            out.push(Sxpr::pair("vncunused", "1"));
            if other.is_some() {
                notes.setting(
                    format!("{path}/@port"),
                    "XenD counts ports from 5900; it will choose one",
                );
            }
        }
    }
    let mut addresses = vnc
        .listens
        .iter()
        .enumerate()
        .filter_map(|(i, listen)| match listen {
            GraphicsListen::Address { address } => address.as_ref(),
            GraphicsListen::Network { address, .. } => {
                notes.setting(
                    format!("{path}/listen[{}]", i + 1),
                    "XenD listens on an address",
                );
                address.as_ref()
            }
            GraphicsListen::Socket { .. } | GraphicsListen::None => {
                notes.essential(
                    format!("{path}/listen[{}]", i + 1),
                    "XenD listens on an address",
                );
                None
            }
        });
    let first = addresses.next();
    let others = addresses.count();
    out.extend(first.map(|address| Sxpr::quoted_pair("vnclisten", address)));
    if others > 0 {
        notes.essential(format!("{path}/listen[2]"), "XenD listens on one address");
    }
    out.extend(
        vnc.passwd
            .iter()
            .map(|passwd| Sxpr::quoted_pair("vncpasswd", passwd)),
    );
    out.extend(
        vnc.keymap
            .iter()
            .map(|keymap| Sxpr::quoted_pair("keymap", keymap)),
    );
}

/// Xen 3.0.2 knows that there is a server, nothing more; the port is the domain's
/// number plus 5900.
fn note_vnc_of_302(vnc: &Vnc, path: &str, notes: &mut Notes) {
    if vnc.port.is_some() && !vnc.autoport {
        notes.setting(
            format!("{path}/@port"),
            "XenD before 3.0.3 chooses the port",
        );
    }
    let said = vnc
        .listens
        .iter()
        .any(|l| *l != GraphicsListen::Address { address: None });
    if said {
        notes.essential(
            format!("{path}/listen"),
            "XenD before 3.0.3 listens everywhere",
        );
    }
    if vnc.passwd.is_some() {
        notes.essential(
            format!("{path}/@passwd"),
            "XenD before 3.0.3 asks for no password",
        );
    }
    if vnc.keymap.is_some() {
        notes.setting(
            format!("{path}/@keymap"),
            "XenD before 3.0.3 has one layout",
        );
    }
}
