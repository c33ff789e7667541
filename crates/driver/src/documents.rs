//! Guests as they were last read, and the text that was made of them, for those who ask for
//! the same document soon after, and while the host does not answer.
//!
//! A reading is good for the domain that the hypervisor shows now: one with another number,
//! name or size is another. What changes besides, such as devices, is forgotten when the
//! host tells of it or this driver does it; what nobody tells, a second later. Who is asked
//! for a guest is not here.

use crate::driver::Inner;
use crate::job::lock;
use crate::{Domain, Operation, Result, XmlFlags, document};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use virtxen_guest::{DomId, Guest, Uuid};

/// Unused readings are kept for so long: a client that asks for all documents each minute
/// gets them from a host that hangs.
const KEPT: Duration = Duration::from_secs(90);

/// So many guests of which the host says nothing for too long mean that it says nothing at
/// all; one alone may be stuck by itself.
const SILENT: usize = 2;

/// The readings.
pub(crate) struct Documents {
    /// How old a reading may be. Zero: none is kept.
    age: Duration,
    /// How long the host is waited for when there is an older one.
    patience: Duration,
    kept: Mutex<Kept>,
}

/// A domain, and whether it is meant as it is defined.
type Key = (Uuid, bool);

#[derive(Default)]
struct Kept {
    /// Grows with each change: what was read before it is not kept.
    changes: u64,
    readings: HashMap<Key, Reading>,
    /// Guests that the host is being asked for again, since when.
    asked: HashMap<Key, Instant>,
}

struct Reading {
    of: Domain,
    began: Instant,
    guest: Arc<Guest>,
    /// The document that was made of it last.
    text: Option<(XmlFlags, Arc<str>)>,
}

/// What is known of a guest.
enum Known {
    Nothing,
    Fresh(Arc<Guest>),
    Old {
        guest: Arc<Guest>,
        /// The host is being asked.
        is_asked: bool,
        /// It is not worth waiting for the host.
        is_silent: bool,
    },
}

impl Documents {
    pub(crate) fn new(age: Duration, patience: Duration) -> Self {
        Self {
            age,
            patience,
            kept: Mutex::default(),
        }
    }

    /// Something of a domain is changed, or was.
    pub(crate) fn forget(&self, uuid: Uuid) {
        self.forget_those(|key, _| key.0 == uuid);
    }

    /// As [`Documents::forget`], of the active domain of a number.
    pub(crate) fn forget_number(&self, domid: DomId) {
        self.forget_those(|_, reading| reading.of.id == Some(domid));
    }

    /// Anything may have changed.
    pub(crate) fn forget_all(&self) {
        self.forget_those(|_, _| true);
    }

    /// These are all domains.
    pub(crate) fn see_all(&self, uuids: impl Iterator<Item = Uuid>) {
        let mut kept = lock(&self.kept);
        if kept.readings.is_empty() {
            return;
        }
        let there: HashSet<Uuid> = uuids.collect();
        kept.readings
            .retain(|key, reading| there.contains(&key.0) && reading.began.elapsed() < KEPT);
    }

    fn forget_those(&self, mut which: impl FnMut(&Key, &Reading) -> bool) {
        let mut kept = lock(&self.kept);
        kept.changes += 1;
        kept.readings.retain(|key, reading| !which(key, reading));
    }

    fn known(&self, key: Key, domain: &Domain) -> Known {
        let kept = lock(&self.kept);
        let reading = kept.readings.get(&key);
        let Some(reading) = reading.filter(|reading| is_same(&reading.of, domain)) else {
            return Known::Nothing;
        };
        let guest = Arc::clone(&reading.guest);
        if reading.began.elapsed() < self.age {
            return Known::Fresh(guest);
        }
        let is_late = |asked: &&Instant| asked.elapsed() >= self.patience;
        let late = kept.asked.values().filter(is_late).count();
        let asked = kept.asked.get(&key);
        Known::Old {
            guest,
            is_asked: asked.is_some(),
            is_silent: late >= SILENT || asked.as_ref().is_some_and(is_late),
        }
    }

    fn text(&self, key: Key, guest: &Arc<Guest>, flags: XmlFlags) -> Option<Arc<str>> {
        let kept = lock(&self.kept);
        let reading = kept.readings.get(&key);
        let reading = reading.filter(|reading| Arc::ptr_eq(&reading.guest, guest))?;
        let text = reading.text.as_ref().filter(|(of, _)| *of == flags);
        text.map(|(_, text)| Arc::clone(text))
    }

