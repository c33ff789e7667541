//! Sound cards: `soundhw = "sb16,es1370"`.

use super::{Dialect, Out, Settings};
use crate::convert::Notes;
use crate::spelling::{device::note_info, sound};
use virtxen_guest::Sound;

/// Reads the cards.
pub(super) fn read(file: &mut Settings<'_>, notes: &mut Notes) -> Vec<Sound> {
    let count = notes.count();
    let sounds = match file.filled("soundhw", notes) {
        Some(list) => sound::parse(&list, "soundhw", notes),
        None => Vec::new(),
    };
    notes.place_from(count, file.at("soundhw"));
    sounds
}

/// Writes the cards of a fully virtualized guest.
pub(super) fn write(
    sounds: &[Sound],
    hvm: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    for (i, sound) in sounds.iter().enumerate() {
        let path = format!("/domain/devices/sound[{}]", i + 1);
        if hvm {
            note_info(&sound.info, &path, dialect.tool(), notes);
        } else {
            notes.setting(path, "a paravirtualized guest has no emulated sound card");
        }
    }
    if hvm && !sounds.is_empty() {
        out.text("soundhw", sound::words(sounds));
    }
}
