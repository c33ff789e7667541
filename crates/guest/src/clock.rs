//! The guest's clock and its timers.
//!
//! The old `<clock sync='localtime'/>` is the same as `offset='localtime'`.

use crate::Kept;
use crate::words::words;

/// The guest's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    /// What the clock is set to when the guest starts.
    pub offset: ClockOffset,
    /// Timers that are said something about.
    pub timers: Vec<Timer>,
}

/// What the clock is set to when the guest starts.
#[derive(Clone, Debug, PartialEq)]
pub enum ClockOffset {
    /// UTC.
    Utc {
        /// Whether changes that the guest makes are forgotten (`adjustment='reset'`).
        reset: bool,
    },
    /// Local time of the host.
    Localtime {
        /// Whether changes that the guest makes are forgotten (`adjustment='reset'`).
        reset: bool,
    },
    /// The basis and a difference, which changes with the guest's clock.
    Variable {
        /// Seconds.
        adjustment: i64,
        /// What is added to.
        basis: ClockBasis,
    },
    /// Local time of a named zone.
    Timezone {
        /// Name of the zone; libvirt allows none.
        name: Option<String>,
    },
    /// A point in time.
    Absolute {
        /// Seconds since 1970.
        start: u64,
    },
}

impl Default for ClockOffset {
    fn default() -> Self {
        Self::Utc { reset: false }
    }
}

words! {
    /// What a variable clock is relative to.
    ClockBasis { Utc = "utc", Localtime = "localtime" }
}

/// One timer.
#[derive(Clone, Debug, PartialEq)]
pub struct Timer {
    /// Which one.
    pub name: TimerName,
    /// Whether the guest has it; `None` leaves it to Xen.
    pub present: Option<bool>,
    /// How the time stamp counter is provided.
    pub mode: Option<TimerMode>,
    /// Known parts without effect.
    pub kept: Kept,
}

impl Timer {
    /// A timer with nothing said.
    #[must_use]
    pub fn new(name: TimerName) -> Self {
        Self {
            name,
            present: None,
            mode: None,
            kept: Kept::default(),
        }
    }
}

words! {
    /// A timer.
    TimerName {
        Platform = "platform",
        Pit = "pit",
        Rtc = "rtc",
        Hpet = "hpet",
        Tsc = "tsc",
        Kvmclock = "kvmclock",
        Hypervclock = "hypervclock",
        Armvtimer = "armvtimer",
    }
}

words! {
    /// How the time stamp counter is provided. Xen's words differ: `native` is
    /// `native`, `paravirt` is `native_paravirt`, `emulate` is `always_emulate`.
    TimerMode {
        Auto = "auto",
        Native = "native",
        Emulate = "emulate",
        Paravirt = "paravirt",
        Smpsafe = "smpsafe",
    }
}
