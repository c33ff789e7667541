//! What each message does to the store. Errors are xenstored's names.
//! How messages arrive and answers leave is in `serve`.

use super::client::{Client, Watch};
use super::event::{self, Event};
use super::node::on_node;
use super::transaction::{Layer, Transaction};
use super::tree::Tree;
use std::collections::{BTreeSet, HashMap};
use virtxen_xenstore::Permission;
use virtxen_xenstore::wire::{self, Kind, PAYLOAD_MAX, Packet};

/// Quotas that xenstored has for domains other than 0: nodes, watches, open
/// transactions.
const QUOTA_NODES: usize = 1000;
const QUOTA_WATCHES: usize = 128;
const QUOTA_TRANSACTIONS: usize = 10;

/// First release that has no RESTRICT any more; 4.1 was the first to have it.
const RESTRICT_UNTIL: (u32, u32) = (4, 9);

pub(super) type Outcome = Result<Vec<u8>, &'static str>;

/// The store behind all connections.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) tree: Tree,
    pub(super) clients: HashMap<u64, Client>,
    pub(super) introduced: BTreeSet<u32>,
    /// First message that this release does not know.
    pub(super) newest: Kind,
    /// Major and minor number of Xen.
    pub(super) release: (u32, u32),
}

/// One request while it is served.
pub(super) struct Request<'a> {
    pub(super) kind: Kind,
    transaction: u32,
    texts: Vec<&'a [u8]>,
    payload: &'a [u8],
}

impl Store {
    /// Serves a request of a client: its reply is queued, then the events that
    /// it caused, which are given back.
    pub(super) fn serve(&mut self, client: u64, packet: &Packet) -> Vec<Event> {
        let request = Request {
            kind: packet.kind,
            transaction: packet.transaction,
            texts: wire::texts(&packet.payload).collect(),
            payload: &packet.payload,
        };
        let mut events = Vec::new();
        let outcome = self.dispatch(client, &request, &mut events);
        let Some(owner) = self.clients.get(&client) else {
            return events;
        };
        let (kind, payload) = match outcome {
            Ok(payload) if payload.len() > PAYLOAD_MAX => (Kind::Error, b"E2BIG\0".to_vec()),
            Ok(payload) => (packet.kind, payload),
            Err(errno) => (Kind::Error, [errno.as_bytes(), &[0]].concat()),
        };
        let reply = Packet {
            kind,
            request: packet.request,
            transaction: packet.transaction,
            payload,
        };
        let is_watch = kind == Kind::Watch;
        owner.send(reply);
        if is_watch && let Some(watch) = owner.watches.last() {
            owner.fire(watch, &watch.path);
        }
        self.tell(&events);
        events
    }

    /// Tells every client's watches.
    pub(super) fn tell(&mut self, events: &[Event]) {
        for client in self.clients.values() {
            event::tell(events, client, &mut self.tree, self.release);
        }
    }

    fn dispatch(&mut self, id: u64, request: &Request<'_>, events: &mut Vec<Event>) -> Outcome {
        if request.kind as u32 > self.newest as u32 {
            return Err("ENOSYS");
        }
        match request.kind {
            Kind::Directory
            | Kind::DirectoryPart
            | Kind::Read
            | Kind::GetPerms
            | Kind::Write
            | Kind::Mkdir
            | Kind::Rm
            | Kind::SetPerms => self.on_nodes(id, request, events),
            Kind::TransactionStart => self.start(id, request),
            Kind::TransactionEnd => self.end(id, request, events),
            Kind::Watch => self.watch(id, request),
            Kind::Unwatch => self.unwatch(id, request),
            Kind::ResetWatches => {
                let client = self.clients.get_mut(&id).ok_or("EIO")?;
                client.watches.clear();
                client.transactions.clear();
                ok()
            }
            Kind::Introduce | Kind::Release | Kind::Resume | Kind::SetTarget => {
                self.domains(id, request, events)
            }
            Kind::IsDomainIntroduced => {
                let domid = request.domid()?;
                let known = domid == 0 || self.introduced.contains(&domid);
                Ok(if known {
                    b"T\0".to_vec()
                } else {
                    b"F\0".to_vec()
                })
            }
            Kind::GetDomainPath => Ok(format!("/local/domain/{}\0", request.domid()?).into_bytes()),
            Kind::Control => ok(),
            Kind::Restrict if self.release < RESTRICT_UNTIL => self.restrict(id, request),
            Kind::Restrict
            | Kind::WatchEvent
            | Kind::Error
            | Kind::GetFeature
            | Kind::SetFeature
            | Kind::GetQuota
            | Kind::SetQuota => Err("ENOSYS"),
        }
    }

    pub(super) fn on_nodes(
        &mut self,
        id: u64,
        request: &Request<'_>,
        events: &mut Vec<Event>,
    ) -> Outcome {
        let client = self.clients.get_mut(&id).ok_or("EIO")?;
        let path = client.absolute(request.path()?);
        if path.starts_with('@') {
            return Err("EINVAL");
        }
        let domid = client.domid;
        let writes = matches!(request.kind, Kind::Write | Kind::Mkdir);
        if domid != 0 && writes && self.tree.owned_by(domid) >= QUOTA_NODES {
            return Err("ENOSPC");
        }
        if request.transaction == 0 {
            return on_node(&mut self.tree, domid, &path, request, events);
        }
        let transaction = client
            .transactions
            .get_mut(&request.transaction)
            .ok_or("ENOENT")?;
        let mut happened = Vec::new();
        let mut layer = Layer {
            transaction,
            tree: &mut self.tree,
        };
        let outcome = on_node(&mut layer, domid, &path, request, &mut happened);
        transaction.events.append(&mut happened);
        outcome
    }

