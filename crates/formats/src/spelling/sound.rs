//! Sound cards in qemu's words: `sb16,es1370`.
//!
//! Which guests have some is in each language's folder.

use crate::convert::{Notes, excerpt};
use virtxen_guest::{Sound, SoundModel};

/// qemu's word for the card that libvirt calls `ich6`.
const HDA: &str = "hda";

/// Reads a list of cards. `all` is what libvirt takes it for: the two cards that
/// Xen's qemu always had.
pub(crate) fn parse(list: &str, path: &str, notes: &mut Notes) -> Vec<Sound> {
    if list == "all" {
        return [SoundModel::Sb16, SoundModel::Es1370]
            .map(Sound::new)
            .into();
    }
    let models = list.split(',').filter_map(|word| {
        let word = word.trim();
        let model = if word == HDA {
            Some(SoundModel::Ich6)
        } else {
            word.parse().ok()
        };
        if model.is_none() {
            let reason = format!("'{}' is no sound card known here", excerpt(word));
            notes.setting(path, reason);
        }
        model
    });
    models.map(Sound::new).collect()
}

/// The list of some cards.
pub(crate) fn words(sounds: &[Sound]) -> String {
    let word = |sound: &Sound| match sound.model {
        SoundModel::Ich6 => HDA,
        model => model.as_str(),
    };
    let words: Vec<_> = sounds.iter().map(word).collect();
    words.join(",")
}
