//! Documents in and out: what the driver asks of the guest model and of the
//! formats.
//!
//! Which calls take documents is in `domain/xml` and `domain/devices`.

use crate::{Converted, Error, NativeFormat, Result};
use virtxen_guest::{ChardevSource, Device, GraphicsServer, Guest, Interface, MacAddress, Uuid};
use virtxen_host::XenVersion;

/// What becomes of unknown elements and attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Warnings.
    Lenient,
    /// Errors.
    Strict,
}

fn missing<T>(operation: &'static str) -> Result<T> {
    Err(Error::Unsupported {
        operation,
        reason: "documents cannot be read yet".to_owned(),
    })
}

/// A domain document and the warnings about it.
pub(crate) fn parse_guest(_xml: &str, _strictness: Strictness) -> Result<(Guest, Vec<String>)> {
    missing("parse")
}

/// A device document.
pub(crate) fn parse_device(_xml: &str, _strictness: Strictness) -> Result<Device> {
    missing("parse")
}

/// A guest as libvirt's XML, with or without passwords.
pub(crate) fn format_guest(_guest: &Guest, _secure: bool) -> Result<String> {
    missing("format")
}

pub(crate) fn from_native(_format: NativeFormat, _text: &str) -> Result<Converted> {
    missing("convert")
}

pub(crate) fn to_native(_format: NativeFormat, _xml: &str, _to: &XenVersion) -> Result<Converted> {
    missing("convert")
}

/// Fills in what a guest needs and a document may leave out.
pub(crate) fn complete(guest: &mut Guest) {
    for interface in &mut guest.devices.interfaces {
        interface.mac.get_or_insert_with(random_mac);
    }
}

/// Removes what only a running guest has: number, terminals, chosen ports, names of
/// backends.
pub(crate) fn forget_run(guest: &mut Guest) {
    guest.id = None;
    let devices = &mut guest.devices;
    for chardev in devices
        .consoles
        .iter_mut()
        .chain(&mut devices.serials)
        .chain(&mut devices.parallels)
    {
        if let ChardevSource::Pty { path } = &mut chardev.source {
            *path = None;
        }
    }
    for graphics in &mut devices.graphics {
        match &mut graphics.server {
            GraphicsServer::Vnc(vnc) if vnc.autoport => vnc.port = None,
            GraphicsServer::Spice(spice) if spice.autoport => {
                spice.port = None;
                spice.tls_port = None;
            }
            _ => {}
        }
    }
    for interface in &mut devices.interfaces {
        forget_backend(interface);
    }
}

/// `vif3.0` is Xen's own name for the backend of domain 3, other names are chosen.
fn forget_backend(interface: &mut Interface) {
    let is_xens = |name: &String| {
        let numbers = name.strip_prefix("vif").and_then(|n| n.split_once('.'));
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        numbers.is_some_and(|(domid, handle)| number(domid) && number(handle))
    };
    interface.target.take_if(|name| is_xens(name));
}

/// A hardware address in Xen's range.
pub(crate) fn random_mac() -> MacAddress {
    let Uuid([a, b, c, ..]) = Uuid::random();
    let [x, y, z] = MacAddress::XEN;
    MacAddress([x, y, z, a & 0x7f, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_xens_own_names_are_forgotten() {
        for (name, kept) in [
            ("vif3.0", false),
            ("vifweb", true),
            ("vif3.", true),
            ("tap0", true),
        ] {
            let mut interface = Interface {
                target: Some(name.to_owned()),
                ..Interface::default()
            };
            forget_backend(&mut interface);
            assert_eq!(interface.target.is_some(), kept, "{name}");
        }
    }
}
