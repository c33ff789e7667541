//! Graphical consoles: VNC, SDL, SPICE.
//! What is drawn on them is `video`; text consoles are `chardev`.

use crate::words::words;
use crate::{Element, Kept};

/// A graphical console.
#[derive(Clone, Debug, PartialEq)]
pub struct Graphics {
    /// What serves it.
    pub server: GraphicsServer,
    /// Known parts without effect.
    pub kept: Kept,
}

/// What serves a graphical console.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphicsServer {
    /// VNC.
    Vnc(Vnc),
    /// A window on the host.
    Sdl(Sdl),
    /// SPICE.
    Spice(Spice),
    /// The GUI daemon of Qubes OS (not in libvirt's schema).
    Qubes(Qubes),
    /// Another one of libvirt (`rdp`, `desktop`, `egl-headless`, `dbus`), as it is written.
    Other(Element),
}

/// A VNC server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vnc {
    /// TCP port: the chosen one, or with `autoport` the one of a running guest.
    pub port: Option<u16>,
    /// The host chooses the port. `port='-1'` and no port at all mean this too.
    pub autoport: bool,
    /// Where it listens.
    pub listens: Vec<GraphicsListen>,
    /// Keyboard layout: `en-us`, `de`, …
    pub keymap: Option<String>,
    /// Password, written only when asked for.
    pub passwd: Option<String>,
}

/// A window on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sdl {
    /// X display: `:0.0`.
    pub display: Option<String>,
    /// X authority file.
    pub xauth: Option<String>,
    /// Whether the window is the whole screen.
    pub fullscreen: Option<bool>,
    /// Whether OpenGL is used.
    pub opengl: Option<bool>,
}

/// A SPICE server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spice {
    /// TCP port: the chosen one, or with `autoport` the one of a running guest.
    pub port: Option<u16>,
    /// TCP port with TLS.
    pub tls_port: Option<u16>,
    /// The host chooses the ports.
    pub autoport: bool,
    /// Where it listens.
    pub listens: Vec<GraphicsListen>,
    /// Keyboard layout.
    pub keymap: Option<String>,
    /// Password, written only when asked for.
    pub passwd: Option<String>,
    /// Who draws the mouse pointer.
    pub mouse_mode: Option<MouseMode>,
    /// Whether the clipboard is shared.
    pub clipboard_copypaste: Option<bool>,
}

/// The GUI daemon of Qubes OS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Qubes {
    /// Domain that shows the windows, Domain-0 if `None`.
    pub domain: Option<String>,
    /// How much is logged, 0 if `None`.
    pub log_level: Option<i32>,
}

words! {
    /// Who draws the mouse pointer.
    MouseMode { Server = "server", Client = "client" }
}

/// Where a graphics server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphicsListen {
    /// On a TCP address; `None` leaves it to the host.
    Address {
        /// The address.
        address: Option<String>,
    },
    /// On the address of a virtual network.
    Network {
        /// Name of the network.
        network: String,
        /// The address, while the guest runs.
        address: Option<String>,
    },
    /// On a UNIX socket.
    Socket {
        /// Its path.
        path: Option<String>,
    },
    /// Nowhere.
    None,
}

impl From<Vnc> for Graphics {
    fn from(vnc: Vnc) -> Self {
        Self::new(GraphicsServer::Vnc(vnc))
    }
}

impl From<Sdl> for Graphics {
    fn from(sdl: Sdl) -> Self {
        Self::new(GraphicsServer::Sdl(sdl))
    }
}

impl From<Spice> for Graphics {
    fn from(spice: Spice) -> Self {
        Self::new(GraphicsServer::Spice(spice))
    }
}

impl Graphics {
    /// A console with this server.
    #[must_use]
    pub fn new(server: GraphicsServer) -> Self {
        Self {
            server,
            kept: Kept::default(),
        }
    }

    /// libvirt's word for the type of server.
    #[must_use]
    pub fn kind(&self) -> &str {
        match &self.server {
            GraphicsServer::Vnc(_) => "vnc",
            GraphicsServer::Sdl(_) => "sdl",
            GraphicsServer::Spice(_) => "spice",
            GraphicsServer::Qubes(_) => "qubes",
            GraphicsServer::Other(element) => element.attribute("type").unwrap_or_default(),
        }
    }

    /// The address that the server listens on, if one is said.
    #[must_use]
    pub fn listen_address(&self) -> Option<&str> {
        let listens = match &self.server {
            GraphicsServer::Vnc(vnc) => &vnc.listens,
            GraphicsServer::Spice(spice) => &spice.listens,
            GraphicsServer::Sdl(_) | GraphicsServer::Qubes(_) | GraphicsServer::Other(_) => {
                return None;
            }
        };
        listens.iter().find_map(|listen| match listen {
            GraphicsListen::Address { address } | GraphicsListen::Network { address, .. } => {
                address.as_deref()
            }
            GraphicsListen::Socket { .. } | GraphicsListen::None => None,
        })
    }
}
