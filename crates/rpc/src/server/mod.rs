//! A server's end of one connection: what the client may do now, which of its calls
//! run, what events it wants, its streams.
//!
//! It neither reads nor writes a socket, and it does no call but those about the
//! connection itself: proofs that are wanted, features, registrations of events,
//! saying goodbye. Its user, one task for each connection,
//!
//! - reads while [`wants_input`](ServerSession::wants_input), gives the bytes to
//!   [`receive`](ServerSession::receive), and closes at the end of the file;
//! - asks [`next_request`](ServerSession::next_request) until there is none, after
//!   bytes came in, after a reply was given and after output was
//!   [`sent`](ServerSession::sent): each can make room for what waits;
//! - has calls done elsewhere, by their [`Priority`](crate::Priority), and brings the
//!   results back in any order: [`Call::encode`](crate::Call::encode) makes bytes of
//!   them where they arise, [`reply_bytes`](ServerSession::reply_bytes) sends them;
//! - calls [`tick`](ServerSession::tick) at the [`deadline`](ServerSession::deadline);
//! - closes when it [`is_finished`](ServerSession::is_finished), or on any error.

mod callbacks;
mod dispatch;
mod reply;
mod streams;
#[cfg(test)]
mod tests;

pub use reply::{ServerCall, Ticket};
pub use streams::{StreamId, StreamOptions, StreamPart};

use crate::Result;
use crate::link::{Keepalive, Link};
use crate::packet::Packet;
use callbacks::Callbacks;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;
use streams::Stream;

/// How a client proves who it is (`remote_auth_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// By what it is connected through.
    None = 0,
    /// By SASL: the server's user answers the calls `AuthSaslInit`, `AuthSaslStart`
    /// and `AuthSaslStep`.
    Sasl = 1,
    /// By polkit: the server's user answers the call `AuthPolkit`.
    Polkit = 2,
}

/// What is fixed when a connection is accepted.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Whether the socket is for those who only read.
    pub read_only: bool,
    /// What the client has to prove before it may do anything.
    pub auth: Auth,
    /// Why no call at all is answered on this socket, if none is.
    pub refusal: Option<&'static str>,
    /// Whether nobody else can read what is sent: UNIX sockets, TLS.
    pub secure: bool,
    /// Features of the driver that are there (`virDrvFeature`); those of the
    /// connection are answered without it.
    pub features: Vec<i32>,
    /// Signs of life, for clients that know them.
    pub keepalive: Keepalive,
    /// Calls that may run at once; a few more are held, the rest are not read.
    pub max_calls: usize,
    /// Bytes that may wait for the client. Beyond it nothing is read from it, and an
    /// event ends the connection.
    pub max_queued: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            read_only: false,
            auth: Auth::None,
            refusal: None,
            secure: true,
            features: DRIVER_FEATURES.to_vec(),
            keepalive: Keepalive::default(),
            max_calls: 5,
            max_queued: 16 << 20,
        }
    }
}

/// Features of libvirt's drivers for Xen: the first and the third version of
/// migration, one of daemons between themselves, one that the source does alone, typed
/// parameters of it; and what every driver has: strings as parameters, network updates
/// in the right order.
pub const DRIVER_FEATURES: &[i32] = &[1, 4, 5, 6, 13, 9, 16];

/// Bytes of a packet before the client has proved who it is.
const PACKET_BEFORE_AUTH: usize = 1 << 20;

/// Packets that are taken while as many calls run as may, and their bytes.
const HELD_PACKETS: usize = 16;
const HELD_BYTES: usize = 1 << 20;

/// What the client wants.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerRequest {
    /// A call, to be answered once.
    Call(ServerCall),
    /// Something for a stream that a call has started.
    Stream(StreamId, StreamPart),
}

/// The state of the connection to the hypervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    No,
    /// A call to open it runs.
    Opening,
    Yes,
    /// The client has said goodbye.
    Closed,
}

