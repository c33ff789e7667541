//! Which events the client wants, and telling it of them.
//!
//! What events of networks and the like are about is known to the daemons that
//! serve those; here they have a callback's number only.

use super::ServerSession;
use super::dispatch::internal;
use crate::events::{DomainEvent, LAST_EVENT};
use crate::objects::Uuid;
use crate::packet::{Header, Kind, Program, Status};
use crate::xdr::Wire;
use crate::{Error, RemoteError, Result};

/// Callbacks that a connection may have. Clients register each event once, and
/// once more for each domain that they watch.
const CALLBACKS_MAX: usize = 65_536;

/// The message of `virConnectCloseFunc`.
const CONNECTION_CLOSED: i32 = 362;
/// Events have this serial, whatever calls have.
const EVENT_SERIAL: u32 = 1;

/// An event that the client wants.
#[derive(Clone, Copy, Debug)]
struct Callback {
    /// Its number, or none for one that was registered the old way.
    id: Option<i32>,
    event: i32,
    /// The only domain, or all.
    domain: Option<Uuid>,
}

/// All events that the client wants.
#[derive(Debug, Default)]
pub(super) struct Callbacks {
    all: Vec<Callback>,
    /// The next number: none is used twice.
    next: i32,
    close: bool,
}

type Registered<T> = std::result::Result<T, RemoteError>;

impl Callbacks {
    pub(super) fn register(&mut self, event: i32, domain: Option<Uuid>) -> Registered<i32> {
        let id = self.next_id()?;
        self.add(Some(id), event, domain)?;
        Ok(id)
    }

    pub(super) fn deregister(&mut self, id: i32) -> Registered<()> {
        let found = self.all.iter().position(|callback| callback.id == Some(id));
        self.remove(found, &format!("domain event callback {id} not registered"))
    }

    pub(super) fn register_old(&mut self, event: i32) -> Registered<()> {
        if self.find_old(event).is_some() {
            return Err(internal(&format!(
                "domain event {event} already registered"
            )));
        }
        self.add(None, event, None)
    }

    pub(super) fn deregister_old(&mut self, event: i32) -> Registered<()> {
        let found = self.find_old(event);
        self.remove(found, &format!("domain event {event} not registered"))
    }

    pub(super) fn wants_close(&mut self, wants: bool) -> Registered<Vec<u8>> {
        if self.close == wants {
            let state = if wants { "already" } else { "not" };
            return Err(internal(&format!("close callback is {state} registered")));
        }
        self.close = wants;
        Ok(Vec::new())
    }

    fn next_id(&mut self) -> Registered<i32> {
        let id = self.next;
        self.next = id
            .checked_add(1)
            .ok_or_else(|| internal("too many callbacks in the life of a connection"))?;
        Ok(id)
    }

    fn add(&mut self, id: Option<i32>, event: i32, domain: Option<Uuid>) -> Registered<()> {
        if !(0..=LAST_EVENT).contains(&event) {
            return Err(internal(&format!("unsupported event ID {event}")));
        }
        if self.all.len() >= CALLBACKS_MAX {
            return Err(internal("too many callbacks"));
        }
        self.all.push(Callback { id, event, domain });
        Ok(())
    }

    fn find_old(&self, event: i32) -> Option<usize> {
        self.all
            .iter()
            .position(|callback| callback.id.is_none() && callback.event == event)
    }

    fn remove(&mut self, found: Option<usize>, message: &str) -> Registered<()> {
        let found = found.ok_or_else(|| internal(message))?;
        self.all.remove(found);
        Ok(())
    }
}

impl ServerSession {
    /// Whether the client wants to know of an event, for those who would have to
    /// find out first.
    #[must_use]
    pub fn wants_event(&self, event: i32, domain: &Uuid) -> bool {
        let mut all = self.callbacks.all.iter();
        all.any(|callback| callback.wants(event, domain))
    }

    /// Tells the client of an event, once for each callback that wants it. Whether
    /// the client may see the domain is for the caller to know. Returns how many
    /// messages it were.
    ///
    /// # Errors
    /// When the client does not read what waits for it: close the connection.
    pub fn send_event(&mut self, event: &DomainEvent) -> Result<usize> {
        let (id, uuid) = (event.id(), event.domain().uuid);
        let wanted = self.callbacks.all.iter();
        let wanted: Vec<Callback> = wanted
            .filter(|callback| callback.wants(id, &uuid))
            .copied()
            .collect();
        let mut count = 0;
        for callback in wanted {
            match (callback.id, event.old_procedure()) {
                (Some(id), _) => {
                    self.message(event.procedure(), |output| event.write(id, output))?;
                }
                (None, Some(old)) => self.message(old, |output| event.write_old(output))?,
                (None, None) => continue,
            }
            count += 1;
        }
        Ok(count)
    }

    /// A number for a callback that another daemon serves: reply it to the client's
    /// registration.
    ///
    /// # Errors
    /// When the connection has had too many.
    pub fn new_callback(&mut self) -> std::result::Result<i32, RemoteError> {
        self.callbacks.next_id()
    }

    /// Tells the client of an event that came from another daemon: its message
    /// behind the callback's number.
    ///
    /// # Errors
    /// When the client does not read what waits for it: close the connection.
    pub fn send_foreign_event(&mut self, procedure: i32, callback: i32, rest: &[u8]) -> Result<()> {
        self.message(procedure, |output| {
            callback.write(output)?;
            output.extend_from_slice(rest);
            Ok(())
        })
    }

    /// Tells the client that the hypervisor is gone (`virConnectCloseReason`), if it
    /// wants to know.
    ///
    /// # Errors
    /// When the client does not read what waits for it: close the connection.
    pub fn send_closed(&mut self, reason: i32) -> Result<()> {
        if !self.callbacks.close {
            return Ok(());
        }
        self.message(CONNECTION_CLOSED, |output| reason.write(output))
    }

    fn message(
        &mut self,
        procedure: i32,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let (queued, limit) = (self.link.queued(), self.settings.max_queued);
        if queued >= limit {
            return Err(Error::SlowReader { queued, limit });
        }
        let header = Header {
            program: Program::REMOTE,
            procedure,
            kind: Kind::Message,
            serial: EVENT_SERIAL,
            status: Status::Ok,
        };
        self.link.queue(&header, fill)
    }
}

impl Callback {
    fn wants(&self, event: i32, domain: &Uuid) -> bool {
        self.event == event && self.domain.is_none_or(|only| only == *domain)
    }
}
