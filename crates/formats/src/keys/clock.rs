//! The guest's clock: `localtime`, `rtc_timeoffset`, `hpet`, `tsc_mode`.
//!
//! Fully virtualized guests keep their clock's offset since Xen 3.1; the clock of
//! all others starts anew with the guest, libvirt's `adjustment='reset'`.

use super::{Dialect, Out, Settings};
use crate::convert::{Notes, excerpt};
use crate::sxpr::ConfigVersion;
use virtxen_guest::{Clock, ClockBasis, ClockOffset, Timer, TimerMode, TimerName};

/// Ways to provide the time stamp counter: xl's and libvirt's words, and xm's
/// numbers.
const TSC_MODES: &[(&str, &str, TimerMode)] = &[
    ("default", "0", TimerMode::Auto),
    ("always_emulate", "1", TimerMode::Emulate),
    ("native", "2", TimerMode::Native),
    ("native_paravirt", "3", TimerMode::Paravirt),
];

/// Reads the clock.
pub(super) fn read(
    file: &mut Settings<'_>,
    hvm: bool,
    dialect: Dialect,
    notes: &mut Notes,
) -> Clock {
    let localtime = file.switch("localtime", notes) == Some(true);
    let offset = if hvm && !dialect.before(ConfigVersion::Xen310) {
        ClockOffset::Variable {
            adjustment: file.number("rtc_timeoffset", notes).unwrap_or(0),
            basis: if localtime {
                ClockBasis::Localtime
            } else {
                ClockBasis::Utc
            },
        }
    } else if localtime {
        ClockOffset::Localtime { reset: true }
    } else {
        ClockOffset::Utc { reset: true }
    };
    let mut timers = Vec::new();
    if let Some(word) = file.filled("tsc_mode", notes) {
        let known = TSC_MODES
            .iter()
            .find(|(name, number, _)| word == *name || word == *number);
        match known {
            Some((_, _, mode)) => timers.push(Timer {
                present: Some(true),
                mode: Some(*mode),
                ..Timer::new(TimerName::Tsc)
            }),
            None => {
                let reason = format!("'{}' is no mode", excerpt(&word));
                notes.setting_at("tsc_mode", file.at("tsc_mode"), reason);
            }
        }
    }
    if hvm && let Some(present) = file.switch("hpet", notes) {
        timers.push(Timer {
            present: Some(present),
            ..Timer::new(TimerName::Hpet)
        });
    }
    Clock { offset, timers }
}

/// Writes offset and basis.
pub(super) fn write(clock: &Clock, hvm: bool, dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    let keeps = hvm && !dialect.before(ConfigVersion::Xen310);
    let path = "/domain/clock/@adjustment";
    let (localtime, offset) = match &clock.offset {
        ClockOffset::Utc { reset } | ClockOffset::Localtime { reset } => {
            if *reset && keeps {
                notes.setting(path, "the changes that the guest makes are kept");
            }
            (matches!(clock.offset, ClockOffset::Localtime { .. }), 0)
        }
        ClockOffset::Variable { adjustment, basis } => {
            if *adjustment != 0 && !keeps {
                notes.setting(path, "this guest's clock has no offset");
            }
            (*basis == ClockBasis::Localtime, *adjustment)
        }
        ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => {
            let reason = "Xen knows UTC and local time; UTC is written";
            notes.essential("/domain/clock/@offset", reason);
            (false, 0)
        }
    };
    if keeps {
        out.number("rtc_timeoffset", offset);
    }
    out.switch("localtime", localtime);
}

/// Writes the timers that Xen knows.
pub(super) fn write_timers(
    clock: &Clock,
    hvm: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    for timer in &clock.timers {
        let path = format!("/domain/clock/timer[@name='{}']", timer.name);
        notes.kept(&path, &timer.kept, "Xen does not know it");
        match timer.name {
            TimerName::Hpet if hvm => out.switch("hpet", timer.present != Some(false)),
            TimerName::Tsc if !dialect.before(ConfigVersion::Xen310) => {
                let mode = timer.mode.unwrap_or(TimerMode::Auto);
                let known = TSC_MODES.iter().find(|(_, _, known)| *known == mode);
                if known.is_none() {
                    let reason = format!("Xen has no mode '{mode}', its default is written");
                    notes.setting(format!("{path}/@mode"), reason);
                }
                let (word, number, _) = known.unwrap_or(&("default", "0", TimerMode::Auto));
                out.text("tsc_mode", if dialect.newest { *word } else { *number });
            }
            _ => notes.setting(path, "Xen does not know it for this guest"),
        }
    }
}
