//! What the driver last saw of the domains: the published snapshot, and the one
//! place where events come from.
//!
//! XenD has no channel for events, so two looks at a domain are compared. Looks
//! are numbered when they begin: an older look that arrives later changes nothing,
//! and what a call of our own did is reported once, with its own detail. How the
//! host is looked at is in `call` and `poll`.

use crate::events::{Bus, Event, EventKind, Subscription};
use crate::job::lock;
use crate::{Domain, Operation, Reason, State};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use virtxen_guest::Uuid;

/// All domains as they were at one time. Never changes; a new one takes its place.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When the host was last asked for all domains.
    pub taken: Instant,
    /// The domains, Domain-0 first, then active ones by number, then inactive ones
    /// by name.
    pub domains: Vec<Domain>,
}

pub(crate) struct Registry {
    known: Mutex<Known>,
    published: RwLock<Option<Arc<Snapshot>>>,
    bus: Bus,
}

#[derive(Default)]
struct Known {
    /// Number of the newest look.
    looks: u64,
    /// When all domains were last seen; before that a domain that appears was
    /// there already, for all we know.
    complete: Option<Instant>,
    domains: BTreeMap<Uuid, Seen>,
    /// Domains that went, with the look that missed them: an older look that
    /// arrives later must not bring them back.
    gone: HashMap<Uuid, u64>,
    /// Operations of our own that are at work, to give events their detail.
    causes: HashMap<Uuid, Operation>,
}

struct Seen {
    domain: Domain,
    look: u64,
}

/// The number of a look, taken before the host is asked.
#[derive(Clone, Copy)]
pub(crate) struct Look(u64);

impl Registry {
    pub(crate) fn new(event_queue: usize) -> Self {
        Self {
            known: Mutex::default(),
            published: RwLock::default(),
            bus: Bus::new(event_queue),
        }
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        self.bus.subscribe()
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.bus.subscribers()
    }

    /// The last published snapshot, if all domains were ever seen.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.published
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The published snapshot if it is not older than this.
    pub(crate) fn fresh(&self, age: Duration) -> Option<Arc<Snapshot>> {
        self.snapshot().filter(|s| s.taken.elapsed() < age)
    }

    /// Begins a look at the host.
    pub(crate) fn look(&self) -> Look {
        let mut known = lock(&self.known);
        known.looks += 1;
        Look(known.looks)
    }

    /// An operation of our own begins to work on a domain, which was seen as
    /// `before`; `None` if it does not exist yet.
    pub(crate) fn begin(&self, operation: Operation, uuid: Uuid, before: Option<(Look, Domain)>) {
        let mut known = lock(&self.known);
        known.causes.insert(uuid, operation);
        if let Some((Look(look), domain)) = before {
            known.domains.entry(uuid).or_insert(Seen { domain, look });
        }
    }

    /// The operation has ended and its outcome was seen. One that ends domains and
    /// went well stays the cause until the host has let go of the domain.
    pub(crate) fn end(&self, operation: Operation, uuid: Uuid, went_well: bool) {
        let mut known = lock(&self.known);
        let active = known
            .domains
            .get(&uuid)
            .is_some_and(|seen| seen.domain.is_active());
        if !(went_well && active && ends_domains(operation)) {
            known.causes.remove(&uuid);
        }
    }

    /// One domain was looked at; `None`: it is not there.
    pub(crate) fn see_one(&self, look: Look, uuid: Uuid, domain: Option<Domain>) {
        let mut known = lock(&self.known);
        known.change(look, uuid, domain, &self.bus);
        self.publish(&known);
    }

    /// All domains were looked at.
    pub(crate) fn see_all(&self, look: Look, domains: Vec<Domain>) {
        let mut known = lock(&self.known);
        if known.complete.is_none() {
            known.begin_with(look, domains);
        } else {
            let mut gone: Vec<Uuid> = known.domains.keys().copied().collect();
            gone.retain(|uuid| domains.iter().all(|d| d.uuid != *uuid));
            for uuid in gone {
                known.change(look, uuid, None, &self.bus);
            }
            for domain in domains {
                known.change(look, domain.uuid, Some(domain), &self.bus);
            }
        }
        known.gone.retain(|_, gone| *gone > look.0);
        known.complete = Some(Instant::now());
        self.publish(&known);
    }

