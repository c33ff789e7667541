//! Mice, tablets, keyboards.
//! Explicit and implicit ones look the same, as in libvirt's documents.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::Input;

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
