//! Documents in and out: what the driver asks of the guest model and of the
//! formats.
//!
//! Which calls take documents is in `domain/xml` and `domain/devices`.

use crate::{Converted, Error, NativeFormat, Result, XmlFlags};
use std::env::consts::ARCH;
use virtxen_formats::Note;
use virtxen_formats::config::Document;
use virtxen_formats::sxpr::{self, ConfigVersion, Dialect, Runtime, Sxpr, Target};
use virtxen_formats::{libxl, xl, xm};
use virtxen_guest::{
    ChardevSource, Device, FormatOptions, GraphicsServer, Guest, HostdevSource, Input, InputBus,
    InputType, Interface, LoaderType, ParseOptions, Problem, ProblemKind, Problems, Rule, Rules,
    Severity, place_losses,
};
use virtxen_host::XenVersion;

/// A domain document and the warnings about it.
pub(crate) fn parse_guest(xml: &str) -> Result<(Guest, Vec<Problem>)> {
    let parsed = virtxen_guest::parse_guest(xml, &ParseOptions::default()).map_err(Error::Xml)?;
    Ok((parsed.value, parsed.warnings))
}

/// A device document and the warnings about it.
pub(crate) fn parse_device(xml: &str) -> Result<(Device, Vec<Problem>)> {
    let parsed = virtxen_guest::parse_device(xml, &ParseOptions::default()).map_err(Error::Xml)?;
    Ok((parsed.value, parsed.warnings))
}

/// Reads a domain document as the driver does, without asking a host.
///
/// # Errors
/// [`Error::Xml`] with all its problems; when `strict`, with what is only odd.
pub fn read_guest(xml: &str, strict: bool) -> Result<(Guest, Vec<Problem>)> {
    let (guest, warnings) = parse_guest(xml)?;
    Ok((guest, tolerable(xml, warnings, Vec::new(), strict)?))
}

/// Reads a device document as the driver does, without asking a host.
///
/// # Errors
/// As [`read_guest`].
pub fn read_device(xml: &str, strict: bool) -> Result<(Device, Vec<Problem>)> {
    let (device, warnings) = parse_device(xml)?;
    Ok((device, tolerable(xml, warnings, Vec::new(), strict)?))
}

/// The warnings about a document for the Xen of this version.
///
/// # Errors
/// libvirt's driver for it refuses what XenD would choose: the bridge of an interface.
pub(crate) fn settled(warnings: Vec<Problem>, to: &XenVersion) -> Result<Vec<Problem>> {
    let is_refused = |problem: &Problem| match &problem.kind {
        ProblemKind::Rule(broken) => broken.rule == Rule::BridgeName,
        _ => false,
    };
    if *rules(to) != Rules::LIBXL || !warnings.iter().any(is_refused) {
        return Ok(warnings);
    }
    let mut problems: Vec<Problem> = warnings.into_iter().filter(is_refused).collect();
    for problem in &mut problems {
        problem.severity = Severity::Error;
    }
    Err(Error::Xml(Problems { problems }))
}

/// The warnings about a document and what a host would not carry of it, in the order
/// of places.
///
/// # Errors
/// [`Error::Lost`] if it would be another guest. When `strict`, anything is an error,
/// [`Error::Schema`] if it is about the document itself.
pub(crate) fn tolerable(
    text: &str,
    mut problems: Vec<Problem>,
    notes: Vec<Note>,
    strict: bool,
) -> Result<Vec<Problem>> {
    let unknown = !problems.is_empty();
    let losses = notes.into_iter().map(|note| {
        let severity = match note.essential {
            true => Severity::Error,
            false => Severity::Warning,
        };
        note.into_loss(severity)
    });
    problems.extend(place_losses(text, losses.collect()));
    problems.sort_by_key(|problem| problem.offset);
    if strict {
        for problem in &mut problems {
            problem.severity = Severity::Error;
        }
    }
    if !problems.iter().any(|p| p.severity == Severity::Error) {
        return Ok(problems);
    }
    Err(match strict && unknown {
        true => Error::Schema(Problems { problems }),
        false => Error::Lost(Problems { problems }),
    })
}

