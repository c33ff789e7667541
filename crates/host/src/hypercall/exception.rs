//! Events where there is no XenStore: the hypervisor tells that some domain has shut
//! down or gone, and the domain list is read again.
//!
//! What it does not tell, new domains and pauses, is looked for in short intervals
//! while somebody listens. Devices and names are XenStore's; nothing here sees them.

use crate::HostEvent;
use crate::ending::Endings;
use crate::seen::{self, Look};
use crate::{Ending, HostEvents};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, broadcast};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};
use virtxen_guest::DomId;
use virtxen_hypercall::Xen;
use virtxen_hypercall::evtchn::PORT_BYTES;
use virtxen_xenstore::Stream;

/// Events that wait for a slow listener.
const EVENTS_HELD: usize = 1024;

/// Time between two looks for what nobody tells. One hypercall each.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The node of the event: ports to be read, and to be written back.
pub(crate) type EventNode = Box<dyn Stream>;

/// The changes of a host without XenStore. Ends its task when it is dropped.
pub(crate) struct Exceptions {
    xen: Arc<Xen>,
    endings: Arc<Endings>,
    sender: broadcast::Sender<HostEvent>,
    listener: Arc<Notify>,
    /// Taken by the task when somebody first listens.
    node: Mutex<Option<EventNode>>,
    has_node: bool,
    task: Mutex<Option<AbortHandle>>,
}

impl Exceptions {
    /// Nothing is looked at yet. Without a node there are looks only.
    pub(crate) fn new(xen: Arc<Xen>, node: Option<EventNode>) -> Self {
        Self {
            xen,
            endings: Arc::default(),
            sender: broadcast::Sender::new(EVENTS_HELD),
            listener: Arc::default(),
            has_node: node.is_some(),
            node: Mutex::new(node),
            task: Mutex::default(),
        }
    }

    /// Whether the hypervisor wakes us up.
    pub(crate) fn has_node(&self) -> bool {
        self.has_node
    }

    /// A new listener; the first one starts the task.
    pub(crate) fn listen(&self) -> HostEvents {
        let receiver = self.sender.subscribe();
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.is_none() {
            let mut node = self.node.lock().unwrap_or_else(PoisonError::into_inner);
            let observer = Observer {
                xen: Arc::clone(&self.xen),
                endings: Arc::clone(&self.endings),
                sender: self.sender.clone(),
                seen: None,
            };
            let run = observer.run(node.take(), Arc::clone(&self.listener));
            *task = Some(tokio::spawn(run).abort_handle());
        }
        self.listener.notify_one();
        HostEvents::new(receiver)
    }

    /// Why a domain that is gone has ended; `None` when nobody looked on.
    pub(crate) fn ending(&self, domid: DomId) -> Option<Ending> {
        (self.sender.receiver_count() > 0).then(|| self.endings.of(domid.0))
    }
}

impl Drop for Exceptions {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// The task behind the events.
struct Observer {
    xen: Arc<Xen>,
    endings: Arc<Endings>,
    sender: broadcast::Sender<HostEvent>,
    /// Domains as last seen; nothing while nobody listens.
    seen: Option<Look>,
}

impl Observer {
    async fn run(mut self, mut node: Option<EventNode>, listener: Arc<Notify>) {
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ports = Ports::default();
        loop {
            let looks = self.sender.receiver_count() > 0;
            tokio::select! {
                biased;
                () = listener.notified() => {}
                told = ports.read(&mut node) => {
                    if told.is_err() || ports.write_back(&mut node).await.is_err() {
                        // The node is gone; looks go on.
                        node = None;
                    }
                }
                _ = ticks.tick(), if looks => {}
            }
            self.look();
        }
    }

    /// Compares what is there with what was.
    fn look(&mut self) {
        if self.sender.receiver_count() == 0 {
            self.seen = None;
            return;
        }
        let Some(now) = seen::look(&self.xen, &self.endings) else {
            return;
        };
        let Some(before) = self.seen.replace(now.clone()) else {
            return;
        };
        for event in seen::changes(&before, &now) {
            // Nobody listening is no error.
            let _ = self.sender.send(event);
        }
    }
}

/// Ports that were read, in pieces of any size.
#[derive(Default)]
struct Ports(Vec<u8>);

impl Ports {
    /// Waits for a piece; for ever without a node. May be dropped at any time.
    async fn read(&mut self, node: &mut Option<EventNode>) -> std::io::Result<()> {
        let Some(node) = node else {
            return std::future::pending().await;
        };
        match node.read_buf(&mut self.0).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Lets the whole ports that were read tell again.
    async fn write_back(&mut self, node: &mut Option<EventNode>) -> std::io::Result<()> {
        let rest = self.0.split_off(self.0.len() - self.0.len() % PORT_BYTES);
        let whole = std::mem::replace(&mut self.0, rest);
        if let Some(node) = node {
            node.write_all(&whole).await?;
            node.flush().await?;
        }
        Ok(())
    }
}
