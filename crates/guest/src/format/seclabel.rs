//! Security labels.
//!
//! The label of files is a running guest's.

use super::writer::Writer;
use crate::Seclabel;

/// Writes `<seclabel>`.
pub(super) fn seclabel(label: &Seclabel, writer: &mut Writer) {
    writer.open("seclabel");
    writer.word("type", label.kind);
    writer.some("model", label.model.as_deref());
    writer.yes_no("relabel", label.relabel);
    writer.some_text("label", label.label.as_deref());
    writer.some_text("baselabel", label.base_label.as_deref());
    if !writer.options.inactive {
        writer.some_text("imagelabel", label.image_label.as_deref());
    }
    writer.close("seclabel");
}
