//! What happens on a host, told by its channels as it happens.
//!
//! Events say that something is worth a look; the state itself is always read.

use tokio::sync::broadcast;
use virtxen_guest::{DomId, MemoryKib};

/// Something happened on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostEvent {
    /// A domain is there that was not.
    Appeared(DomId),
    /// A domain has shut down and is still there.
    Shutdown(DomId),
    /// A domain is gone.
    Vanished(DomId),
    /// A domain has another name.
    Renamed {
        /// The domain.
        domid: DomId,
        /// Its name now.
        name: String,
    },
    /// The vcpus of a domain were stopped. Seen only together with another change:
    /// Xen tells nobody of a pause.
    Paused(DomId),
    /// The vcpus of a domain run again; seen as [`HostEvent::Paused`].
    Resumed(DomId),
    /// A device was added.
    DeviceAdded {
        /// The domain.
        domid: DomId,
        /// Class: `vbd`, `vif`, …
        class: String,
        /// Number in its class.
        number: u32,
    },
    /// A device was removed.
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
    /// Events were lost: everything has to be read again.
    Resync,
}

/// A stream of events. Who falls behind gets a [`HostEvent::Resync`].
#[derive(Debug)]
pub struct HostEvents {
    receiver: broadcast::Receiver<HostEvent>,
}

impl HostEvents {
    pub(crate) fn new(receiver: broadcast::Receiver<HostEvent>) -> Self {
        Self { receiver }
    }

    /// The next event; `None` when the host is closed. May be dropped at any time
    /// without losing an event.
    pub async fn next(&mut self) -> Option<HostEvent> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(HostEvent::Resync),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// Takes the events that are there already; true if there was one.
    pub fn drain(&mut self) -> bool {
        let mut any = false;
        loop {
            match self.receiver.try_recv() {
                Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) => any = true,
                Err(_) => return any,
            }
        }
    }
}
