//! Controllers; and the balloon, which is as small.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::{Controller, Memballoon};

/// Writes `<controller>`.
pub(super) fn controller(controller: &Controller, writer: &mut Writer) {
    writer.open("controller");
    writer.attribute("type", controller.kind.as_str());
    writer.some_shown("index", controller.index);
    writer.some("model", controller.model.as_deref());
    writer.some_shown("ports", controller.ports);
    writer.some_shown("maxEventChannels", controller.max_event_channels);
    writer.some_shown("maxGrantFrames", controller.max_grant_frames);
    writer.kept_attributes(&controller.info.kept, "");
    writer.kept_others(&controller.info.kept, "", INFO);
    info(&controller.info, writer);
    writer.close("controller");
}

/// Writes `<memballoon>`.
pub(super) fn memballoon(balloon: &Memballoon, writer: &mut Writer) {
    writer.open("memballoon");
    writer.attribute("model", balloon.model.as_str());
    writer.kept_attributes(&balloon.info.kept, "");
    writer.kept_others(&balloon.info.kept, "", INFO);
    info(&balloon.info, writer);
    writer.close("memballoon");
}
