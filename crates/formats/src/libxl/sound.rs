//! Sound cards: `soundhw`.

use super::guest::Parts;
use super::write::Writer;
use crate::convert::Notes;
use crate::spelling::{device::note_info, sound};
use virtxen_guest::Sound;

/// Writes the card of a fully virtualized guest.
pub(super) fn write(writer: &mut Writer<'_>) {
    for (i, card) in writer.guest.devices.sounds.iter().enumerate() {
        let path = format!("/domain/devices/sound[{}]", i + 1);
        if !writer.is_hvm() {
            let reason = "a paravirtualized guest has no emulated sound card";
            writer.notes.setting(path, reason);
        } else if i > 0 {
            writer
                .notes
                .setting(path, "libxl gives a guest one sound card");
        } else {
            writer
                .own
                .set("soundhw", sound::words(std::slice::from_ref(card)));
            note_info(&card.info, &path, "libxl", &mut writer.notes);
        }
    }
}

/// Reads the cards.
pub(super) fn read(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Vec<Sound> {
    if !parts.is_hvm() {
        return Vec::new();
    }
    match parts.own.text("soundhw", notes) {
        Some(list) => sound::parse(&list, &parts.own.place("soundhw"), notes),
        None => Vec::new(),
    }
}