/// A server's end of one connection.
#[derive(Debug)]
pub struct ServerSession {
    link: Link,
    settings: ServerSettings,
    authenticated: bool,
    opened: Opened,
    read_only: bool,
    /// Calls without a reply, and parts of streams that have not been used.
    running: usize,
    /// Where replies end that have not been sent yet: they count as running.
    unsent: VecDeque<u64>,
    /// Packets that wait for a call to end.
    held: VecDeque<Packet>,
    callbacks: Callbacks,
    streams: BTreeMap<StreamId, Stream>,
}

impl ServerSession {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(settings: ServerSettings) -> Self {
        let authenticated = settings.auth == Auth::None;
        let mut link = Link::new(settings.keepalive);
        if !authenticated {
            link.limit_packets(PACKET_BEFORE_AUTH);
        }
        Self {
            link,
            authenticated,
            opened: Opened::No,
            read_only: settings.read_only,
            running: 0,
            unsent: VecDeque::new(),
            held: VecDeque::new(),
            callbacks: Callbacks::default(),
            streams: BTreeMap::new(),
            settings,
        }
    }

    /// Takes bytes from the client. Ask [`next_request`](Self::next_request) after it
    /// until there is nothing more.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.link.receive(bytes, now);
    }

    /// What the client wants next. `None` when more bytes are needed, or
    /// [`wants_input`](Self::wants_input) is false.
    ///
    /// # Errors
    /// When the client does not speak the protocol: close the connection.
    pub fn next_request(&mut self, now: Instant) -> Result<Option<ServerRequest>> {
        self.hold_packets()?;
        while self.has_room() && self.opened != Opened::Closed {
            let Some(packet) = self.next_packet()? else {
                break;
            };
            if let Some(request) = self.dispatch(packet, now)? {
                return Ok(Some(request));
            }
        }
        Ok(None)
    }

    /// Whether to read from the client now. If not, it may be asked again when a
    /// call has been answered or output has been sent.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        let takes = self.has_room() || self.can_hold();
        takes && !self.is_full() && self.opened != Opened::Closed
    }

    /// Bytes for the client.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.link.output()
    }

    /// Takes the first `count` bytes off the output. Ask
    /// [`next_request`](Self::next_request) after it: what waited may go on.
    pub fn sent(&mut self, count: usize) {
        self.link.sent(count);
        while self
            .unsent
            .front()
            .is_some_and(|mark| self.link.has_passed(*mark))
        {
            self.unsent.pop_front();
        }
    }

    /// When to call [`tick`](Self::tick).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.link.deadline()
    }

    /// Asks the client for a sign of life when it is time for it.
    ///
    /// # Errors
    /// When the client is dead: close the connection.
    pub fn tick(&mut self, now: Instant) -> Result<()> {
        self.link.tick(now)
    }

    /// Whether no call waits for its reply, and no part of a stream for being used.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.running == 0
    }

    /// Whether the client has said goodbye and got all: close the connection.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.opened == Opened::Closed && self.link.queued() == 0
    }

    /// The client has proved who it is. Say so before the reply to its last proof.
    pub fn authenticate(&mut self) {
        self.authenticated = true;
        self.link.limit_packets(crate::packet::PACKET_MAX);
    }

    /// Whether the client has proved who it is.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether a driver is open for the client.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.opened == Opened::Yes
    }

    /// Whether the client may only read. Fixed when the connection is open.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Packets that came while calls ran, then new ones.
    fn next_packet(&mut self) -> Result<Option<Packet>> {
        match self.held.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.link.next_packet(),
        }
    }

    /// While no call may begin: takes some packets nevertheless, so that signs of life
    /// behind them are answered.
    fn hold_packets(&mut self) -> Result<()> {
        while !self.has_room() && self.can_hold() && !self.is_full() {
            let Some(packet) = self.link.next_packet()? else {
                break;
            };
            self.held.push_back(packet);
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        let busy = self.running.saturating_add(self.unsent.len());
        busy < self.settings.max_calls && !self.is_full()
    }

    fn can_hold(&self) -> bool {
        let bytes: usize = self.held.iter().map(|packet| packet.payload.len()).sum();
        self.held.len() < HELD_PACKETS && bytes < HELD_BYTES
    }

    fn is_full(&self) -> bool {
        self.link.queued() >= self.settings.max_queued
    }
}