/// A guest as libvirt's XML, with what libvirt fills in.
pub(crate) fn format_guest(guest: Guest, flags: XmlFlags, of: &XenVersion) -> String {
    format_by(rules(of), guest, flags)
}

/// What libvirt's driver for the Xen of this version fills in.
fn rules(version: &XenVersion) -> &'static Rules {
    match (version.major, version.minor) {
        // The first that has no XenD.
        release if release >= (4, 5) => &Rules::LIBXL,
        _ => &Rules::XEND,
    }
}

/// Takes out the input devices that libvirt's own driver refuses a whole document for: of Xen's
/// those of an HVM guest, and tablets. What a guest has of them it got while it ran.
pub(crate) fn leave_out_foreign_inputs(guest: &mut Guest) {
    let hvm = guest.is_hvm();
    let is_taken = |it: &Input| !hvm && it.kind != InputType::Tablet;
    let inputs = &mut guest.devices.inputs;
    inputs.retain(|it| it.bus != Some(InputBus::Xen) || is_taken(it));
}

fn format_by(rules: &Rules, mut guest: Guest, flags: XmlFlags) -> String {
    if flags.migratable {
        leave_out_foreign_inputs(&mut guest);
    }
    fill(&mut guest, rules);
    let options = FormatOptions {
        inactive: flags.inactive,
        secure: flags.secure,
        migratable: flags.migratable,
    };
    virtxen_guest::format_guest(&guest, &options)
}

/// The guest of a configuration that this version's XenD wrote, or why it is none.
pub(crate) fn of_config(text: &str, version: &XenVersion) -> std::result::Result<Guest, String> {
    let tree = sxpr::read(text, sxpr::Limits::default()).map_err(|error| error.to_string())?;
    let version = ConfigVersion::from_number(version.config_format());
    let converted = sxpr::sxpr_to_guest(&tree, version, &Runtime::default());
    let converted = converted.map_err(|error| error.to_string())?;
    Ok(converted.value)
}

/// XenD's configuration with what a guest makes of it: what a guest's document does not
/// say stays as XenD wrote it.
pub(crate) fn changed_config(text: &str, guest: &Guest, version: &XenVersion) -> Result<String> {
    let wrong = |error: &dyn std::fmt::Display| Error::Config(error.to_string());
    let old = sxpr::read(text, sxpr::Limits::default()).map_err(|error| wrong(&error))?;
    let dialect = Dialect::of_release(
        version.config_format(),
        version.major,
        version.minor,
        &version.extra,
    );
    let new = sxpr::guest_to_sxpr(guest, &Target::new(dialect)).map_err(|error| wrong(&error))?;
    let lost: Vec<String> = new
        .notes
        .iter()
        .filter(|it| it.essential)
        .map(Note::to_string)
        .collect();
    if !lost.is_empty() {
        return Err(Error::Config(lost.join("; ")));
    }
    let of = |tree: &Sxpr| tree.as_list().unwrap_or_default().to_vec();
    let (old, mut new) = (of(&old), of(&new.value));
    // The class of a device, else the name.
    let key = |item: &Sxpr| match item.name() {
        Some("device") => item
            .rest()
            .first()
            .and_then(Sxpr::name)
            .map(|class| format!("device {class}")),
        name => name.map(str::to_owned),
    };
    let said: Vec<String> = new.iter().filter_map(key).collect();
    let classes = ["device vbd", "device tap", "device vif", "device pci"];
    let unsaid = |item: &&Sxpr| {
        key(item).is_some_and(|key| !said.contains(&key) && !classes.contains(&key.as_str()))
    };
    if let (Some(head), Some(old)) = (new.first_mut(), old.first()) {
        head.clone_from(old);
    }
    new.extend(old.iter().filter(unsaid).cloned());
    Ok(sxpr::write_request(&Sxpr::list(new)))
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
            let version = ConfigVersion::from_number(from.config_format());
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
        NativeFormat::Libxl => Ok(libxl::text_to_guest(text).map_err(|e| wrong(&e))?),
    };
    let mut converted = converted.map_err(|e| wrong(&e))?;
    take_node_memory(&mut converted.value);
    let rules = match format {
        NativeFormat::Sxpr => &Rules::XEND,
        NativeFormat::Xm => rules(from),
        NativeFormat::Xl | NativeFormat::Libxl => &Rules::LIBXL,
    };
    let flags = XmlFlags {
        secure: true,
        ..XmlFlags::default()
    };
    Ok(Converted {
        text: format_by(rules, converted.value, flags),
        warnings: warnings(text, converted.notes),
    })
}

