//! The guest's clock and its timers.
//!
//! A clock is always written, as libvirt does.

use super::writer::Writer;
use crate::{Clock, ClockOffset};

/// Writes `<clock>`.
pub(super) fn clock(clock: &Clock, writer: &mut Writer) {
    writer.open("clock");
    let reset = |reset: &bool| reset.then_some("reset");
    match &clock.offset {
        ClockOffset::Utc { reset: forget } => {
            writer.attribute("offset", "utc");
            writer.some("adjustment", reset(forget));
        }
        ClockOffset::Localtime { reset: forget } => {
            writer.attribute("offset", "localtime");
            writer.some("adjustment", reset(forget));
        }
        ClockOffset::Variable { adjustment, basis } => {
            writer.attribute("offset", "variable");
            writer.shown("adjustment", adjustment);
            writer.attribute("basis", basis.as_str());
        }
        ClockOffset::Timezone { name } => {
            writer.attribute("offset", "timezone");
            writer.some("timezone", name.as_deref());
        }
        ClockOffset::Absolute { start } => {
            writer.attribute("offset", "absolute");
            writer.shown("start", start);
        }
    }
    for timer in &clock.timers {
        writer.open("timer");
        writer.attribute("name", timer.name.as_str());
        writer.yes_no("present", timer.present);
        writer.kept_attributes(&timer.kept, "");
        writer.word("mode", timer.mode);
        writer.kept_elements(&timer.kept, "");
        writer.close("timer");
    }
    writer.close("clock");
}
