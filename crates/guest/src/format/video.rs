//! Graphics cards.
//!
//! One model element with its memory in KiB.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::Video;

/// Writes `<video>`.
pub(super) fn video(video: &Video, writer: &mut Writer) {
    let kept = &video.info.kept;
    writer.open("video");
    writer.kept_others(kept, "", INFO);
    writer.open("model");
    writer.attribute("type", video.model.as_str());
    writer.some_shown("vram", video.vram);
    writer.kept_attributes(kept, "model");
    writer.some_shown("heads", video.heads);
    writer.yes_no("primary", video.primary);
    writer.kept_elements(kept, "model");
    writer.close("model");
    info(&video.info, writer);
    writer.close("video");
}