    fn start(&mut self, id: u64, request: &Request<'_>) -> Outcome {
        let client = self.clients.get_mut(&id).ok_or("EIO")?;
        if request.transaction != 0 {
            return Err("EBUSY");
        }
        if client.domid != 0 && client.transactions.len() >= QUOTA_TRANSACTIONS {
            return Err("ENOSPC");
        }
        let number = client.next_transaction;
        client.next_transaction = client.next_transaction.wrapping_add(1).max(1);
        client.transactions.insert(number, Transaction::default());
        Ok(format!("{number}\0").into_bytes())
    }

    fn end(&mut self, id: u64, request: &Request<'_>, events: &mut Vec<Event>) -> Outcome {
        let commit = match request.texts.as_slice() {
            [b"T"] => true,
            [b"F"] => false,
            _ => return Err("EINVAL"),
        };
        let client = self.clients.get_mut(&id).ok_or("EIO")?;
        let mut transaction = client
            .transactions
            .remove(&request.transaction)
            .ok_or("ENOENT")?;
        if commit {
            if !transaction.commit(&mut self.tree) {
                return Err("EAGAIN");
            }
            events.append(&mut transaction.told());
        }
        ok()
    }

    fn watch(&mut self, id: u64, request: &Request<'_>) -> Outcome {
        let client = self.clients.get_mut(&id).ok_or("EIO")?;
        let written = request.path()?.to_owned();
        let token = request.text(1)?.to_owned();
        let path = client.absolute(&written);
        if client
            .watches
            .iter()
            .any(|watch| watch.path == path && watch.token == token)
        {
            return Err("EEXIST");
        }
        if client.domid != 0 && client.watches.len() >= QUOTA_WATCHES {
            return Err("E2BIG");
        }
        client.watches.push(Watch {
            written,
            path,
            token,
        });
        ok()
    }

    fn unwatch(&mut self, id: u64, request: &Request<'_>) -> Outcome {
        let client = self.clients.get_mut(&id).ok_or("EIO")?;
        let path = client.absolute(request.path()?);
        let token = request.text(1)?;
        let found = client
            .watches
            .iter()
            .position(|it| it.path == path && it.token == token);
        client.watches.remove(found.ok_or("ENOENT")?);
        ok()
    }

    /// From now on a connection of Domain-0 may do what this domain may.
    fn restrict(&mut self, id: u64, request: &Request<'_>) -> Outcome {
        let domid = request.domid()?;
        let client = self.clients.get_mut(&id).ok_or("EIO")?;
        if client.domid != 0 {
            return Err("EACCES");
        }
        if !self.introduced.contains(&domid) {
            return Err("ENOENT");
        }
        client.domid = domid;
        ok()
    }

    fn domains(&mut self, id: u64, request: &Request<'_>, events: &mut Vec<Event>) -> Outcome {
        if self.clients.get(&id).is_none_or(|client| client.domid != 0) {
            return Err("EACCES");
        }
        let domid = request.domid()?;
        let wanted = if request.kind == Kind::Introduce {
            3
        } else {
            1
        };
        if domid == 0 || request.texts.len() < wanted {
            return Err("EINVAL");
        }
        match request.kind {
            Kind::Introduce if self.introduced.insert(domid) => {
                events.push(Event::changed("@introduceDomain"));
            }
            Kind::Introduce => {}
            Kind::Release => {
                if !self.introduced.remove(&domid) {
                    return Err("ENOENT");
                }
                events.push(Event::changed("@releaseDomain"));
            }
            _ if !self.introduced.contains(&domid) => return Err("ENOENT"),
            _ => {}
        }
        ok()
    }
}

/// As C's `atoi` reads it: what is no number is 0.
pub(super) fn number(text: &str) -> i64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let end = digits
        .find(|digit: char| !digit.is_ascii_digit())
        .unwrap_or(digits.len());
    let digits = digits.get(..end).unwrap_or_default();
    sign * digits.parse::<i64>().unwrap_or(0)
}

pub(super) fn ok() -> Outcome {
    Ok(b"OK\0".to_vec())
}

impl<'a> Request<'a> {
    pub(super) fn text(&self, index: usize) -> Result<&'a str, &'static str> {
        std::str::from_utf8(self.texts.get(index).ok_or("EINVAL")?).map_err(|_| "EINVAL")
    }

    fn path(&self) -> Result<&'a str, &'static str> {
        let path = self.text(0)?;
        wire::check_path(path).map_err(|_| "EINVAL")?;
        Ok(path)
    }

    /// A domain's number, read as C's `atoi` does.
    fn domid(&self) -> Result<u32, &'static str> {
        Ok(u32::try_from(number(self.text(0)?)).unwrap_or(u32::MAX))
    }

    /// What is written: all after the path's NUL, NULs included.
    pub(super) fn value(&self) -> Result<&'a [u8], &'static str> {
        let mut parts = self.payload.splitn(2, |byte| *byte == 0);
        parts.nth(1).ok_or("EINVAL")
    }

    pub(super) fn permissions(&self) -> Result<Vec<Permission>, &'static str> {
        let texts = self.texts.get(1..).unwrap_or_default();
        let all: Option<Vec<_>> = texts
            .iter()
            .map(|text| Permission::decode(std::str::from_utf8(text).ok()?))
            .collect();
        all.filter(|list| !list.is_empty()).ok_or("EINVAL")
    }
}
