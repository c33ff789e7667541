//! Sound cards: `(soundhw 'sb16,es1370')` in the image.

use super::Sxpr;
use super::device::note_info;
use super::section::Section;
use crate::convert::{Notes, excerpt};
use virtxen_guest::{Sound, SoundModel};

/// qemu's word for the card that libvirt calls `ich6`.
const HDA: &str = "hda";

/// Reads the cards. `all` is what libvirt takes it for: the two cards that
/// Xen's qemu always had.
pub(super) fn read(image: &mut Section<'_>, notes: &mut Notes) -> Vec<Sound> {
    let path = format!("{}/soundhw", image.path());
    match image.text("soundhw") {
        None => Vec::new(),
        Some("all") => [SoundModel::Sb16, SoundModel::Es1370]
            .map(Sound::new)
            .into(),
        Some(list) => {
            let models = list.split(',').filter_map(|word| {
                let word = word.trim();
                let model = if word == HDA {
                    Some(SoundModel::Ich6)
                } else {
                    word.parse().ok()
                };
                if model.is_none() {
                    let reason = format!("'{}' is no sound card known here", excerpt(word));
                    notes.setting(path.clone(), reason);
                }
                model
            });
            models.map(Sound::new).collect()
        }
    }
}

/// Writes the cards.
pub(super) fn write(sounds: &[Sound], image: &mut Vec<Sxpr>, notes: &mut Notes) {
    let mut words = Vec::new();
    for (i, sound) in sounds.iter().enumerate() {
        words.push(if sound.model == SoundModel::Ich6 {
            HDA
        } else {
            sound.model.as_str()
        });
        note_info(
            &sound.info,
            &format!("/domain/devices/sound[{}]", i + 1),
            notes,
        );
    }
    if !words.is_empty() {
        image.push(Sxpr::quoted_pair("soundhw", words.join(",")));
    }
}

/// Cards of a paravirtualized guest, which has none.
pub(super) fn note_of_pv(sounds: &[Sound], notes: &mut Notes) {
    for i in 1..=sounds.len() {
        let path = format!("/domain/devices/sound[{i}]");
        notes.setting(path, "a paravirtualized guest has no emulated sound card");
    }
}
