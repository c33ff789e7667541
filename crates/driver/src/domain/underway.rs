//! Which domains are on their way: away from here until somebody confirms that they came,
//! and to this host until somebody asks for them. What is done with them is in `moving`.

use super::streaming::Receiving;
use crate::job::lock;
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use virtxen_guest::Uuid;

/// Domains that may be on their way at once.
const MOVING_MAX: usize = 1024;

/// How long after a domain was sent its migration may still be finished, and after it was
/// begun its domain be sent. Clients that fail between the two tell nobody.
pub(super) const FINISHES: Duration = Duration::from_secs(300);

/// Domains on their way.
#[derive(Default)]
pub(crate) struct Moving {
    /// Away from here.
    outgoing: Mutex<HashMap<Uuid, Outgoing>>,
    /// Those of them whose migration this program conducts.
    conducted: Mutex<HashSet<Uuid>>,
    /// To this host, the newest last.
    incoming: Mutex<Vec<Incoming>>,
    /// Those of them that this program receives itself.
    pub(super) receiving: Receiving,
}

/// A domain that is to go, or has gone and waits for the confirmation.
#[derive(Clone, Copy)]
enum Outgoing {
    Begun(Instant),
    Sent(Instant),
}

impl Outgoing {
    fn is_left(&self) -> bool {
        matches!(self, Self::Begun(begun) if begun.elapsed() >= FINISHES)
    }
}

/// A migration that this program conducts.
pub(super) struct Conducting<'a> {
    moving: &'a Moving,
    uuid: Uuid,
}

impl Drop for Conducting<'_> {
    fn drop(&mut self) {
        lock(&self.moving.conducted).remove(&self.uuid);
    }
}

/// A domain that is to come.
#[derive(Clone)]
pub(super) struct Incoming {
    pub(super) uuid: Uuid,
    /// The name that it is to have here.
    pub(super) wanted: String,
    /// As its source describes it.
    pub(super) xml: String,
}

impl Moving {
    /// Whether the source was told of the migration before it is to perform it.
    pub(super) fn has_begun(&self, uuid: Uuid) -> bool {
        let outgoing = lock(&self.outgoing);
        outgoing.get(&uuid).is_some_and(|step| !step.is_left())
    }

    /// A domain was sent, and waits for the confirmation.
    pub(super) fn sent(&self, uuid: Uuid) {
        lock(&self.outgoing).insert(uuid, Outgoing::Sent(Instant::now()));
    }

    /// How long ago a domain was sent that waits for the confirmation.
    pub(super) fn waits(&self, uuid: Uuid) -> Option<Duration> {
        match lock(&self.outgoing).get(&uuid)? {
            Outgoing::Sent(sent) => Some(sent.elapsed()),
            Outgoing::Begun(_) => None,
        }
    }

    pub(super) fn begin(&self, uuid: Uuid) -> Result<()> {
        let mut outgoing = lock(&self.outgoing);
        outgoing.retain(|_, step| !step.is_left());
        if outgoing.len() >= MOVING_MAX && !outgoing.contains_key(&uuid) {
            return Err(Error::Argument("too many domains are on their way".into()));
        }
        outgoing.insert(uuid, Outgoing::Begun(Instant::now()));
        Ok(())
    }

    /// A domain whose migration this program conducts, until what is returned is dropped;
    /// `None` when it does so already.
    pub(super) fn conduct(&self, uuid: Uuid) -> Option<Conducting<'_>> {
        let is_new = lock(&self.conducted).insert(uuid);
        is_new.then(|| Conducting { moving: self, uuid })
    }

    pub(super) fn is_conducted(&self, uuid: Uuid) -> bool {
        lock(&self.conducted).contains(&uuid)
    }

    pub(super) fn end(&self, uuid: Uuid) {
        lock(&self.outgoing).remove(&uuid);
    }

    pub(super) fn expect(&self, domain: Incoming) {
        let mut incoming = lock(&self.incoming);
        incoming.retain(|other| other.uuid != domain.uuid && other.wanted != domain.wanted);
        if incoming.len() >= MOVING_MAX {
            incoming.remove(0);
        }
        incoming.push(domain);
    }

    pub(super) fn arrived(&self, wanted: &str) -> Option<Incoming> {
        let mut incoming = lock(&self.incoming);
        let place = incoming.iter().position(|it| it.wanted == wanted)?;
        Some(incoming.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_and_never_sent_is_forgotten() {
        let uuid = |number: u16| {
            let [high, low] = number.to_be_bytes();
            let mut bytes = [0; 16];
            bytes[..2].copy_from_slice(&[high, low]);
            Uuid(bytes)
        };
        let moving = Moving::default();
        for number in 0..1024 {
            moving.begin(uuid(number)).unwrap();
        }
        moving.sent(uuid(0));
        assert!(moving.has_begun(uuid(1)));
        moving.begin(uuid(2000)).unwrap_err();
        tokio::time::advance(FINISHES).await;
        assert!(!moving.has_begun(uuid(1)));
        moving.begin(uuid(2000)).unwrap();
        assert!(moving.has_begun(uuid(2000)));
        assert_eq!(
            moving.waits(uuid(0)),
            Some(FINISHES),
            "it may be finished still"
        );
    }
}