/// For the XenD or libxl of this version.
pub(crate) fn to_native(format: NativeFormat, xml: &str, to: &XenVersion) -> Result<Converted> {
    let wrong = |error: virtxen_formats::Error| match error.as_note() {
        Some(note) => Error::Lost(Problems {
            problems: place_losses(xml, vec![note.into_loss(Severity::Error)]),
        }),
        None => Error::Config(error.to_string()),
    };
    let (mut guest, mut found) = parse_guest(xml)?;
    forget_run(&mut guest);
    if *rules(to) == Rules::LIBXL {
        guest.settle();
        fill_by_host(&mut guest);
    }
    let bridges = xm::Bridges::new();
    let (text, notes) = match format {
        NativeFormat::Sxpr => {
            let dialect = Dialect::of_release(to.config_format(), to.major, to.minor, &to.extra);
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
        NativeFormat::Libxl => {
            let release = libxl::Release::new(to.major, to.minor).ok_or_else(|| {
                let reason = "libxl before Xen 4.5 reads no JSON".to_owned();
                Error::Argument(reason)
            })?;
            let target = libxl::Target::new(release);
            let written = libxl::guest_to_libxl(&guest, &target).map_err(wrong)?;
            (libxl::to_text(&written.value), written.notes)
        }
    };
    found.extend(warnings(xml, notes));
    Ok(Converted {
        text,
        warnings: found,
    })
}

/// libxl starts no guest whose virtual nodes have another sum than it has memory; libvirt's
/// driver takes the nodes' word too.
fn take_node_memory(guest: &mut Guest) {
    if let Some(memory) = guest.node_memory() {
        let current = guest.current_memory.unwrap_or(guest.memory);
        guest.current_memory = Some(current.min(memory));
        guest.memory = memory;
    }
}

/// What the xm of this release reads.
fn xm_dialect(version: &XenVersion) -> xm::Dialect {
    xm::Dialect::of_release(version.config_format(), version.major, version.minor)
}

/// Notes about a text with their places.
fn warnings(text: &str, notes: Vec<Note>) -> Vec<Problem> {
    let losses = notes.into_iter().map(|n| n.into_loss(Severity::Warning));
    place_losses(text, losses.collect())
}

/// Fills in what a document may leave unsaid, as libvirt does with this Xen.
pub(crate) fn complete(guest: &mut Guest, to: &XenVersion) {
    if *rules(to) == Rules::LIBXL {
        guest.settle();
    }
    fill(guest, rules(to));
    guest.fill_identities();
}

fn fill(guest: &mut Guest, rules: &Rules) {
    guest.fill_defaults(rules);
    if *rules == Rules::LIBXL {
        fill_by_host(guest);
    }
}

/// What libvirt's libxl driver sets besides, which follows from the host it runs on.
fn fill_by_host(guest: &mut Guest) {
    let is_hvm = guest.is_hvm();
    let arch = guest.os.arch.get_or_insert_with(|| ARCH.to_owned());
    guest.features.pae |= is_hvm && arch == "x86_64";
    if let Some(loader) = guest.os.loader.as_mut().filter(|it| it.path.is_some()) {
        loader.kind.get_or_insert(LoaderType::Rom);
    }
    for hostdev in &mut guest.devices.hostdevs {
        if matches!(hostdev.source, HostdevSource::Pci { .. }) {
            hostdev.driver.get_or_insert_with(|| "xen".to_owned());
        }
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
