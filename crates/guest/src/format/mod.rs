//! The model to domain XML, in libvirt's layout.
//!
//! Two spaces a level, single quotes, elements in libvirt's order. Nothing is
//! filled in here (see `defaults`). One file a device family, as in the model.

mod chardev;
mod clock;
mod controller;
mod cpu;
mod devices;
mod disk;
mod emulator;
mod features;
mod graphics;
mod guest;
mod hostdev;
mod info;
mod input;
mod interface;
mod memballoon;
mod os;
mod seclabel;
mod snapshot;
mod sound;
mod video;
mod writer;

use crate::{Device, Element, Guest, Snapshot};
use writer::Writer;

/// What of a guest is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatOptions {
    /// Without what only a running guest has: id, names of backends, terminals,
    /// ports that the host chose, generated aliases.
    pub inactive: bool,
    /// With passwords.
    pub secure: bool,
    /// For another host: without names of backends and terminals of this one.
    pub migratable: bool,
}

/// Writes a `<domain>` document.
#[must_use]
pub fn format_guest(guest: &Guest, options: &FormatOptions) -> String {
    let mut writer = Writer::new(*options);
    guest::guest(guest, &mut writer);
    writer.finish()
}

/// Writes a `<domainsnapshot>` document.
#[must_use]
pub fn format_snapshot(snapshot: &Snapshot, options: &FormatOptions) -> String {
    let mut writer = Writer::new(*options);
    snapshot::snapshot(snapshot, &mut writer);
    writer.finish()
}

/// Writes a document that is one device, as a part of a guest.
#[must_use]
pub fn format_device(device: &Device, options: &FormatOptions) -> String {
    let mut writer = Writer::new(*options);
    devices::device(device, &mut writer);
    writer.finish()
}

/// Writes an element as it is, as a document.
#[must_use]
pub fn format_element(element: &Element, options: &FormatOptions) -> String {
    let mut writer = Writer::new(*options);
    writer.element(element);
    writer.finish()
}
