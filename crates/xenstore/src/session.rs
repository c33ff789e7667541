//! The protocol's state without I/O: requests become bytes, bytes become answers.
//!
//! Many requests may be in flight; xenstored answers them in any order and
//! between them sends watch events. Sockets, deadlines and reconnecting are in
//! [`Store`](crate::Store).

use crate::error::{Error, Result};
use crate::wire::{self, Kind, Packet};
use std::collections::HashMap;

/// Most requests in flight on one connection.
const IN_FLIGHT_MAX: usize = 4096;

/// Names a request that is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u32);

/// What xenstored sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The reply to a request: its payload, or xenstored's error as ours.
    Reply {
        /// The request.
        ticket: Ticket,
        /// What came back.
        result: Result<Vec<u8>>,
    },
    /// A watch fired.
    Event {
        /// The node that changed, or a special name such as `@releaseDomain`.
        path: String,
        /// The token that the watch was set with.
        token: String,
    },
}

/// One connection's state.
#[derive(Debug, Default)]
pub struct Session {
    next: u32,
    pending: HashMap<u32, (Kind, String)>,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl Session {
    /// A session on a fresh connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a request whose payload is `texts`, each ended by NUL except a
    /// written value, which has its length from the packet.
    ///
    /// # Errors
    /// [`Error::Request`] for a bad path or too much data.
    pub fn request(&mut self, kind: Kind, transaction: u32, texts: &[&[u8]]) -> Result<Ticket> {
        let path = texts
            .first()
            .map(|text| String::from_utf8_lossy(text).into_owned());
        let path = path.unwrap_or_default();
        let refuse = |reason| Error::Request {
            operation: kind.name(),
            path: path.clone(),
            reason,
        };
        if takes_path(kind) {
            wire::check_path(&path).map_err(refuse)?;
        }
        if !self.has_room() {
            return Err(refuse("too many requests are in flight"));
        }
        let mut payload = texts.join(&0);
        if !(kind == Kind::Write && texts.len() == 2) {
            payload.push(0);
        }
        while self.pending.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let request = self.next;
        self.next = self.next.wrapping_add(1);
        Packet {
            kind,
            request,
            transaction,
            payload,
        }
        .encode(&mut self.outgoing)?;
        self.pending.insert(request, (kind, path));
        Ok(Ticket(request))
    }

    /// Bytes to be sent; the caller removes what it has sent.
    pub fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.outgoing
    }

    /// Whether another request may be made now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.pending.len() < IN_FLIGHT_MAX
    }

    /// Whether nobody waits for anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.outgoing.is_empty()
    }

    /// Takes bytes that xenstored sent and gives each complete answer to `each`.
    ///
    /// # Errors
    /// [`Error::Protocol`]; the connection is of no use after it.
    pub fn receive(&mut self, bytes: &[u8], mut each: impl FnMut(Answer)) -> Result<()> {
        self.incoming.extend_from_slice(bytes);
        let mut at = 0;
        while let Some((packet, length)) =
            Packet::decode(self.incoming.get(at..).unwrap_or_default())?
        {
            at += length;
            each(self.answer(packet)?);
        }
        self.incoming.drain(..at);
        Ok(())
    }

    /// What a packet means for whoever waits.
    fn answer(&mut self, packet: Packet) -> Result<Answer> {
        if packet.kind == Kind::WatchEvent {
            let mut texts =
                wire::texts(&packet.payload).map(|text| String::from_utf8_lossy(text).into_owned());
            let (Some(path), Some(token)) = (texts.next(), texts.next()) else {
                return Err(Error::Protocol("a watch event without path and token"));
            };
            return Ok(Answer::Event { path, token });
        }
        let Some((kind, path)) = self.pending.remove(&packet.request) else {
            return Err(Error::Protocol("a reply to no request"));
        };
        let result = match packet.kind {
            Kind::Error => {
                let errno = wire::texts(&packet.payload)
                    .next()
                    .unwrap_or(b"no error name");
                Err(refusal(kind, path, &String::from_utf8_lossy(errno)))
            }
            replied if replied == kind => Ok(packet.payload),
            _ => return Err(Error::Protocol("a reply of another kind than its request")),
        };
        Ok(Answer::Reply {
            ticket: Ticket(packet.request),
            result,
        })
    }
}

/// Whether the first text of a request of this kind is a path.
fn takes_path(kind: Kind) -> bool {
    use Kind::{
        Directory, DirectoryPart, GetPerms, Mkdir, Read, Rm, SetPerms, Unwatch, Watch, Write,
    };
    matches!(
        kind,
        Directory
            | DirectoryPart
            | Read
            | GetPerms
            | Watch
            | Unwatch
            | Write
            | Mkdir
            | Rm
            | SetPerms
    )
}