    fn keep_text(&self, key: Key, guest: &Arc<Guest>, flags: XmlFlags, text: &str) {
        let mut kept = lock(&self.kept);
        let reading = kept.readings.get_mut(&key);
        if let Some(reading) = reading.filter(|reading| Arc::ptr_eq(&reading.guest, guest)) {
            reading.text = Some((flags, text.into()));
        }
    }

    fn changes(&self) -> u64 {
        lock(&self.kept).changes
    }

    fn keep(&self, key: Key, reading: Reading, changes: u64) {
        let mut kept = lock(&self.kept);
        if kept.changes == changes {
            kept.readings.insert(key, reading);
        }
    }

    fn begin_asking(&self, key: Key) {
        lock(&self.kept)
            .asked
            .entry(key)
            .or_insert_with(Instant::now);
    }

    fn end_asking(&self, key: Key) {
        lock(&self.kept).asked.remove(&key);
    }
}

/// Whether it is the same run of the same domain, in the same size.
fn is_same(one: &Domain, other: &Domain) -> bool {
    let facts = |domain: &Domain| {
        let size = (domain.memory, domain.max_memory);
        (domain.id, size, (domain.vcpus, domain.max_vcpus))
    };
    facts(one) == facts(other) && one.name == other.name
}

impl Inner {
    /// The guest of a domain that has just been looked up, with what only the store knows;
    /// with `defined` as it is defined.
    pub(crate) async fn guest_of(
        self: &Arc<Self>,
        operation: Operation,
        domain: Domain,
        defined: bool,
    ) -> Result<Arc<Guest>> {
        let documents = &self.documents;
        if documents.age.is_zero() {
            return self.read_guest(operation, &domain, defined).await;
        }
        let key = (domain.uuid, defined);
        let (old, is_asked, is_silent) = match documents.known(key, &domain) {
            Known::Fresh(guest) => return Ok(guest),
            Known::Nothing => return self.read_and_keep(operation, domain, defined).await,
            Known::Old {
                guest,
                is_asked,
                is_silent,
            } => (guest, is_asked, is_silent),
        };
        if is_asked && is_silent {
            return Ok(old);
        }
        documents.begin_asking(key);
        let inner = Arc::clone(self);
        // It goes on when nobody waits any more: its answer is for those who ask next.
        let asking = tokio::spawn(async move {
            let read = inner.read_and_keep(operation, domain, defined).await;
            inner.documents.end_asking(key);
            read
        });
        if is_silent {
            return Ok(old);
        }
        match tokio::time::timeout(documents.patience, asking).await {
            Ok(Ok(Err(error))) if error.is_timeout() => Ok(old),
            Ok(Ok(read)) => read,
            Ok(Err(_)) | Err(_) => Ok(old),
        }
    }

    /// The document of a domain that has just been looked up; with `defined` as it is
    /// defined. Those who ask for the same one get the text that the first one got.
    pub(crate) async fn document_of(
        self: &Arc<Self>,
        operation: Operation,
        domain: Domain,
        defined: bool,
        flags: XmlFlags,
    ) -> Result<String> {
        let key = (domain.uuid, defined);
        let guest = self.guest_of(operation, domain, defined).await?;
        if let Some(text) = self.documents.text(key, &guest, flags) {
            return Ok(text.as_ref().to_owned());
        }
        let own = Guest::clone(&guest);
        let text = document::format_guest(own, flags, &self.host.version());
        self.documents.keep_text(key, &guest, flags, &text);
        Ok(text)
    }

    async fn read_and_keep(
        &self,
        operation: Operation,
        domain: Domain,
        defined: bool,
    ) -> Result<Arc<Guest>> {
        let (began, changes) = (Instant::now(), self.documents.changes());
        let guest = self.read_guest(operation, &domain, defined).await?;
        let key = (domain.uuid, defined);
        let reading = Reading {
            of: domain,
            began,
            guest: Arc::clone(&guest),
            text: None,
        };
        self.documents.keep(key, reading, changes);
        Ok(guest)
    }

    async fn read_guest(
        &self,
        operation: Operation,
        domain: &Domain,
        defined: bool,
    ) -> Result<Arc<Guest>> {
        let guest = match defined {
            true => {
                let answer = self.host.defined(&domain.name);
                self.read(operation, &domain.name, answer).await?
            }
            false => {
                let answer = self.host.guest(&domain.name);
                self.read(operation, &domain.name, answer).await?
            }
        };
        Ok(Arc::new(self.store.complete(domain, guest, defined).await))
    }
}
