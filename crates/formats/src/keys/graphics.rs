//! Graphical consoles: VNC and SDL by `vnc`, `sdl` and their sisters, or by a
//! `vfb` list for paravirtualized guests of Xen 3.0.4 and later.
//!
//! SPICE, which only xl has, is in `xl/spice.rs`.

use super::{Dialect, Entry, Out, Settings, Words};
use crate::convert::{Notes, excerpt};
use crate::sxpr::ConfigVersion;
use crate::xl::spice;
use virtxen_guest::{Graphics, GraphicsListen, GraphicsServer, Sdl, Vnc};

/// First port of VNC servers: display 0.
const VNC_BASE: u16 = 5900;

/// What a console says, wherever it stands.
#[derive(Default)]
struct Parts {
    display: Option<u32>,
    unused: Option<bool>,
    listen: Option<String>,
    passwd: Option<String>,
    keymap: Option<String>,
    sdl_display: Option<String>,
    xauthority: Option<String>,
}

/// Reads all consoles.
pub(super) fn read(
    file: &mut Settings<'_>,
    hvm: bool,
    dialect: Dialect,
    notes: &mut Notes,
) -> Vec<Graphics> {
    let mut consoles = Vec::new();
    if dialect.xl && hvm {
        consoles.extend(spice::read(file, notes));
    }
    let (vnc, sdl) = (file.switch("vnc", notes), file.switch("sdl", notes));
    let parts = Parts::of_file(file, notes);
    let framebuffers = file.entries("vfb", notes);
    let listed = !hvm && !dialect.before(ConfigVersion::Xen304) && !framebuffers.is_empty();
    let named = vnc == Some(true) || sdl == Some(true);
    if named && listed {
        let name = if vnc == Some(true) { "vnc" } else { "sdl" };
        notes.setting_at(name, file.at(name), "vfb goes before it");
    } else if vnc == Some(true) {
        consoles.push(Graphics::from(parts.vnc(true)));
    } else if sdl == Some(true) {
        consoles.push(Graphics::from(parts.sdl()));
    }
    if consoles.is_empty() {
        consoles.extend(framebuffers.iter().map(|entry| of_entry(entry, notes)));
    } else {
        for entry in framebuffers {
            notes.setting_at(entry.path, entry.at, "vnc, sdl and spice go before it");
        }
    }
    consoles
}

fn of_entry(entry: &Entry, notes: &mut Notes) -> Graphics {
    let mut words = Words::new(entry);
    let kind = words.text("type");
    let vnc = words.number("vnc", 10, notes);
    let sdl = words.number("sdl", 10, notes);
    let parts = Parts {
        display: words.number("vncdisplay", 10, notes),
        unused: words.number("vncunused", 10, notes).map(|on| on != 0),
        listen: words.owned("vnclisten"),
        passwd: words.owned("vncpasswd"),
        keymap: words.owned("keymap"),
        sdl_display: words.owned("display"),
        xauthority: words.owned("xauthority"),
    };
    let is_sdl = match kind {
        None => sdl.is_some_and(|on| on != 0) && vnc.is_none_or(|on| on == 0),
        Some("sdl") => true,
        Some("vnc") => false,
        Some(other) => {
            let reason = format!("'{}' is read as vnc", excerpt(other));
            words.note("type", reason, notes);
            false
        }
    };
    words.finish(notes);
    if is_sdl {
        Graphics::from(parts.sdl())
    } else {
        Graphics::from(parts.vnc(false))
    }
}

impl Parts {
    fn of_file(file: &mut Settings<'_>, notes: &mut Notes) -> Self {
        Self {
            display: file.count("vncdisplay", notes),
            unused: file.switch("vncunused", notes),
            listen: file.filled("vnclisten", notes),
            passwd: file.filled("vncpasswd", notes),
            keymap: file.filled("keymap", notes),
            sdl_display: file.filled("display", notes),
            xauthority: file.filled("xauthority", notes),
        }
    }

    /// `in_file` where the words are names of the file: then a display has no
    /// effect unless `vncunused` is off.
    fn vnc(self, in_file: bool) -> Vnc {
        let mut display = self.display;
        let mut listen = self.listen;
        // xl takes the display with the address too.
        let both = listen.as_deref().and_then(|text| {
            let (address, number) = text.rsplit_once(':')?;
            let number = number.parse::<u32>().ok()?;
            (!address.contains(':')).then(|| (address.to_owned(), number))
        });
        if let Some((address, number)) = both {
            listen = Some(address).filter(|address| !address.is_empty());
            display = Some(number);
        }
        let free = self.unused.unwrap_or(in_file && display.is_none());
        let display = if in_file && !free {
            display.or(Some(0))
        } else {
            display
        };
        let port = display.filter(|_| !free).and_then(|number| {
            let number = u16::try_from(number).ok()?;
            // Some files say the port itself.
            if number < VNC_BASE {
                number.checked_add(VNC_BASE)
            } else {
                Some(number)
            }
        });
        let address = listen.map(|address| GraphicsListen::Address {
            address: Some(address),
        });
        Vnc {
            port,
            autoport: port.is_none(),
            listens: address.into_iter().collect(),
            keymap: self.keymap,
            passwd: self.passwd,
        }
    }