/// xenstored's error names (`xsd_errors`, Xen 3.0.0 to 4.22) as our errors.
fn refusal(kind: Kind, path: String, errno: &str) -> Error {
    let operation = kind.name();
    let writes = matches!(
        kind,
        Kind::Write | Kind::Mkdir | Kind::SetPerms | Kind::Watch
    );
    match errno {
        "ENOENT" => Error::NotFound { path },
        "EACCES" | "EPERM" => Error::Denied { operation, path },
        "EAGAIN" => Error::Conflict,
        "ENOSYS" => Error::Unsupported { operation },
        "ENOSPC" => Error::Quota {
            operation,
            path,
            errno: errno.to_owned(),
        },
        "E2BIG" if writes => Error::Quota {
            operation,
            path,
            errno: errno.to_owned(),
        },
        "EBUSY" if kind == Kind::TransactionStart => Error::Quota {
            operation,
            path,
            errno: errno.to_owned(),
        },
        _ => Error::Refused {
            operation,
            path,
            errno: errno.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(kind: Kind, request: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let payload = payload.to_vec();
        Packet {
            kind,
            request,
            transaction: 0,
            payload,
        }
        .encode(&mut bytes)
        .unwrap();
        bytes
    }

    fn answers(session: &mut Session, bytes: &[u8]) -> Vec<Answer> {
        let mut all = Vec::new();
        session.receive(bytes, |answer| all.push(answer)).unwrap();
        all
    }

    #[test]
    fn replies_find_their_requests_in_any_order() {
        let mut session = Session::new();
        let first = session.request(Kind::Read, 0, &[b"/a"]).unwrap();
        let second = session.request(Kind::Read, 0, &[b"/b"]).unwrap();
        let mut bytes = reply(Kind::Read, second.0, b"two");
        bytes.extend(reply(Kind::WatchEvent, 0, b"/c\0token\0"));
        bytes.extend(reply(Kind::Error, first.0, b"ENOENT\0"));
        let (head, tail) = bytes.split_at(21);
        let mut got = answers(&mut session, head);
        got.extend(answers(&mut session, tail));
        assert_eq!(
            got,
            [
                Answer::Reply {
                    ticket: second,
                    result: Ok(b"two".to_vec())
                },
                Answer::Event {
                    path: "/c".into(),
                    token: "token".into()
                },
                Answer::Reply {
                    ticket: first,
                    result: Err(Error::NotFound { path: "/a".into() })
                },
            ]
        );
    }

    #[test]
    fn values_have_no_nul_and_other_texts_have() {
        let mut session = Session::new();
        session.request(Kind::Write, 7, &[b"/a", b"v"]).unwrap();
        assert_eq!(&session.outgoing()[wire::HEADER..], b"/a\0v");
        session.outgoing().clear();
        session.request(Kind::Watch, 0, &[b"/a", b"t"]).unwrap();
        assert_eq!(&session.outgoing()[wire::HEADER..], b"/a\0t\0");
    }

    #[test]
    fn a_broken_protocol_is_told() {
        let mut session = Session::new();
        let nobody = reply(Kind::Read, 9, b"x");
        assert!(session.receive(&nobody, |_| ()).is_err());
        let mut session = Session::new();
        let ticket = session.request(Kind::Read, 0, &[b"/a"]).unwrap();
        let other = reply(Kind::Write, ticket.0, b"OK\0");
        assert!(session.receive(&other, |_| ()).is_err());
        let mut session = Session::new();
        assert!(
            session
                .receive(&reply(Kind::WatchEvent, 0, b"/only"), |_| ())
                .is_err()
        );
    }

    #[test]
    fn requests_in_flight_are_limited() {
        let mut session = Session::new();
        for _ in 0..IN_FLIGHT_MAX {
            session.request(Kind::Read, 0, &[b"/a"]).unwrap();
        }
        assert!(!session.has_room());
        assert!(session.request(Kind::Read, 0, &[b"/a"]).is_err());
        answers(&mut session, &reply(Kind::Read, 0, b"x"));
        assert!(session.request(Kind::Read, 0, &[b"/a"]).is_ok());
    }

    #[test]
    fn bad_paths_do_not_leave() {
        let mut session = Session::new();
        let error = session.request(Kind::Read, 0, &[b"/a b"]).unwrap_err();
        assert!(error.to_string().contains("/a b"), "{error}");
        assert!(session.is_idle());
    }
}
