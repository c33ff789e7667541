//! What happened to a domain between two looks at it, in libvirt's words.
//!
//! Values in, events out: when a look counts and who is told is in `registry`.

use crate::events::EventKind;
use crate::{Domain, Operation, Reason, State};
use std::time::Duration;
use tokio::time::Instant;
use virtxen_host::Ending;

/// After this time a state that may be passing is one.
const SETTLED: Duration = Duration::from_secs(2);

/// Since when a domain is in a state that may pass by itself, which is no event
/// yet: a domain that is being built is paused until it runs, one that has crashed
/// is taken down or started again unless it is to be preserved.
pub(crate) fn passing(
    before: Option<(&Domain, Option<Instant>)>,
    now: &Domain,
    is_outcome: bool,
) -> Option<Instant> {
    let same_run = before.filter(|(before, _)| before.id == now.id);
    let is_new = match now.state {
        State::Paused if now.cpu_time.is_zero() => same_run.is_none(),
        State::Crashed => same_run.is_none_or(|(before, _)| before.state != State::Crashed),
        _ => return None,
    };
    let began = same_run.and_then(|(_, since)| since);
    let since = began.or_else(|| is_new.then(Instant::now))?;
    // A domain that is left paused by its start is not being built.
    let is_left = is_outcome && now.state == State::Paused;
    (!is_left && since.elapsed() < SETTLED).then_some(since)
}

/// Whether the domain is one of which only the hypervisor knows yet: it has no name.
pub(crate) fn is_nameless(domain: &Domain) -> bool {
    domain.state == State::Paused
        && domain.cpu_time.is_zero()
        && domain.name.strip_prefix("Domain-") == Some(domain.uuid.to_string().as_str())
}

/// What happened between two looks, in order, each with the state that counts for
/// it. `true` with an event: to the domain as it was, `false`: as it is.
pub(crate) fn compare(
    before: Option<(&Domain, State)>,
    now: Option<(&Domain, State)>,
    cause: Option<Operation>,
    ending: impl FnOnce() -> Option<Ending>,
) -> Vec<(bool, EventKind)> {
    let (old_state, state) = (before.map(|it| it.1), now.map(|it| it.1));
    let (before, now) = (before.map(|it| it.0), now.map(|it| it.0));
    let mut events = Vec::new();
    let active = |domain: Option<&Domain>| domain.and_then(|d| d.id);
    let defined = |domain: Option<&Domain>| domain.is_some_and(|d| d.persistent == Some(true));
    let (was, is) = (active(before), active(now));
    // A domain that starts again has another number: a reboot.
    if was.is_some() && was != is {
        events.push((true, stopped(before, cause, ending())));
    }
    match (defined(before), defined(now)) {
        // Whether an active domain is defined is not always told.
        (false, true) if before.is_none_or(|d| d.persistent == Some(false)) => {
            events.push((false, EventKind::DefinedAdded));
        }
        (true, false) if now.is_none_or(|d| d.persistent == Some(false)) => {
            events.push((true, EventKind::UndefinedRemoved));
        }
        _ => {}
    }
    if let (Some(old), Some(new)) = (before, now)
        && old.name != new.name
        && !is_on_its_way(&old.name, &new.name)
    {
        events.push((true, EventKind::UndefinedRenamed));
        events.push((false, EventKind::DefinedRenamed));
    }
    let mut old_state = old_state.unwrap_or(State::Shutoff);
    if is.is_some() && was != is {
        events.push((false, started(cause)));
        old_state = State::Running;
    }
    if is.is_some() {
        match (old_state, state.unwrap_or(State::Shutoff)) {
            (old, new)
                if old == new
                    && matches!(new, State::Paused | State::Crashed | State::PmSuspended) => {}
            (State::PmSuspended, _) if cause == Some(Operation::PmWakeup) => {
                events.push((false, EventKind::StartedWakeup));
            }
            (_, State::PmSuspended) if cause == Some(Operation::PmSuspend) => {
                events.push((false, EventKind::PmSuspendedMemory));
            }
            (_, State::Paused) => events.push((false, EventKind::SuspendedPaused)),
            (_, State::Crashed) => events.push((false, EventKind::CrashedPanicked)),
            (State::Paused, State::Running | State::Blocked | State::NoState) => {
                events.push((false, EventKind::ResumedUnpaused));
            }
            _ => {}
        }
    }
    events
}

