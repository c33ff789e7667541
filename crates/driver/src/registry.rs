//! What the driver last saw of the domains: the published snapshot, and the one
//! place where events come from.
//!
//! XenD has no channel for events, so two looks at a domain are compared. Looks
//! are numbered when they begin: an older look that arrives later changes nothing,
//! and what a call of our own did is reported once, with its own detail. How the
//! host is looked at is in `call` and `poll`.

mod find;

use crate::compare::{
    compare, ends_domains, is_done, is_nameless, is_on_its_way, passing, reason_of,
};
use crate::events::{Bus, Event, EventKind, Subscription};
use crate::job::lock;
use crate::{Domain, Operation, Reason, State};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use virtxen_guest::{DomId, Uuid};
use virtxen_host::Ending;

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
    bus: Bus,
}

#[derive(Default)]
struct Known {
    /// Number of the newest look.
    looks: u64,
    /// When all domains were last seen; before that a domain that appears was
    /// there already, for all we know.
    complete: Option<Instant>,
    /// All active domains were seen.
    active: bool,
    domains: BTreeMap<Uuid, Seen>,
    /// Made of them when somebody asks, until something changes.
    published: Option<Arc<Snapshot>>,
    /// Domains that went, with the look that missed them: an older look that
    /// arrives later must not bring them back.
    gone: HashMap<Uuid, u64>,
    /// Why domains that are gone have ended, where the host told.
    endings: HashMap<DomId, Ending>,
    /// Operations of our own that are at work, to give events their detail.
    causes: HashMap<Uuid, Operation>,
    /// Files that are being restored: which domains are in them is seen when these
    /// start.
    restoring: u32,
}

struct Seen {
    domain: Domain,
    look: u64,
    /// Its state may pass by itself and was not told yet.
    passing: Option<tokio::time::Instant>,
}

impl Seen {
    fn new(domain: Domain, Look(look): Look) -> Self {
        Self {
            domain,
            look,
            passing: None,
        }
    }

    /// The state that was told.
    fn told(&self) -> State {
        told(&self.domain, self.passing)
    }
}

fn told(domain: &Domain, passing: Option<tokio::time::Instant>) -> State {
    match passing {
        Some(_) => State::Running,
        None => domain.state,
    }
}

/// The number of a look, taken before the host is asked.
#[derive(Clone, Copy)]
pub(crate) struct Look(u64);

