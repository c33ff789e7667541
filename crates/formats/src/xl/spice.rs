//! SPICE: `spice`, `spicehost`, `spiceport` and their sisters.

use crate::convert::Notes;
use crate::keys::{Out, Settings, listen_address};
use virtxen_guest::{Graphics, GraphicsListen, MouseMode, Spice};

/// Reads the server, if it is on.
pub(crate) fn read(file: &mut Settings<'_>, notes: &mut Notes) -> Option<Graphics> {
    let on = file.switch("spice", notes) == Some(true);
    let mut port = |name| {
        let port = file.count(name, notes).filter(|port| *port > 0)?;
        u16::try_from(port).ok()
    };
    let (port, tls_port) = (port("spiceport"), port("spicetls_port"));
    let address = file.filled("spicehost", notes);
    let address = address.map(|address| GraphicsListen::Address {
        address: Some(address),
    });
    let open = file.switch("spicedisable_ticketing", notes) == Some(true);
    let passwd = file.filled("spicepasswd", notes).filter(|_| !open);
    let agent_mouse = file.switch("spiceagent_mouse", notes) == Some(true);
    let clipboard = file.switch("spice_clipboard_sharing", notes) == Some(true);
    on.then(|| {
        Graphics::from(Spice {
            port,
            tls_port,
            autoport: port.is_none() && tls_port.is_none(),
            listens: address.into_iter().collect(),
            keymap: file.filled("keymap", notes),
            passwd,
            mouse_mode: Some(if agent_mouse {
                MouseMode::Client
            } else {
                MouseMode::Server
            }),
            clipboard_copypaste: Some(clipboard),
        })
    })
}

/// Writes the server.
pub(crate) fn write(server: &Spice, path: &str, out: &mut Out, notes: &mut Notes) {
    out.switch("sdl", false);
    out.switch("vnc", false);
    out.switch("spice", true);
    if let Some(address) = listen_address(&server.listens, path, notes) {
        out.text("spicehost", address);
    }
    for (name, port) in [
        ("spiceport", server.port),
        ("spicetls_port", server.tls_port),
    ] {
        out.number(name, port.filter(|_| !server.autoport).unwrap_or(0));
    }
    out.switch("spicedisable_ticketing", server.passwd.is_none());
    out.optional("spicepasswd", server.passwd.as_ref());
    out.optional("keymap", server.keymap.as_ref());
    if let Some(mode) = server.mouse_mode {
        out.switch("spiceagent_mouse", mode == MouseMode::Client);
    }
    if server.clipboard_copypaste == Some(true) {
        out.switch("spice_clipboard_sharing", true);
    }
    // Both work through the agent in the guest.
    if server.mouse_mode == Some(MouseMode::Client) || server.clipboard_copypaste == Some(true) {
        out.switch("spicevdagent", true);
    }
}
