//! Sound cards.
//! The word is libvirt's; Xen's `hda` is `ich6` here.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::Sound;

/// Writes `<sound>`.
pub(super) fn sound(sound: &Sound, writer: &mut Writer) {
    writer.open("sound");
    writer.attribute("model", sound.model.as_str());
    writer.kept_attributes(&sound.info.kept, "");
    writer.kept_others(&sound.info.kept, "", INFO);
    info(&sound.info, writer);
    writer.close("sound");
}