    /// What this driver knows beyond what the host tells: the reason of the state,
    /// and that a domain it saw defined is persistent.
    pub(crate) fn recall(&self, domain: &mut Domain) {
        if let Some(seen) = lock(&self.known).domains.get(&domain.uuid) {
            inherit(&seen.domain, domain);
        }
    }

    /// A domain was looked up. What is known of it already stays: only two looks at
    /// its state in the right order make an event.
    pub(crate) fn note(&self, Look(look): Look, domain: &Domain) {
        let mut known = lock(&self.known);
        let newer = known
            .gone
            .get(&domain.uuid)
            .is_some_and(|gone| *gone > look);
        if known.complete.is_none() && !newer {
            let domain = domain.clone();
            let seen = Seen { domain, look };
            known.domains.entry(seen.domain.uuid).or_insert(seen);
        }
    }

    /// The name that a domain had when it was last seen.
    pub(crate) fn name(&self, uuid: Uuid) -> Option<String> {
        let known = lock(&self.known);
        known
            .domains
            .get(&uuid)
            .map(|seen| seen.domain.name.clone())
    }

    /// Reports what a comparison cannot see.
    pub(crate) fn report(&self, domain: &Domain, kind: EventKind) {
        self.bus.send(event(domain, kind));
    }

    fn publish(&self, known: &Known) {
        let Some(taken) = known.complete else {
            return;
        };
        let mut domains: Vec<Domain> = known.domains.values().map(|s| s.domain.clone()).collect();
        sort(&mut domains);
        *self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Snapshot { taken, domains }));
    }
}

impl Known {
    /// All domains were seen for the first time: what changed before is no event.
    fn begin_with(&mut self, Look(look): Look, domains: Vec<Domain>) {
        let mut before = std::mem::take(&mut self.domains);
        for mut domain in domains {
            let uuid = domain.uuid;
            let seen = match before.remove(&uuid) {
                Some(newer) if newer.look > look => newer,
                Some(older) => {
                    inherit(&older.domain, &mut domain);
                    Seen { domain, look }
                }
                None => Seen { domain, look },
            };
            self.domains.insert(uuid, seen);
        }
        before.retain(|_, seen| seen.look > look);
        self.domains.append(&mut before);
    }

    fn change(&mut self, Look(look): Look, uuid: Uuid, now: Option<Domain>, bus: &Bus) {
        let before = self.domains.get(&uuid);
        let newest = before
            .map(|seen| seen.look)
            .max(self.gone.get(&uuid).copied());
        if newest.is_some_and(|newest| newest > look) {
            return;
        }
        let before = before.map(|seen| &seen.domain);
        let cause = self.causes.get(&uuid).copied();
        let mut now = now;
        if let (Some(before), Some(now)) = (before, &mut now) {
            inherit(before, now);
        }
        if let Some(domain) = now.as_mut().filter(|d| d.persistent.is_none()) {
            domain.persistent = match cause {
                Some(Operation::Create) => Some(false),
                Some(Operation::Define | Operation::Start) => Some(true),
                _ => None,
            };
        }
        let kinds = compare(before, now.as_ref(), cause);
        for (is_old, kind) in kinds {
            let subject = if is_old { before } else { now.as_ref() };
            if let Some(domain) = subject {
                bus.send(event(domain, kind));
            }
            if let (Some(now), Some(reason)) = (&mut now, reason_of(kind)) {
                now.reason = reason;
            }
        }
        if cause.is_some_and(ends_domains) && !now.as_ref().is_some_and(Domain::is_active) {
            self.causes.remove(&uuid);
        }
        if let Some(domain) = now {
            self.gone.remove(&uuid);
            self.domains.insert(uuid, Seen { domain, look });
        } else if self.domains.remove(&uuid).is_some() {
            self.gone.insert(uuid, look);
        }
    }
}

