//! Sound cards: `(soundhw 'sb16,es1370')` in the image.

use super::Sxpr;
use super::device::note_info;
use super::section::Section;
use crate::convert::Notes;
use crate::spelling::sound;
use virtxen_guest::Sound;

/// Reads the cards.
pub(super) fn read(image: &mut Section<'_>, notes: &mut Notes) -> Vec<Sound> {
    let path = format!("{}/soundhw", image.path());
    match image.text("soundhw") {
        Some(list) => sound::parse(list, &path, notes),
        None => Vec::new(),
    }
}

/// Writes the cards.
pub(super) fn write(sounds: &[Sound], image: &mut Vec<Sxpr>, notes: &mut Notes) {
    for (i, sound) in sounds.iter().enumerate() {
        let path = format!("/domain/devices/sound[{}]", i + 1);
        note_info(&sound.info, &path, notes);
    }
    if !sounds.is_empty() {
        image.push(Sxpr::quoted_pair("soundhw", sound::words(sounds)));
    }
}

/// Cards of a paravirtualized guest, which has none.
pub(super) fn note_of_pv(sounds: &[Sound], notes: &mut Notes) {
    for i in 1..=sounds.len() {
        let path = format!("/domain/devices/sound[{i}]");
        notes.setting(path, "a paravirtualized guest has no emulated sound card");
    }
}
