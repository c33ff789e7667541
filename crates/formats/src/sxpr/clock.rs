//! The guest's clock: `(localtime …)`, `(rtc_timeoffset …)`, `(hpet …)`,
//! `(tsc_mode …)`.
//!
//! Managed fully virtualized guests keep their clock's offset since Xen 3.1; the
//! clock of all others starts anew with the guest, libvirt's `adjustment='reset'`.

use super::Sxpr;
use super::dialect::{ConfigVersion, Source};
use super::section::Section;
use crate::convert::Notes;
use virtxen_guest::{Clock, ClockBasis, ClockOffset, Timer, TimerMode, TimerName};

/// XenD's numbers for the ways to provide the time stamp counter, Xen 4.0 and
/// later; 0 leaves it to Xen.
const TSC_MODES: &[(i64, TimerMode)] = &[
    (1, TimerMode::Emulate),
    (2, TimerMode::Native),
    (3, TimerMode::Paravirt),
];

/// Reads the clock; the image's words go before the domain's.
pub(super) fn read(
    domain: &mut Section<'_>,
    mut image: Option<&mut Section<'_>>,
    source: &Source<'_>,
    notes: &mut Notes,
) -> Clock {
    let outer = domain.switch("localtime", notes);
    let inner = image
        .as_deref_mut()
        .and_then(|image| image.switch("localtime", notes));
    let localtime = inner.or(outer).unwrap_or(false);
    let offset = if source.hvm && source.version >= ConfigVersion::Xen310 {
        let offset = image
            .as_deref_mut()
            .and_then(|image| image.number("rtc_timeoffset", notes));
        ClockOffset::Variable {
            adjustment: offset.unwrap_or(0),
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
    let mut clock = Clock {
        offset,
        ..Clock::default()
    };
    let Some(image) = image else { return clock };
    let hpet = source.hvm.then(|| image.switch("hpet", notes)).flatten();
    clock.timers.extend(hpet.map(|present| Timer {
        present: Some(present),
        ..Timer::new(TimerName::Hpet)
    }));
    match image.number("tsc_mode", notes) {
        None | Some(0) => {}
        Some(number) => match TSC_MODES.iter().find(|(known, _)| *known == number) {
            Some((_, mode)) => clock.timers.push(Timer {
                mode: Some(*mode),
                ..Timer::new(TimerName::Tsc)
            }),
            None => notes.setting(
                format!("{}/tsc_mode", image.path()),
                format!("{number} is no mode"),
            ),
        },
    }
    clock
}

/// Whether the clock shows local time, and the offset from it or from UTC that
/// the image says.
pub(super) struct Words {
    pub(super) localtime: bool,
    pub(super) rtc_timeoffset: Option<i64>,
}

/// What to write of the clock's offset.
pub(super) fn words(clock: &Clock, hvm: bool, version: ConfigVersion, notes: &mut Notes) -> Words {
    let keeps = hvm && version >= ConfigVersion::Xen310;
    let path = "/domain/clock/@adjustment";
    let (localtime, offset) = match &clock.offset {
        ClockOffset::Utc { reset } | ClockOffset::Localtime { reset } => {
            if *reset && keeps {
                notes.setting(path, "XenD keeps the changes that the guest makes");
            }
            (matches!(clock.offset, ClockOffset::Localtime { .. }), 0)
        }
        ClockOffset::Variable { adjustment, basis } => {
            if *adjustment != 0 && !keeps {
                notes.setting(path, "this guest's clock has no offset in XenD");
            }
            (*basis == ClockBasis::Localtime, *adjustment)
        }
        ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => {
            notes.essential(
                "/domain/clock/@offset",
                "XenD knows UTC and local time; UTC is written",
            );
            (false, 0)
        }
    };
    Words {
        localtime,
        rtc_timeoffset: keeps.then_some(offset),
    }
}

/// Writes the timers that XenD knows.
pub(super) fn write_timers(
    clock: &Clock,
    hvm: bool,
    version: ConfigVersion,
    image: &mut Vec<Sxpr>,
    notes: &mut Notes,
) {
    for timer in &clock.timers {
        let Timer {
            name,
            present,
            mode,
            kept,
        } = timer;
        let path = format!("/domain/clock/timer[@name='{name}']");
        notes.kept(&path, kept, "XenD does not know it");
        match (name, present, mode) {
            (TimerName::Hpet, Some(present), None) if hvm => {
                image.push(Sxpr::pair("hpet", if *present { "1" } else { "0" }));
            }
            (TimerName::Tsc, None, Some(mode)) if version >= ConfigVersion::Xen310 => {
                match TSC_MODES.iter().find(|(_, known)| known == mode) {
                    Some((number, _)) => image.push(Sxpr::pair("tsc_mode", number.to_string())),
                    None => notes.setting(
                        format!("{path}/@mode"),
                        format!("XenD has no mode '{mode}'"),
                    ),
                }
            }
            (_, None, None) => {}
            _ => notes.setting(path, "this XenD does not know it for this guest"),
        }
    }
}