/// Domain-0 first, active ones by number, inactive ones by name.
pub(crate) fn sort(domains: &mut [Domain]) {
    domains.sort_by(|a, b| {
        let rank = |d: &Domain| d.id.map_or(u64::MAX, |id| u64::from(id.0));
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
}

fn event(domain: &Domain, kind: EventKind) -> Event {
    Event {
        name: domain.name.clone(),
        uuid: domain.uuid,
        id: domain.id,
        kind,
    }
}

/// What the newer look does not tell but follows from the older one.
fn inherit(before: &Domain, now: &mut Domain) {
    if now.persistent.is_none() {
        now.persistent = before.persistent;
    }
    let same_run = before.id == now.id;
    let paused = |d: &Domain| d.state == State::Paused;
    if same_run && paused(before) == paused(now) && now.reason == Reason::Unknown {
        now.reason = before.reason;
    }
}

/// What happened between two looks, in order. `true` with it: to the domain as it
/// was, `false`: as it is.
fn compare(
    before: Option<&Domain>,
    now: Option<&Domain>,
    cause: Option<Operation>,
) -> Vec<(bool, EventKind)> {
    let mut events = Vec::new();
    let active = |domain: Option<&Domain>| domain.and_then(|d| d.id);
    let defined = |domain: Option<&Domain>| {
        domain.is_some_and(|d| !d.is_active() || d.persistent == Some(true))
    };
    let (was, is) = (active(before), active(now));
    // A domain that starts again has another number: a reboot.
    if was.is_some() && was != is {
        events.push((true, stopped(before, cause)));
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
        && !is_moving(&new.name, &old.name)
    {
        events.push((true, EventKind::UndefinedRenamed));
        events.push((false, EventKind::DefinedRenamed));
    }
    let state = |domain: Option<&Domain>| domain.map_or(State::Shutoff, |d| d.state);
    let mut old_state = state(before);
    if is.is_some() && was != is {
        events.push((false, started(cause)));
        old_state = State::Running;
    }
    if is.is_some() {
        match (old_state, state(now)) {
            (State::Paused, State::Paused) | (State::Crashed, State::Crashed) => {}
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
fn ends_domains(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Destroy | Operation::Save | Operation::Migrate
    )
}

/// XenD gives a domain another name while it saves or moves it.
fn is_moving(new: &str, old: &str) -> bool {
    let moving = |a: &str, b: &str| a.strip_prefix("migrating-") == Some(b);
    moving(new, old) || moving(old, new)
}

fn stopped(before: Option<&Domain>, cause: Option<Operation>) -> EventKind {
    match cause {
        Some(Operation::Destroy) => EventKind::StoppedDestroyed,
        Some(Operation::Save) => EventKind::StoppedSaved,
        Some(Operation::Migrate) => EventKind::StoppedMigrated,
        Some(Operation::Start | Operation::Create | Operation::Restore) => EventKind::StoppedFailed,
        _ if before.is_some_and(|d| d.state == State::Crashed) => EventKind::StoppedCrashed,
        _ => EventKind::StoppedShutdown,
    }
}

fn started(cause: Option<Operation>) -> EventKind {
    match cause {
        Some(Operation::Restore) => EventKind::StartedRestored,
        _ => EventKind::StartedBooted,
    }
}

/// The reason that a state has after this event.
fn reason_of(kind: EventKind) -> Option<Reason> {
    Some(match kind {
        EventKind::StartedBooted => Reason::Booted,
        EventKind::StartedMigrated => Reason::Migrated,
        EventKind::StartedRestored => Reason::Restored,
        EventKind::SuspendedPaused => Reason::User,
        EventKind::ResumedUnpaused => Reason::Unpaused,
        EventKind::StoppedShutdown => Reason::Shutdown,
        EventKind::StoppedDestroyed => Reason::Destroyed,
        EventKind::StoppedCrashed | EventKind::CrashedPanicked => Reason::Crashed,
        EventKind::StoppedMigrated => Reason::MigratedAway,
        EventKind::StoppedSaved => Reason::Saved,
        EventKind::StoppedFailed => Reason::Failed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
