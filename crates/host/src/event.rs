//! What happens on a host, told by its channels as it happens.
//!
//! Events say that something is worth a look; the state itself is always read.

use crate::Ending;
use std::future::{Future, poll_fn};
use std::task::Poll;
use tokio::sync::broadcast;
use virtxen_guest::{DomId, MemoryKib};

/// Something happened on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostEvent {
    /// A domain is there that was not; it may still be being built.
    Appeared(DomId),
    /// A domain runs for the first time.
    Started(DomId),
    /// A domain has shut down and is still there.
    Shutdown(DomId),
    /// A domain is gone.
    Vanished {
        /// The domain.
        domid: DomId,
        /// Why, as far as was seen of it; `None` where no channel tells.
        ending: Option<Ending>,
    },
    /// A domain has another name.
    Renamed {
        /// The domain.
        domid: DomId,
        /// Its name now.
        name: String,
    },
    /// The vcpus of a domain were stopped. Xen tells nobody of a pause: it is looked
    /// for while somebody listens.
    Paused(DomId),
    /// The vcpus of a domain run again; seen as [`HostEvent::Paused`].
    Resumed(DomId),
    /// A device was added to a domain that has run already: those that it is built
    /// with are no events.
    DeviceAdded {
        /// The domain.
        domid: DomId,
        /// Class: `vbd`, `vif`, …; `usb` for USB devices of the host.
        class: String,
        /// Number in its class; of a USB device 256 times its controller's and its port.
        number: u32,
    },
    /// A device was removed from a domain that lives on.
    DeviceRemoved {
        /// The domain.
        domid: DomId,
        /// Class: `vbd`, `vif`, …
        class: String,
        /// Number in its class.
        number: u32,
    },
    /// The balloon target was set.
    MemoryTarget {
        /// The domain.
        domid: DomId,
        /// The target.
        target: MemoryKib,
    },
    /// A guest of this name is defined that was not.
    Defined(String),
    /// What the guest of this name is defined as has changed.
    Redefined(String),
    /// The guest of this name is no longer defined.
    Undefined(String),
    /// Events were lost: everything has to be read again.
    Resync,
}

/// A stream of events. Who falls behind gets a [`HostEvent::Resync`].
#[derive(Debug)]
pub struct HostEvents {
    /// One for each channel that tells.
    receivers: Vec<broadcast::Receiver<HostEvent>>,
}

impl HostEvents {
    pub(crate) fn new(receiver: broadcast::Receiver<HostEvent>) -> Self {
        Self {
            receivers: vec![receiver],
        }
    }

    /// The same with what another channel tells.
    pub(crate) fn and(mut self, receiver: broadcast::Receiver<HostEvent>) -> Self {
        self.receivers.push(receiver);
        self
    }

    /// The next event; `None` when the host is closed. May be dropped at any time
    /// without losing an event.
    pub async fn next(&mut self) -> Option<HostEvent> {
        while !self.receivers.is_empty() {
            let (place, received) = first(&mut self.receivers).await;
            match received {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => return Some(HostEvent::Resync),
                Err(broadcast::error::RecvError::Closed) => drop(self.receivers.remove(place)),
            }
        }
        None
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<HostEvent> {
        self.receivers
            .iter_mut()
            .find_map(|receiver| match receiver.try_recv() {
                Ok(event) => Some(event),
                Err(broadcast::error::TryRecvError::Lagged(_)) => Some(HostEvent::Resync),
                Err(_) => None,
            })
    }
}

/// What the first receiver that has something says, and which it is.
async fn first(
    receivers: &mut [broadcast::Receiver<HostEvent>],
) -> (usize, Result<HostEvent, broadcast::error::RecvError>) {
    let mut waits: Vec<_> = receivers
        .iter_mut()
        .map(|receiver| Box::pin(receiver.recv()))
        .collect();
    poll_fn(|context| {
        let polled = waits.iter_mut().enumerate().find_map(|(place, wait)| {
            match wait.as_mut().poll(context) {
                Poll::Ready(received) => Some((place, received)),
                Poll::Pending => None,
            }
        });
        polled.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}
