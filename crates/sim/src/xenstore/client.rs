//! What one connection owns: its domain, watches, transactions, and the packets
//! that wait to be sent to it.

use super::transaction::Transaction;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use virtxen_xenstore::wire::{Kind, Packet};

/// One connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) domid: u32,
    pub(super) watches: Vec<Watch>,
    pub(super) transactions: HashMap<u32, Transaction>,
    pub(super) next_transaction: u32,
    outgoing: mpsc::Sender<Packet>,
    /// Told when the client takes too little of what is sent to it.
    overrun: Arc<Notify>,
}

/// A watch as it was set.
#[derive(Debug)]
pub(super) struct Watch {
    /// As the client wrote it, maybe relative to its home.
    pub(super) written: String,
    /// Absolute, or a special name.
    pub(super) path: String,
    pub(super) token: String,
}

impl Client {
    /// A connection of this domain whose packets go to `outgoing`.
    pub(super) fn new(domid: u32, outgoing: mpsc::Sender<Packet>, overrun: Arc<Notify>) -> Self {
        let transactions = HashMap::new();
        Self {
            domid,
            watches: Vec::new(),
            transactions,
            next_transaction: 1,
            outgoing,
            overrun,
        }
    }

    /// Home of the client's domain: where relative paths begin.
    pub(super) fn home(&self) -> String {
        format!("/local/domain/{}", self.domid)
    }

    /// A path of this client as an absolute one.
    pub(super) fn absolute(&self, path: &str) -> String {
        if path.starts_with(['/', '@']) {
            path.to_owned()
        } else {
            format!("{}/{path}", self.home())
        }
    }

    /// Sends one event of a watch. The path is relative when the watch was.
    pub(super) fn fire(&self, watch: &Watch, path: &str) {
        let relative = (watch.written != watch.path)
            .then(|| path.strip_prefix(&format!("{}/", self.home())))
            .flatten();
        let mut payload = relative.unwrap_or(path).as_bytes().to_vec();
        payload.push(0);
        payload.extend_from_slice(watch.token.as_bytes());
        payload.push(0);
        let packet = Packet {
            kind: Kind::WatchEvent,
            request: 0,
            transaction: 0,
            payload,
        };
        self.send(packet);
    }

    /// Queues a packet; a client for whom the queue is too long loses its connection.
    pub(super) fn send(&self, packet: Packet) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.outgoing.try_send(packet) {
            self.overrun.notify_one();
        }
    }
}
