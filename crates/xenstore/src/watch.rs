//! Watches: what is told to those who wait for changes, and how they learn that they
//! have missed some. Setting them again after a loss is the task's.

use crate::error::Result;
use crate::store::{Command, Store};
use crate::wire::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Events that a watch holds for a slow listener before it tells it to resync.
const EVENTS_HELD: usize = 1024;

/// The task's end of a watch.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    events: mpsc::Sender<String>,
    resync: Arc<AtomicBool>,
}

impl Listener {
    /// Hands over an event, or notes that events were lost.
    pub(crate) fn event(&self, path: String) {
        if self.events.try_send(path).is_err() {
            self.resync();
        }
    }

    /// Tells the listener to read all again.
    pub(crate) fn resync(&self) {
        self.resync.store(true, Ordering::Release);
        // Wakes a listener that sleeps; a full queue keeps it awake anyway.
        let _ = self.events.try_send(String::new());
    }
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// This node, or something under it, was written, made or removed.
    Changed(String),
    /// Events were lost (xenstored restarted, or the listener was slow): read all again.
    Resync,
}

/// A stream of changes below a node. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watch {
    events: mpsc::Receiver<String>,
    resync: Arc<AtomicBool>,
    token: String,
    commands: mpsc::UnboundedSender<Command>,
}

impl Watch {
    /// The next event. The first comes at once, as xenstored fires each new watch.
    /// `None` is the end: xenstored came back and refuses the watch (its quota), or
    /// the task of the store is gone.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        loop {
            let event = self.events.recv().await;
            if self.resync.swap(false, Ordering::AcqRel) {
                while self.events.try_recv().is_ok() {}
                return Some(WatchEvent::Resync);
            }
            match event {
                Some(path) if path.is_empty() => {}
                other => return other.map(WatchEvent::Changed),
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The task is gone when this fails, and the watch with it.
        let _ = self.commands.send(Command::Unwatch {
            token: std::mem::take(&mut self.token),
        });
    }
}

impl Store {
    /// Watches a node and all below it, or a special name such as `@releaseDomain`.
    ///
    /// # Errors
    /// [`Error::Quota`](crate::Error::Quota) and what every call can meet.
    pub async fn watch(&self, path: &str) -> Result<Watch> {
        let token = format!("virtxen-{}", self.tokens.fetch_add(1, Ordering::Relaxed));
        let (sender, events) = mpsc::channel(EVENTS_HELD);
        let resync = Arc::new(AtomicBool::new(false));
        let listener = Listener {
            events: sender,
            resync: resync.clone(),
        };
        let (reply, answer) = oneshot::channel();
        let command = Command::Watch {
            path: path.to_owned(),
            token: token.clone(),
            listener,
            reply,
        };
        self.send(command)?;
        // Made before waiting, so that giving up also takes the watch back.
        let watch = Watch {
            events,
            resync,
            token,
            commands: self.commands.clone(),
        };
        self.wait(Kind::Watch, path.as_bytes(), answer).await?;
        Ok(watch)
    }
}
