//! xl's configuration files, Xen 4.1 and later.
//!
//! What xl's names have in common with xm's is in `keys`; here are whole files and
//! what only xl has: its disks, NUMA nodes and processor features, SPICE, USB
//! devices, channels, limits of the bus.

pub(crate) mod channel;
pub(crate) mod cpu;
pub(crate) mod disk;
mod disk_words;
mod hints;
pub(crate) mod network_disk;
mod numa;
pub(crate) mod spice;
pub(crate) mod usb;
pub(crate) mod xenbus;

pub use crate::keys::{Bridges, Host};
pub use hints::is_xl;

use crate::config::Document;
use crate::convert::{Converted, Error, Note};
use crate::keys::{self, Dialect};
use virtxen_guest::Guest;

/// A guest of an xl file.
///
/// # Errors
/// When it has no name, or an address, disk or identifier that is none. Everything
/// else that is not understood becomes a note.
pub fn xl_to_guest(document: &Document, host: &Host) -> Result<Converted<Guest>, Error> {
    keys::read(document, Dialect::XL, host)
}

/// The file with which `xl create` starts the guest.
///
/// # Errors
/// When the guest has no name or an interface is on a network without a known
/// bridge. What xl cannot carry becomes a note.
pub fn guest_to_xl(guest: &Guest, bridges: &Bridges) -> Result<Converted<Document>, Error> {
    let written = keys::write(guest, Dialect::XL, bridges)?;
    Ok(Converted {
        value: written.value.document(),
        notes: written.notes,
    })
}

/// Changes a file that was read to be the guest's, and tells what it does not say.
/// What has not changed stays as it is written, with comments and unknown names.
///
/// # Errors
/// As [`xl_to_guest`] and [`guest_to_xl`]; then the file stays as it is.
pub fn apply(
    document: &mut Document,
    guest: &Guest,
    bridges: &Bridges,
) -> Result<Vec<Note>, Error> {
    keys::apply(document, guest, Dialect::XL, bridges)
}
