//! The guest's clock: `localtime`, `rtc_timeoffset`, `tsc_mode`, `hpet`.

use super::guest::Parts;
use super::write::Writer;
use crate::convert::Notes;
use virtxen_guest::{Clock, ClockBasis, ClockOffset, Timer, TimerMode, TimerName};

/// libxl's words for ways to provide the time stamp counter.
const TSC_MODES: &[(&str, TimerMode)] = &[
    ("always_emulate", TimerMode::Emulate),
    ("native", TimerMode::Native),
    ("native_paravirt", TimerMode::Paravirt),
];

/// Writes the clock.
pub(super) fn write(writer: &mut Writer<'_>) {
    let (localtime, offset) = match &writer.guest.clock.offset {
        ClockOffset::Utc { .. } => (false, 0),
        ClockOffset::Localtime { .. } => (true, 0),
        ClockOffset::Variable { adjustment, basis } => {
            (*basis == ClockBasis::Localtime, *adjustment)
        }
        ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => {
            let reason = "Xen knows UTC and local time; UTC is written";
            writer.notes.essential("/domain/clock/@offset", reason);
            (false, 0)
        }
    };
    if localtime {
        writer.build.flag("localtime", true);
    }
    match i32::try_from(offset) {
        Ok(0) => {}
        // The field is unsigned and added to a time that wraps around.
        Ok(offset) => writer.build.set("rtc_timeoffset", offset.cast_unsigned()),
        Err(_) => {
            let reason = "libxl takes no more than 68 years";
            writer.notes.essential("/domain/clock/@adjustment", reason);
        }
    }
    for timer in &writer.guest.clock.timers {
        write_timer(timer, writer);
    }
}

fn write_timer(timer: &Timer, writer: &mut Writer<'_>) {
    let path = format!("/domain/clock/timer[@name='{}']", timer.name);
    writer
        .notes
        .kept(&path, &timer.kept, "Xen does not know it");
    match timer.name {
        TimerName::Tsc => {
            if timer.present == Some(false) {
                let path = format!("{path}/@present");
                writer.notes.setting(path, "Xen's guests always have it");
            }
            let mode = timer.mode.unwrap_or(TimerMode::Auto);
            match TSC_MODES.iter().find(|(_, known)| *known == mode) {
                Some((word, _)) => writer.build.set("tsc_mode", *word),
                None if mode == TimerMode::Auto => {}
                None => {
                    let reason = format!("Xen has no mode '{mode}', it chooses one");
                    writer.notes.setting(format!("{path}/@mode"), reason);
                }
            }
        }
        TimerName::Hpet if writer.is_hvm() => {
            if let Some(present) = timer.present {
                writer.own.flag("hpet", present);
            }
        }
        _ => {
            let reason = "Xen does not know it for this guest";
            writer.notes.setting(path, reason);
        }
    }
}

/// Reads the clock.
pub(super) fn read(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Clock {
    let localtime = parts.build.flag("localtime", notes) == Some(true);
    let offset: Option<u32> = parts.build.count("rtc_timeoffset", notes);
    let adjustment = offset.unwrap_or_default().cast_signed();
    let offset = match (adjustment, localtime) {
        (0, false) => ClockOffset::Utc { reset: false },
        (0, true) => ClockOffset::Localtime { reset: false },
        (adjustment, localtime) => ClockOffset::Variable {
            adjustment: adjustment.into(),
            basis: match localtime {
                true => ClockBasis::Localtime,
                false => ClockBasis::Utc,
            },
        },
    };
    let mut timers = Vec::new();
    let mode = parts.build.word("tsc_mode", notes);
    let mode = mode.and_then(|word| TSC_MODES.iter().find(|(known, _)| *known == word));
    if let Some((_, mode)) = mode {
        timers.push(Timer {
            mode: Some(*mode),
            ..Timer::new(TimerName::Tsc)
        });
    }
    if parts.is_hvm()
        && let Some(present) = parts.own.flag("hpet", notes)
    {
        timers.push(Timer {
            present: Some(present),
            ..Timer::new(TimerName::Hpet)
        });
    }
    Clock { offset, timers }
}
