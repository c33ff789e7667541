//! Guests and libxl's configurations: the one place where this toolstack meets the
//! converter.

use super::Libxl;
use crate::Result;
use crate::carried::{notes, whole};
use virtxen_formats::Note;
use virtxen_formats::libxl::{device_to_libxl, guest_to_libxl, to_text};
use virtxen_guest::{Device, FormatOptions, Guest};

/// What libxl does not know and the document, which it keeps, does.
const KEPT: [&str; 3] = ["/domain/title", "/domain/description", "/domain/metadata"];

impl Libxl {
    /// The configuration that makes libxl run this guest.
    pub(super) fn guest_config(&self, guest: &Guest) -> Result<String> {
        let config = whole(guest_to_libxl(guest, &self.inner.target))?;
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
        let config = whole(device_to_libxl(device, hvm, &self.inner.target))?;
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
