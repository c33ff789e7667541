//! Mice, tablets, keyboards; and sound cards, which are as small.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::{Input, Sound};

/// Writes `<input>`.
pub(super) fn input(input: &Input, writer: &mut Writer) {
    writer.open("input");
    writer.attribute("type", input.kind.as_str());
    writer.word("bus", input.bus);
    writer.kept_attributes(&input.info.kept, "");
    writer.kept_others(&input.info.kept, "", INFO);
    info(&input.info, writer);
    writer.close("input");
}

/// Writes `<sound>`.
pub(super) fn sound(sound: &Sound, writer: &mut Writer) {
    writer.open("sound");
    writer.attribute("model", sound.model.as_str());
    writer.kept_attributes(&sound.info.kept, "");
    writer.kept_others(&sound.info.kept, "", INFO);
    info(&sound.info, writer);
    writer.close("sound");
}
