//! The balloon.
//! A guest has one at most; whether an implicit one is there is told by `defaults`.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::Memballoon;

/// Writes `<memballoon>`.
pub(super) fn memballoon(balloon: &Memballoon, writer: &mut Writer) {
    writer.open("memballoon");
    writer.attribute("model", balloon.model.as_str());
    writer.kept_attributes(&balloon.info.kept, "");
    writer.kept_others(&balloon.info.kept, "", INFO);
    info(&balloon.info, writer);
    writer.close("memballoon");
}
