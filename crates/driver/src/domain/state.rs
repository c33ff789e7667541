//! States of a domain and the reasons for them, with libvirt's numbers.
//!
//! Xen's flags become one of libvirt's states here; nothing else knows both.

use std::fmt;
use virtxen_host::DomainState;

/// libvirt's state of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Active, no flag set.
    NoState,
    /// On a processor.
    Running,
    /// Alive, waiting for something.
    Blocked,
    /// Its vcpus are stopped.
    Paused,
    /// It has shut down and is not gone yet.
    Shutdown,
    /// Not active.
    Shutoff,
    /// Crashed and preserved.
    Crashed,
    /// It sleeps: it was suspended and waits to go on.
    PmSuspended,
}

impl State {
    pub(crate) const fn of(state: DomainState, active: bool) -> Self {
        match state {
            _ if !active => Self::Shutoff,
            DomainState::Running => Self::Running,
            DomainState::Blocked => Self::Blocked,
            DomainState::Paused => Self::Paused,
            DomainState::Shutdown | DomainState::Dying => Self::Shutdown,
            DomainState::Crashed => Self::Crashed,
            DomainState::Suspended => Self::PmSuspended,
            DomainState::NoState | DomainState::Halted => Self::NoState,
        }
    }

    /// The state of libvirt's number.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Running,
            2 => Self::Blocked,
            3 => Self::Paused,
            4 => Self::Shutdown,
            5 => Self::Shutoff,
            6 => Self::Crashed,
            7 => Self::PmSuspended,
            _ => Self::NoState,
        }
    }

    /// The number that libvirt's clients get. To them a domain that waits is running, as
    /// libvirt's driver for Xen has it: collectd measures only what is running.
    #[must_use]
    pub const fn libvirt(self) -> i32 {
        match self {
            Self::NoState | Self::Blocked => Self::Running.number(),
            other => other.number(),
        }
    }

    /// `virDomainState`.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::NoState => 0,
            Self::Running => 1,
            Self::Blocked => 2,
            Self::Paused => 3,
            Self::Shutdown => 4,
            Self::Shutoff => 5,
            Self::Crashed => 6,
            Self::PmSuspended => 7,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoState => "no state",
            Self::Running => "running",
            Self::Blocked => "idle",
            Self::Paused => "paused",
            Self::Shutdown => "in shutdown",
            Self::Shutoff => "shut off",
            Self::Crashed => "crashed",
            Self::PmSuspended => "pmsuspended",
        })
    }
}

/// How a domain came into its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It happened before this driver looked, or XenD does not tell.
    Unknown,
    /// Running: started from its configuration.
    Booted,
    /// Running: moved here.
    Migrated,
    /// Running: from a file.
    Restored,
    /// Running: resumed.
    Unpaused,
    /// Paused: by a user.
    User,
    /// Shut off: by itself.
    Shutdown,
    /// Shut off: by force.
    Destroyed,
    /// Shut off or crashed: it crashed.
    Crashed,
    /// Shut off: moved away.
    MigratedAway,
    /// Shut off: saved to a file.
    Saved,
    /// Shut off: its start failed.
    Failed,
    /// Running: gone back to a snapshot, or gone on after one was taken.
    FromSnapshot,
    /// Shut off: gone back to a snapshot, or after one was taken.
    OffFromSnapshot,
    /// Running: woken up.
    Wakeup,
}

impl Reason {
    /// The reason that libvirt's number means for a domain in this state.
    #[must_use]
    pub const fn from_number(state: State, number: i32) -> Self {
        use State::{Blocked, Crashed, NoState, Paused, Running, Shutoff};
        match (state, number) {
            (Running | Blocked | NoState, 1) => Self::Booted,
            (Running | Blocked | NoState, 2) => Self::Migrated,
            (Running | Blocked | NoState, 3) => Self::Restored,
            (Running | Blocked | NoState, 4) => Self::FromSnapshot,
            (Running | Blocked | NoState, 5) => Self::Unpaused,
            (Running | Blocked | NoState, 8) => Self::Wakeup,
            (Paused, 1) => Self::User,
            (State::Shutdown | Shutoff, 1) => Self::Shutdown,
            (Shutoff, 2) => Self::Destroyed,
            (Shutoff | Crashed, 3) => Self::Crashed,
            (Shutoff, 4) => Self::MigratedAway,
            (Shutoff, 5) => Self::Saved,
            (Shutoff, 6) => Self::Failed,
            (Shutoff, 7) => Self::OffFromSnapshot,
            _ => Self::Unknown,
        }
    }

    /// The number of libvirt's reason; what it means depends on the state.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Unknown => 0,
            Self::Booted | Self::User | Self::Shutdown => 1,
            Self::Migrated | Self::Destroyed => 2,
            Self::Restored | Self::Crashed => 3,
            Self::MigratedAway | Self::FromSnapshot => 4,
            Self::Unpaused | Self::Saved => 5,
            Self::Failed => 6,
            Self::OffFromSnapshot => 7,
            Self::Wakeup => 8,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unknown => "unknown",
            Self::Booted => "booted",
            Self::Migrated | Self::MigratedAway => "migrated",
            Self::Restored => "restored",
            Self::Unpaused => "unpaused",
            Self::User => "user",
            Self::Shutdown => "shutdown",
            Self::Destroyed => "destroyed",
            Self::Crashed => "crashed",
            Self::Saved => "saved",
            Self::Failed => "failed",
            Self::FromSnapshot | Self::OffFromSnapshot => "from snapshot",
            Self::Wakeup => "event wakeup",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_what_they_were_made_of() {
        for number in 0..=7 {
            assert_eq!(State::from_number(number).number(), number);
        }
        for (state, reason) in [
            (State::Running, Reason::Booted),
            (State::Blocked, Reason::Unpaused),
            (State::Paused, Reason::User),
            (State::Shutoff, Reason::Destroyed),
            (State::Shutoff, Reason::MigratedAway),
            (State::Running, Reason::FromSnapshot),
            (State::Shutoff, Reason::OffFromSnapshot),
            (State::Crashed, Reason::Crashed),
            (State::Running, Reason::Wakeup),
        ] {
            assert_eq!(Reason::from_number(state, reason.number()), reason);
        }
    }

    #[test]
    fn an_inactive_domain_is_shut_off_whatever_xen_says() {
        assert_eq!(State::of(DomainState::Running, false), State::Shutoff);
        assert_eq!(State::of(DomainState::Dying, true), State::Shutdown);
        assert_eq!(State::of(DomainState::Blocked, true).to_string(), "idle");
    }
}
