//! Lifecycle events: what happened to a domain, and who listens.
//!
//! Events are made in one place, by comparing two looks at a domain
//! ([`crate::registry`]); here are their words and libvirt's numbers, and the
//! bounded queue of a subscriber. Who falls behind is told to look again.

use std::fmt;
use tokio::sync::broadcast;
use virtxen_guest::{DomId, Uuid};

/// Something happened to a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The domain's name when it happened.
    pub name: String,
    /// The domain's identifier.
    pub uuid: Uuid,
    /// Its number; after it stopped, the one it had.
    pub id: Option<DomId>,
    /// What happened.
    pub kind: EventKind,
}

macro_rules! lifecycle {
    ($($kind:ident $number:literal $word:literal, $detail:literal $detail_word:literal;)*) => {
        /// What happened, with its detail: libvirt's lifecycle events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("`", $word, "`: ", $detail_word)] $kind,)*
        }

        impl EventKind {
            /// libvirt's event and detail.
            #[must_use]
            pub const fn numbers(self) -> (i32, i32) {
                match self { $(Self::$kind => ($number, $detail),)* }
            }

            /// virsh's words for event and detail.
            #[must_use]
            pub const fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$kind => ($word, $detail_word),)* }
            }
        }
    };
}

lifecycle! {
    DefinedAdded       0 "Defined",   0 "Added";
    DefinedUpdated     0 "Defined",   1 "Updated";
    DefinedRenamed     0 "Defined",   2 "Renamed";
    UndefinedRemoved   1 "Undefined", 0 "Removed";
    UndefinedRenamed   1 "Undefined", 1 "Renamed";
    StartedBooted      2 "Started",   0 "Booted";
    StartedMigrated    2 "Started",   1 "Migrated";
    StartedRestored    2 "Started",   2 "Restored";
    SuspendedPaused    3 "Suspended", 0 "Paused";
    ResumedUnpaused    4 "Resumed",   0 "Unpaused";
    StoppedShutdown    5 "Stopped",   0 "Shutdown";
    StoppedDestroyed   5 "Stopped",   1 "Destroyed";
    StoppedCrashed     5 "Stopped",   2 "Crashed";
    StoppedMigrated    5 "Stopped",   3 "Migrated";
    StoppedSaved       5 "Stopped",   4 "Saved";
    StoppedFailed      5 "Stopped",   5 "Failed";
    ShutdownFinished   6 "Shutdown",  0 "Finished";
    CrashedPanicked    8 "Crashed",   0 "Panicked";
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (event, detail) = self.kind.words();
        let name = &self.name;
        write!(f, "event 'lifecycle' for domain '{name}': {event} {detail}")
    }
}

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// An event.
    Event(Event),
    /// This many events were dropped because the subscriber was slow: it must look
    /// at all domains again.
    Resync {
        /// Events that were dropped.
        missed: u64,
    },
}

/// A subscriber's queue. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Event>,
}

impl Subscription {
    /// The next event; `None` when the driver is gone. May be dropped at any time
    /// without losing an event.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self.receiver.recv().await {
            Ok(event) => Some(Delivery::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Delivery::Resync { missed }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<Delivery> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Delivery::Event(event)),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => {
                Some(Delivery::Resync { missed })
            }
            Err(_) => None,
        }
    }
}

/// Where events go out.
pub(crate) struct Bus {
    sender: broadcast::Sender<Event>,
}

impl Bus {
    pub(crate) fn new(queue: usize) -> Self {
        Self {
            sender: broadcast::Sender::new(queue.clamp(1, 1 << 16)),
        }
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        Subscription {
            receiver: self.sender.subscribe(),
        }
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Sends an event; nobody listening is no error.
    pub(crate) fn send(&self, event: Event) {
        let _ = self.sender.send(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u32) -> Event {
        Event {
            name: "web".into(),
            uuid: Uuid::ZERO,
            id: Some(DomId(number)),
            kind: EventKind::StoppedDestroyed,
        }
    }

    #[tokio::test]
    async fn who_falls_behind_is_told_to_look_again() {
        let bus = Bus::new(2);
        let mut slow = bus.subscribe();
        for number in 0..5 {
            bus.send(event(number));
        }
        assert_eq!(slow.next().await, Some(Delivery::Resync { missed: 3 }));
        assert_eq!(slow.next().await, Some(Delivery::Event(event(3))));
        assert_eq!(slow.try_next(), Some(Delivery::Event(event(4))));
        assert_eq!(slow.try_next(), None);
        drop(bus);
        assert_eq!(slow.next().await, None);
    }

    #[test]
    fn events_read_like_virshs() {
        assert_eq!(
            event(1).to_string(),
            "event 'lifecycle' for domain 'web': Stopped Destroyed"
        );
        assert_eq!(event(1).kind.numbers(), (5, 1));
    }
}