/// Whether a domain that this was done to ends, sooner or later.
pub(crate) fn ends_domains(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Destroy | Operation::Save | Operation::Migrate
    )
}

/// Whether an operation explains nothing that comes after this look at its domain,
/// which `starts` in it or `runs`.
pub(crate) fn is_done(cause: Operation, starts: bool, runs: bool) -> bool {
    match cause {
        // It has come from another host: its next start is another.
        Operation::MigrateFinish => starts,
        cause => ends_domains(cause) && !runs,
    }
}

/// Whether this is the name that XenD gives a domain while it saves or moves it.
pub(crate) fn is_on_its_way(name: &str, own: &str) -> bool {
    name.strip_prefix("migrating-") == Some(own)
}

fn stopped(before: Option<&Domain>, cause: Option<Operation>, ending: Option<Ending>) -> EventKind {
    match cause {
        Some(Operation::Destroy | Operation::Reset) => EventKind::StoppedDestroyed,
        Some(Operation::Save) => EventKind::StoppedSaved,
        Some(Operation::Migrate | Operation::MigrateConfirm) => EventKind::StoppedMigrated,
        Some(Operation::SnapshotCreate | Operation::SnapshotRevert) => {
            EventKind::StoppedFromSnapshot
        }
        Some(Operation::Start | Operation::Create | Operation::Restore) => EventKind::StoppedFailed,
        _ if before.is_some_and(|d| d.state == State::Crashed) => EventKind::StoppedCrashed,
        _ => match ending {
            Some(Ending::Crashed) => EventKind::StoppedCrashed,
            Some(Ending::Suspended) => EventKind::StoppedSaved,
            Some(Ending::Moved) => EventKind::StoppedMigrated,
            Some(Ending::Destroyed) => EventKind::StoppedDestroyed,
            _ => EventKind::StoppedShutdown,
        },
    }
}

fn started(cause: Option<Operation>) -> EventKind {
    match cause {
        Some(Operation::Restore) => EventKind::StartedRestored,
        Some(Operation::SnapshotCreate | Operation::SnapshotRevert) => {
            EventKind::StartedFromSnapshot
        }
        Some(Operation::MigrateFinish) => EventKind::StartedMigrated,
        _ => EventKind::StartedBooted,
    }
}

/// The reason that a state has after this event.
pub(crate) fn reason_of(kind: &EventKind) -> Option<Reason> {
    Some(match kind {
        EventKind::StartedBooted => Reason::Booted,
        EventKind::StartedMigrated => Reason::Migrated,
        EventKind::StartedRestored => Reason::Restored,
        EventKind::StartedFromSnapshot => Reason::FromSnapshot,
        EventKind::StoppedFromSnapshot => Reason::OffFromSnapshot,
        EventKind::SuspendedPaused => Reason::User,
        EventKind::ResumedUnpaused => Reason::Unpaused,
        EventKind::StartedWakeup => Reason::Wakeup,
        EventKind::StoppedShutdown => Reason::Shutdown,
        EventKind::StoppedDestroyed => Reason::Destroyed,
        EventKind::StoppedCrashed | EventKind::CrashedPanicked => Reason::Crashed,
        EventKind::StoppedMigrated => Reason::MigratedAway,
        EventKind::StoppedSaved => Reason::Saved,
        EventKind::StoppedFailed => Reason::Failed,
        _ => return None,
    })
}
