//! Sound cards.
//!
//! Xen spells some models differently; that is the converters' part.

use crate::DeviceInfo;
use crate::words::words;

/// A sound card.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Model.
    pub model: SoundModel,
    /// Alias, address, known parts without effect.
    pub info: DeviceInfo,
}

words! {
    /// Model of a sound card. Xen's `hda` is `ich6`.
    SoundModel {
        Sb16 = "sb16",
        Es1370 = "es1370",
        Pcspk = "pcspk",
        Ac97 = "ac97",
        Ich6 = "ich6",
        Ich9 = "ich9",
        Usb = "usb",
        Ich7 = "ich7",
        Virtio = "virtio",
    }
}

impl Sound {
    /// A card of this model.
    #[must_use]
    pub fn new(model: SoundModel) -> Self {
        Self {
            model,
            info: DeviceInfo::default(),
        }
    }
}
