//! Where a guest can be seen and typed at: console and VNC server.

use super::{XendHost, failure};
use crate::{Result, VncServer};
use std::path::PathBuf;
use virtxen_formats::sxpr::Sxpr;
use virtxen_guest::DomId;

/// VNC display 0.
const FIRST_PORT: u32 = 5900;

impl XendHost {
    pub(super) async fn console_terminal(&self, name: &str) -> Result<PathBuf> {
        let domid = self.info(name).await?.domid;
        let domid = domid.ok_or_else(|| failure::inactive(name, "console"))?;
        let found = match &self.facts {
            Some(facts) => facts.terminal(domid, false).await?,
            None => None,
        };
        found.ok_or_else(|| {
            self.unsupported(
                "console",
                "does not tell the terminal of a guest; it is in XenStore, \
                 which can be asked on the host itself only",
            )
        })
    }

    pub(super) async fn vnc_server(&self, name: &str) -> Result<Option<VncServer>> {
        let document = self.document(name).await?;
        let domid = document.value("domid").and_then(|text| text.parse().ok());
        let domid = DomId(domid.ok_or_else(|| failure::inactive(name, "vnc"))?);
        if let Some(server) = told(&document) {
            return Ok(Some(server));
        }
        let Some(settings) = settings(&document) else {
            return Ok(None);
        };
        let known = match &self.facts {
            Some(facts) => facts.vnc_port(domid).await?,
            None => None,
        };
        let number = |key: &str| {
            settings
                .value(key)
                .and_then(|text| text.parse::<u32>().ok())
        };
        // XenD of 3.0.0 to 3.0.2 always takes the domain's number, later ones
        // where they are not told to look for a free one.
        let counts = self.client.habits().config_format == 1 || number("vncunused") == Some(0);
        let display = counts.then(|| number("vncdisplay").unwrap_or(domid.0));
        let counted = display.and_then(|display| FIRST_PORT.checked_add(display));
        let counted = counted.and_then(|port| u16::try_from(port).ok());
        let Some(port) = known.or(counted) else {
            return Err(self.unsupported(
                "vnc",
                "does not tell the port of this guest's VNC server; it is in XenStore, \
                 which can be asked on the host itself only",
            ));
        };
        let listen = settings.value("vnclisten").unwrap_or_default();
        Ok(Some(VncServer {
            address: listen.to_owned(),
            port,
        }))
    }
}

/// What the devices of an active domain say: `(vfb (location HOST:PORT))`, in
/// 3.0.4 `(console (vnc-port PORT))`.
fn told(document: &Sxpr) -> Option<VncServer> {
    let mut devices = document.children("device").filter_map(|d| d.rest().first());
    devices.find_map(|device| match device.name()? {
        "vfb" => {
            let (address, port) = device.value("location")?.rsplit_once(':')?;
            Some(VncServer {
                address: address.to_owned(),
                port: port.parse().ok()?,
            })
        }
        "console" => Some(VncServer {
            address: String::new(),
            port: device.value("vnc-port")?.parse().ok()?,
        }),
        _ => None,
    })
}

/// The list with a VNC server's settings, if the guest has one.
fn settings(document: &Sxpr) -> Option<&Sxpr> {
    let has_vnc = |list: &Sxpr| {
        let on = list
            .value("vnc")
            .is_some_and(|on| on != "0" && !on.is_empty());
        on || list.value("type") == Some("vnc")
    };
    let devices = document.children("device").filter_map(|d| d.rest().first());
    let vfb = devices
        .filter(|d| d.name() == Some("vfb"))
        .find(|d| has_vnc(d));
    let image = document
        .child("image")
        .and_then(|image| image.rest().first());
    vfb.or_else(|| image.filter(|image| has_vnc(image)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::sxpr::{Limits, read};

    fn server(text: &str) -> Option<(String, u16)> {
        let document = read(text, Limits::default()).unwrap();
        told(&document).map(|server| (server.address, server.port))
    }

    #[test]
    fn ports_of_every_release() {
        let vfb = "(domain (device (vif (mac x)))(device (vfb (vnc 1)(location 127.0.0.1:5927))))";
        assert_eq!(server(vfb), Some(("127.0.0.1".to_owned(), 5927)));
        let console = "(domain (device (console (location 3)(vnc-port 5901))))";
        assert_eq!(server(console), Some((String::new(), 5901)));
        let none = "(domain (device (console (location 3)))(device (vfb (type vnc))))";
        assert_eq!(server(none), None);
        let document = read(none, Limits::default()).unwrap();
        assert_eq!(settings(&document).and_then(Sxpr::name), Some("vfb"));
        let image = read("(domain (image (hvm (vnc 1))))", Limits::default()).unwrap();
        assert_eq!(settings(&image).and_then(Sxpr::name), Some("hvm"));
    }
}
