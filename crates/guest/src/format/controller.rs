//! Controllers.
//! Attributes of one kind (ports, grant frames) stand there when they are said.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::Controller;

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
