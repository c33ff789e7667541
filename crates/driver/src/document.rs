//! Documents in and out: what the driver asks of the guest model and of the
//! formats.
//!
//! Which calls take documents is in `domain/xml` and `domain/devices`.

use crate::{Converted, Error, NativeFormat, Result, XmlFlags};
use virtxen_formats::config::Document;
use virtxen_formats::sxpr::{self, ConfigVersion, Dialect, Runtime, Target};
use virtxen_formats::{xl, xm};
use virtxen_guest::{
    ChardevSource, Device, FormatOptions, GraphicsServer, Guest, Interface, ParseOptions, Rules,
};
use virtxen_host::XenVersion;

/// A domain document and the warnings about it. When `strict`, what would be a
/// warning is an error.
pub(crate) fn parse_guest(xml: &str, strict: bool) -> Result<(Guest, Vec<String>)> {
    let parsed = virtxen_guest::parse_guest(xml, &options(strict)).map_err(Error::Xml)?;
    Ok((parsed.value, texts(&parsed.warnings)))
}

/// A device document.
pub(crate) fn parse_device(xml: &str) -> Result<Device> {
    let parsed = virtxen_guest::parse_device(xml, &options(false)).map_err(Error::Xml)?;
    Ok(parsed.value)
}

/// A guest as libvirt's XML, with what libvirt fills in.
pub(crate) fn format_guest(guest: Guest, flags: XmlFlags) -> String {
    format_by(&Rules::XEND, guest, flags)
}

fn format_by(rules: &Rules, mut guest: Guest, flags: XmlFlags) -> String {
    guest.fill_defaults(rules);
    let options = FormatOptions {
        inactive: flags.inactive,
        secure: flags.secure,
        migratable: flags.migratable,
    };
    virtxen_guest::format_guest(&guest, &options)
}

/// In terms of the XenD of this version.
pub(crate) fn from_native(
    format: NativeFormat,
    text: &str,
    from: &XenVersion,
) -> Result<Converted> {
    let wrong = |error: &dyn std::fmt::Display| Error::Config(error.to_string());
    let converted = match format {
        NativeFormat::Sxpr => {
            let tree = sxpr::read(text, sxpr::Limits::default()).map_err(|e| wrong(&e))?;
            let version = ConfigVersion::Xen310;
            sxpr::sxpr_to_guest(&tree, version, &Runtime::default())
        }
        NativeFormat::Xm => {
            let file = Document::read(text).map_err(|e| wrong(&e))?;
            xm::xm_to_guest(&file, xm_dialect(from), &xm::Host::default())
        }
        NativeFormat::Xl => {
            let file = Document::read(text).map_err(|e| wrong(&e))?;
            xl::xl_to_guest(&file, &xl::Host::default())
        }
    };
    let converted = converted.map_err(|e| wrong(&e))?;
    let rules = match format {
        NativeFormat::Sxpr | NativeFormat::Xm => &Rules::XEND,
        NativeFormat::Xl => &Rules::LIBXL,
    };
    let flags = XmlFlags {
        secure: true,
        ..XmlFlags::default()
    };
    Ok(Converted {
        text: format_by(rules, converted.value, flags),
        warnings: texts(&converted.notes),
    })
}

/// For the XenD of this version.
pub(crate) fn to_native(format: NativeFormat, xml: &str, to: &XenVersion) -> Result<Converted> {
    let wrong = |error: virtxen_formats::Error| Error::Config(error.to_string());
    let (guest, mut warnings) = parse_guest(xml, false)?;
    let bridges = xm::Bridges::new();
    let (text, notes) = match format {
        NativeFormat::Sxpr => {
            let dialect = Dialect::of_release(config_format(to), to.major, to.minor, &to.extra);
            let written = sxpr::guest_to_sxpr(&guest, &Target::new(dialect)).map_err(wrong)?;
            (sxpr::write_request(&written.value), written.notes)
        }
        NativeFormat::Xm => {
            let written = xm::guest_to_xm(&guest, xm_dialect(to), &bridges).map_err(wrong)?;
            (written.value.to_string(), written.notes)
        }
        NativeFormat::Xl => {
            let written = xl::guest_to_xl(&guest, &bridges).map_err(wrong)?;
            (written.value.to_string(), written.notes)
        }
    };
    warnings.extend(texts(&notes));
    Ok(Converted { text, warnings })
}

/// What the xm of this release reads.
fn xm_dialect(version: &XenVersion) -> xm::Dialect {
    xm::Dialect::of_release(config_format(version), version.major, version.minor)
}

/// The number of XenD's configuration format in this release.
fn config_format(version: &XenVersion) -> Option<u32> {
    let patch = version.extra.trim_start_matches('.');
    match (version.major, version.minor) {
        (..=2, _) => None,
        (3, 0) => match patch.chars().next() {
            Some('0'..='2') => None,
            Some('3') => Some(2),
            _ => Some(3),
        },
        _ => Some(4),
    }
}

fn options(strict: bool) -> ParseOptions {
    ParseOptions {
        strict,
        ..ParseOptions::default()
    }
}

fn texts(problems: &[impl ToString]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Fills in what a document may leave unsaid, as libvirt does with XenD.
pub(crate) fn complete(guest: &mut Guest) {
    guest.fill_defaults(&Rules::XEND);
    guest.fill_identities();
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