    fn sdl(self) -> Sdl {
        Sdl {
            display: self.sdl_display,
            xauth: self.xauthority,
            ..Sdl::default()
        }
    }
}

/// Writes the console that the guest gets: SPICE first, else the first one.
pub(super) fn write(
    consoles: &[Graphics],
    hvm: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    let is_spice = |console: &Graphics| matches!(console.server, GraphicsServer::Spice(_));
    let chosen = consoles
        .iter()
        .position(|console| dialect.xl && hvm && is_spice(console))
        .unwrap_or(0);
    let tool = dialect.tool();
    for (i, console) in consoles.iter().enumerate() {
        let path = format!("/domain/devices/graphics[{}]", i + 1);
        if i != chosen {
            notes.setting(path, format!("{tool} gives a guest one graphical console"));
            continue;
        }
        notes.kept(&path, &console.kept, &format!("{tool} does not know it"));
        match &console.server {
            GraphicsServer::Spice(server) if dialect.xl && hvm => {
                spice::write(server, &path, out, notes);
            }
            GraphicsServer::Vnc(vnc) => {
                let pairs = vnc_pairs(vnc, &path, notes);
                write_pairs("vnc", pairs, hvm, dialect, out);
            }
            GraphicsServer::Sdl(sdl) => {
                let pairs = sdl_pairs(sdl, &path, notes);
                write_pairs("sdl", pairs, hvm, dialect, out);
            }
            GraphicsServer::Spice(_) | GraphicsServer::Qubes(_) | GraphicsServer::Other(_) => {
                let kind = console.kind();
                let reason = format!("{tool} has no graphical console of type '{kind}' here");
                notes.essential(path, reason);
            }
        }
    }
}

type Pairs = Vec<(&'static str, String)>;

/// As names of the file, or as one `vfb`.
fn write_pairs(kind: &'static str, pairs: Pairs, hvm: bool, dialect: Dialect, out: &mut Out) {
    if hvm || dialect.before(ConfigVersion::Xen304) {
        out.switch("sdl", kind == "sdl");
        out.switch("vnc", kind == "vnc");
        for (name, value) in pairs {
            match value.parse::<u32>() {
                Ok(number) if name.starts_with("vncun") || name == "vncdisplay" => {
                    out.number(name, number);
                }
                _ => out.text(name, value),
            }
        }
        return;
    }
    let words = pairs.iter().map(|(name, value)| format!(",{name}={value}"));
    let words: String = words.collect();
    out.texts("vfb", vec![format!("type={kind}{words}")]);
}

fn sdl_pairs(sdl: &Sdl, path: &str, notes: &mut Notes) -> Pairs {
    for (name, said) in [
        ("@fullscreen", sdl.fullscreen == Some(true)),
        ("gl/@enable", sdl.opengl == Some(true)),
    ] {
        if said {
            notes.setting(format!("{path}/{name}"), "it has no name in the file");
        }
    }
    let display = sdl.display.clone().map(|display| ("display", display));
    let xauth = sdl.xauth.clone().map(|file| ("xauthority", file));
    display.into_iter().chain(xauth).collect()
}

fn vnc_pairs(vnc: &Vnc, path: &str, notes: &mut Notes) -> Pairs {
    let mut pairs = Pairs::new();
    let port = vnc.port.filter(|_| !vnc.autoport);
    match port.map(|port| port.checked_sub(VNC_BASE)) {
        Some(Some(display)) => {
            pairs.push(("vncunused", "0".to_owned()));
            pairs.push(("vncdisplay", display.to_string()));
        }
        other => {
            pairs.push(("vncunused", "1".to_owned()));
            if other.is_some() {
                let reason = "ports count from 5900; a free one will be chosen";
                notes.setting(format!("{path}/@port"), reason);
            }
        }
    }
    let address = listen_address(&vnc.listens, path, notes);
    pairs.extend(address.map(|address| ("vnclisten", address)));
    pairs.extend(vnc.passwd.clone().map(|passwd| ("vncpasswd", passwd)));
    pairs.extend(vnc.keymap.clone().map(|keymap| ("keymap", keymap)));
    pairs
}

/// The one address that a server can listen on; others are noted.
pub(crate) fn listen_address(
    listens: &[GraphicsListen],
    path: &str,
    notes: &mut Notes,
) -> Option<String> {
    let mut found = None;
    for (i, listen) in listens.iter().enumerate() {
        let path = format!("{path}/listen[{}]", i + 1);
        let address = match listen {
            GraphicsListen::Address { address } => address.as_ref(),
            GraphicsListen::Network { address, .. } => {
                notes.setting(path.clone(), "it listens on an address");
                address.as_ref()
            }
            GraphicsListen::Socket { .. } | GraphicsListen::None => {
                notes.essential(path.clone(), "it listens on an address");
                None
            }
        };
        match (address, &found) {
            (Some(address), None) => found = Some(address.clone()),
            (Some(_), Some(_)) => notes.essential(path, "it listens on one address"),
            (None, _) => {}
        }
    }
    found
}
