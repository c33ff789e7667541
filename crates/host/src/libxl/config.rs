//! Guests and libxl's configurations: the one place where this toolstack meets the
//! converter.

use super::Libxl;
use crate::{Error, Result};
use virtxen_formats::libxl::{device_to_libxl, guest_to_libxl, to_text};
use virtxen_formats::{Converted, Note};
use virtxen_guest::{Device, FormatOptions, Guest};

/// What libxl does not know and the document, which it keeps, does.
const KEPT: [&str; 3] = ["/domain/title", "/domain/description", "/domain/metadata"];

impl Libxl {
    /// The configuration that makes libxl run this guest.
    pub(super) fn guest_config(&self, guest: &Guest) -> Result<String> {
        let converted = guest_to_libxl(guest, &self.inner.target);
        let config = whole(converted.map_err(|error| unconvertible(&error))?)?;
        Ok(to_text(&config))
    }

    /// What of a guest libxl does not carry.
    pub(crate) fn losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        let mut notes = notes(guest_to_libxl(guest, &self.inner.target))?;
        notes.retain(|note| note.essential || !KEPT.contains(&note.path.as_str()));
        Ok(notes)
    }

    /// What of a device libxl does not carry.
    pub(crate) fn device_losses(&self, device: &Device, hvm: bool) -> Result<Vec<Note>> {
        notes(device_to_libxl(device, hvm, &self.inner.target))
    }

    /// The configuration of a device that is plugged, and in which list it is.
    pub(super) fn plug_config(&self, device: &Device, hvm: bool) -> Result<(&'static str, String)> {
        let converted = device_to_libxl(device, hvm, &self.inner.target);
        let config = whole(converted.map_err(|error| unconvertible(&error))?)?;
        Ok((config.list, to_text(&config.value)))
    }
}

/// The document that libxl keeps of a guest that runs, as libvirt's driver writes it.
pub(super) fn document(guest: &Guest) -> String {
    let options = FormatOptions {
        inactive: false,
        secure: true,
        migratable: false,
    };
    virtxen_guest::format_guest(guest, &options)
}

/// What a conversion loses; an error about one place is a note of it.
fn notes<T>(
    converted: std::result::Result<Converted<T>, virtxen_formats::Error>,
) -> Result<Vec<Note>> {
    match converted {
        Ok(converted) => Ok(converted.notes),
        Err(error) => match error.as_note() {
            Some(note) => Ok(vec![note]),
            None => Err(unconvertible(&error)),
        },
    }
}

/// The value, unless it is another guest without what was lost.
fn whole<T>(converted: Converted<T>) -> Result<T> {
    let essential = converted.notes.iter().filter(|note| note.essential);
    let lost: Vec<String> = essential.map(Note::to_string).collect();
    if lost.is_empty() {
        return Ok(converted.value);
    }
    Err(Error::Guest {
        reason: lost.join("; "),
    })
}

pub(super) fn unconvertible(error: &virtxen_formats::Error) -> Error {
    Error::Guest {
        reason: error.to_string(),
    }
}