impl Registry {
    pub(crate) fn new(event_queue: usize) -> Self {
        Self {
            known: Mutex::default(),
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
        lock(&self.known).snapshot()
    }

    /// The published snapshot if it is not older than this.
    pub(crate) fn fresh(&self, age: Duration) -> Option<Arc<Snapshot>> {
        let mut known = lock(&self.known);
        known.complete.filter(|taken| taken.elapsed() < age)?;
        known.snapshot()
    }

    /// Why these domains, which are gone, have ended.
    pub(crate) fn learn(&self, endings: HashMap<DomId, Ending>) {
        let mut known = lock(&self.known);
        let used: HashSet<DomId> = known
            .domains
            .values()
            .filter_map(|it| it.domain.id)
            .collect();
        known.endings.retain(|domid, _| used.contains(domid));
        known.endings.extend(endings);
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
        if let Some((look, domain)) = before {
            known
                .domains
                .entry(uuid)
                .or_insert_with(|| Seen::new(domain, look));
        }
    }

    /// A domain is to come from another host.
    pub(crate) fn expect(&self, uuid: Uuid) {
        let mut known = lock(&self.known);
        known.causes.insert(uuid, Operation::MigrateFinish);
    }

    /// A file is being restored.
    pub(crate) fn begin_restore(&self) {
        lock(&self.known).restoring += 1;
    }

    /// The file was restored and what came of it was seen.
    pub(crate) fn end_restore(&self) {
        let mut known = lock(&self.known);
        known.restoring = known.restoring.saturating_sub(1);
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

    /// What became of one domain by a call of our own; `None`: it is not there.
    pub(crate) fn see_one(&self, look: Look, uuid: Uuid, domain: Option<Domain>) {
        let mut known = lock(&self.known);
        self.change(&mut known, look, uuid, domain, true);
        known.published = None;
    }

    /// All active domains were looked at. What has ended and was defined is inactive
    /// now; where that is not known the next look at all domains tells.
    pub(crate) fn see_active(&self, look: Look, domains: Vec<Domain>) {
        let mut known = lock(&self.known);
        if known.complete.is_none() && !known.active {
            known.begin_with(look, domains);
        } else {
            let there: HashSet<Uuid> = domains.iter().map(|domain| domain.uuid).collect();
            let ended = known.domains.values().map(|seen| &seen.domain);
            let ended = ended.filter(|domain| domain.is_active() && !there.contains(&domain.uuid));
            let ended: Vec<Domain> = ended.cloned().collect();
            for domain in ended {
                let uuid = domain.uuid;
                let stays = domain.persistent != Some(false);
                let domain = stays.then(|| domain.ended());
                self.change(&mut known, look, uuid, domain, false);
            }
            for domain in domains {
                self.change(&mut known, look, domain.uuid, Some(domain), false);
            }
        }
        known.active = true;
        known.published = None;
    }

    /// All domains were looked at.
    pub(crate) fn see_all(&self, look: Look, domains: Vec<Domain>) {
        let mut known = lock(&self.known);
        if known.complete.is_none() && !known.active {
            known.begin_with(look, domains);
        } else {
            let there: HashSet<Uuid> = domains.iter().map(|domain| domain.uuid).collect();
            let mut gone: Vec<Uuid> = known.domains.keys().copied().collect();
            gone.retain(|uuid| !there.contains(uuid));
            for uuid in gone {
                self.change(&mut known, look, uuid, None, false);
            }
            for domain in domains {
                let is_known = known.domains.contains_key(&domain.uuid);
                if known.complete.is_some() || domain.is_active() || is_known {
                    self.change(&mut known, look, domain.uuid, Some(domain), false);
                } else {
                    known.note_inactive(look, domain);
                }
            }
        }
        known.active = true;
        known.gone.retain(|_, gone| *gone > look.0);
        known.complete = Some(Instant::now());
        known.published = None;
    }

    /// What this driver knows beyond what the host tells: the reason of the state,
    /// and that a domain it saw defined is persistent.
    pub(crate) fn recall(&self, domain: &mut Domain) {
        if let Some(seen) = lock(&self.known).domains.get(&domain.uuid) {
            inherit(seen, domain);
        }
    }

    /// A domain was looked up. What is known of it already stays: only two looks at
    /// its state in the right order make an event.
    pub(crate) fn note(&self, look: Look, domain: &Domain) {
        let mut known = lock(&self.known);
        let newer = known
            .gone
            .get(&domain.uuid)
            .is_some_and(|gone| *gone > look.0);
        let is_changing = known.causes.contains_key(&domain.uuid);
        if known.complete.is_none() && !known.active && !newer && !is_changing {
            let entry = known.domains.entry(domain.uuid);
            entry.or_insert_with(|| Seen::new(domain.clone(), look));
        }
    }

    /// Tells of something that happened to the active domain of a number; false when
    /// none is known.
    pub(crate) fn tell_of(&self, domid: DomId, kind: &EventKind) -> bool {
        let known = lock(&self.known);
        let mut domains = known.domains.values().map(|seen| &seen.domain);
        let domain = domains.find(|domain| domain.id == Some(domid));
        if let Some(domain) = domain {
            self.bus.send(event(domain, kind.clone()));
        }
        domain.is_some()
    }

    /// As [`Registry::tell_of`], of the domain of a name.
    pub(crate) fn tell_of_name(&self, name: &str, kind: EventKind) {
        let known = lock(&self.known);
        let mut domains = known.domains.values().map(|seen| &seen.domain);
        if let Some(domain) = domains.find(|domain| domain.name == name) {
            self.bus.send(event(domain, kind));
        }
    }

    /// Reports what a comparison cannot see.
    pub(crate) fn report(&self, domain: &Domain, kind: EventKind) {
        self.bus.send(event(domain, kind));
    }
}

impl Known {
    fn snapshot(&mut self) -> Option<Arc<Snapshot>> {
        let taken = self.complete?;
        let domains = &self.domains;
        let published = self.published.get_or_insert_with(|| {
            let mut domains: Vec<Domain> = domains.values().map(|s| s.domain.clone()).collect();
            sort(&mut domains);
            Arc::new(Snapshot { taken, domains })
        });
        Some(Arc::clone(published))
    }

    /// All domains were seen for the first time: what changed before is no event. What an
    /// operation of ours is at work on is: its outcome tells.
    fn begin_with(&mut self, look: Look, domains: Vec<Domain>) {
        let mut before = std::mem::take(&mut self.domains);
        for mut domain in domains {
            let uuid = domain.uuid;
            let is_changing = self.causes.contains_key(&uuid);
            let seen = match before.remove(&uuid) {
                Some(known) if is_changing => known,
                None if is_changing => continue,
                Some(newer) if newer.look > look.0 => newer,
                Some(older) => {
                    inherit(&older, &mut domain);
                    Seen::new(domain, look)
                }
                None => Seen::new(domain, look),
            };
            self.domains.insert(uuid, seen);
        }
        before.retain(|uuid, seen| seen.look > look.0 || self.causes.contains_key(uuid));
        self.domains.append(&mut before);
    }

    /// An inactive domain is seen for the first time: for all we know it was there.
    fn note_inactive(&mut self, look: Look, domain: Domain) {
        let gone = self.gone.get(&domain.uuid);
        if gone.is_none_or(|gone| *gone <= look.0) {
            self.domains.insert(domain.uuid, Seen::new(domain, look));
        }
    }
}

impl Registry {
    /// A domain was seen as `now`; `is_outcome`: after a call of our own.
    fn change(
        &self,
        known: &mut Known,
        look: Look,
        uuid: Uuid,
        now: Option<Domain>,
        is_outcome: bool,
    ) {
        let before = known.domains.get(&uuid);
        let newest = before
            .map(|seen| seen.look)
            .max(known.gone.get(&uuid).copied());
        if newest.is_some_and(|newest| newest > look.0) {
            return;
        }
        let starts = before.is_none_or(|seen| !seen.domain.is_active())
            && now.as_ref().is_some_and(Domain::is_active);
        let restored = (starts && known.restoring > 0).then_some(Operation::Restore);
        let cause = known.causes.get(&uuid).copied().or(restored);
        let mut now = now;
        if before.is_none() && now.as_ref().is_some_and(is_nameless) {
            return;
        }
        if let (Some(before), Some(now)) = (before, &mut now) {
            inherit(before, now);
            // What most looks see of most domains.
            let is_same = !now.is_active() && before.domain == *now;
            if is_same && cause.is_none() && before.passing.is_none() {
                if let Some(seen) = known.domains.get_mut(&uuid) {
                    seen.look = look.0;
                }
                return;
            }
        }
        if let Some(domain) = now.as_mut().filter(|d| d.persistent.is_none()) {
            domain.persistent = match cause {
                Some(Operation::Create) => Some(false),
                Some(Operation::Define | Operation::Start) => Some(true),
                _ => None,
            };
        }
        let passed = before.map(|seen| (&seen.domain, seen.passing));
        let passing = now.as_ref().and_then(|it| passing(passed, it, is_outcome));
        let kinds = compare(
            before.map(|seen| (&seen.domain, seen.told())),
            now.as_ref().map(|it| (it, told(it, passing))),
            cause,
            || known.endings.get(&before?.domain.id?).copied(),
        );
        for (is_old, kind) in kinds {
            let reason = reason_of(&kind);
            let subject = match is_old {
                true => before.map(|seen| &seen.domain),
                false => now.as_ref(),
            };
            if let Some(domain) = subject {
                self.bus.send(event(domain, kind));
            }
            if let (Some(now), Some(reason)) = (&mut now, reason) {
                now.reason = reason;
            }
        }
        let runs = now.as_ref().is_some_and(Domain::is_active);
        if cause.is_some_and(|cause| is_done(cause, starts, runs)) {
            known.causes.remove(&uuid);
        }
        known.keep(look, uuid, now, passing);
    }
}

impl Known {
    /// What a look saw of a domain is known from now on.
    fn keep(
        &mut self,
        look: Look,
        uuid: Uuid,
        now: Option<Domain>,
        passing: Option<tokio::time::Instant>,
    ) {
        if let Some(domain) = now {
            self.gone.remove(&uuid);
            let seen = Seen {
                passing,
                ..Seen::new(domain, look)
            };
            self.domains.insert(uuid, seen);
        } else if self.domains.remove(&uuid).is_some() {
            self.gone.insert(uuid, look.0);
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
fn inherit(seen: &Seen, now: &mut Domain) {
    let before = &seen.domain;
    if is_on_its_way(&now.name, &before.name) {
        now.name.clone_from(&before.name);
    }
    if now.persistent.is_none() {
        now.persistent = before.persistent;
    }
    let same_run = before.id == now.id;
    let paused = |d: &Domain| d.state == State::Paused;
    // What passed was not told: a domain that was being built has run all the time.
    let same_state = seen.passing.is_some() || paused(before) == paused(now);
    if same_run && same_state && now.reason == Reason::Unknown {
        now.reason = before.reason;
    }
}

#[cfg(test)]
mod tests;
