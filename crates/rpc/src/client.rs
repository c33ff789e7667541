//! A client's end of one connection: calls that wait for their replies, events,
//! streams.
//!
//! It neither reads nor writes a socket. Its user feeds bytes and time and takes
//! what has come; which calls to make in which order is his.

use crate::calls::Hole;
use crate::events::DomainEvent;
use crate::link::{Keepalive, Link};
use crate::packet::{Header, Kind, Packet, Program, STREAM_PAYLOAD, Status};
use crate::xdr::{Wire, from_bytes};
use crate::{Call, Error, RemoteError, Result};
use std::collections::BTreeMap;
use std::time::Instant;

/// The number of a call, and of the stream that it starts.
pub type Serial = u32;

/// What has come from the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The reply to a call: [`from_bytes`] makes its type of it.
    Reply(Serial, std::result::Result<Vec<u8>, RemoteError>),
    /// Something happened to a domain, for the callback of this number.
    Domain(i32, DomainEvent),
    /// Another message: its procedure and what is in it.
    Message(i32, Vec<u8>),
    /// Something on a stream.
    Stream(Serial, StreamEvent),
}

/// What comes on a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// Bytes.
    Data(Vec<u8>),
    /// So many zeros.
    Hole(i64),
    /// There are no more bytes; the stream has still to be finished.
    End,
    /// The server confirms that the client finished or aborted it: it is gone.
    Finished,
    /// It failed: it is gone.
    Failed(RemoteError),
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    procedure: i32,
    streams: bool,
}

/// A client's end of one connection.
#[derive(Debug)]
pub struct ClientSession {
    link: Link,
    next: Serial,
    waiting: BTreeMap<Serial, Waiting>,
    /// Streams that are open, and their procedures.
    streams: BTreeMap<Serial, i32>,
}

impl ClientSession {
    /// A connection that has just been made.
    #[must_use]
    pub fn new(keepalive: Keepalive) -> Self {
        Self {
            link: Link::new(keepalive),
            next: 0,
            waiting: BTreeMap::new(),
            streams: BTreeMap::new(),
        }
    }

    /// Makes a call. Its reply comes with the number that is returned.
    ///
    /// # Errors
    /// When the arguments do not fit the protocol.
    pub fn call<C: Call>(&mut self, arguments: &C::Arguments) -> Result<Serial> {
        let procedure = C::PROCEDURE.number;
        self.start(procedure, false, |output| arguments.write(output))
    }

    /// Makes a call that starts a stream when it succeeds.
    ///
    /// # Errors
    /// When the arguments do not fit the protocol.
    pub fn call_with_stream<C: Call>(&mut self, arguments: &C::Arguments) -> Result<Serial> {
        let procedure = C::PROCEDURE.number;
        self.start(procedure, true, |output| arguments.write(output))
    }

    /// Makes a call with bytes that are its arguments, to pass on another's call.
    ///
    /// # Errors
    /// When they are too long for a packet.
    pub fn call_bytes(&mut self, procedure: i32, arguments: &[u8]) -> Result<Serial> {
        self.start(procedure, false, |output| {
            output.extend_from_slice(arguments);
            Ok(())
        })
    }

    /// Makes a call with bytes that are its arguments, which starts a stream when it
    /// succeeds.
    ///
    /// # Errors
    /// When they are too long for a packet.
    pub fn call_bytes_with_stream(&mut self, procedure: i32, arguments: &[u8]) -> Result<Serial> {
        self.start(procedure, true, |output| {
            output.extend_from_slice(arguments);
            Ok(())
        })
    }

    /// Takes bytes from the server. Ask [`next_event`](Self::next_event) after it until
    /// there is nothing more.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.link.receive(bytes, now);
    }

    /// What has come from the server.
    ///
    /// # Errors
    /// When the server does not speak the protocol: close the connection.
    pub fn next_event(&mut self) -> Result<Option<ClientEvent>> {
        while let Some(packet) = self.link.next_packet()? {
            if packet.header.program != Program::REMOTE {
                continue;
            }
            let event = match packet.header.kind {
                Kind::Reply | Kind::ReplyWithDescriptors => Some(self.reply(packet)?),
                Kind::Message => Some(message(packet)?),
                Kind::Stream | Kind::StreamHole => self.stream_packet(&packet)?,
                Kind::Call | Kind::CallWithDescriptors => {
                    return Err(Error::Conversation("the server makes a call".into()));
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Bytes for the server.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.link.output()
    }

    /// Takes the first `count` bytes off the output.
    pub fn sent(&mut self, count: usize) {
        self.link.sent(count);
    }

    /// Watches from now on whether the server is alive. It has to have answered that
    /// it has feature 10.
    pub fn start_keepalive(&mut self, now: Instant) {
        self.link.start_keepalive(now);
    }

    /// When to call [`tick`](Self::tick).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.link.deadline()
    }

    /// Asks the server for a sign of life when it is time for it.
    ///
    /// # Errors
    /// When the server is dead: close the connection.
    pub fn tick(&mut self, now: Instant) -> Result<()> {
        self.link.tick(now)
    }

    /// Calls without a reply, with their procedures.
    pub fn waiting(&self) -> impl Iterator<Item = (Serial, i32)> {
        let waiting = self.waiting.iter();
        waiting.map(|(serial, waiting)| (*serial, waiting.procedure))
    }

    /// Sends bytes on a stream, in as many packets as they need.
    ///
    /// # Errors
    /// When a packet cannot be written.
    pub fn send_stream(&mut self, stream: Serial, bytes: &[u8]) -> Result<()> {
        for part in bytes.chunks(STREAM_PAYLOAD) {
            self.stream_out(stream, Kind::Stream, Status::Continue, |output| {
                output.extend_from_slice(part);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Sends a hole of `length` zeros.
    ///
    /// # Errors
    /// When the packet cannot be written.
    pub fn send_hole(&mut self, stream: Serial, length: i64) -> Result<()> {
        let hole = Hole { length, flags: 0 };
        self.stream_out(stream, Kind::StreamHole, Status::Continue, |output| {
            hole.write(output)
        })
    }

    /// Says that all is sent and read. [`StreamEvent::Finished`] answers.
    ///
    /// # Errors
    /// When the packet cannot be written.
    pub fn finish_stream(&mut self, stream: Serial) -> Result<()> {
        self.stream_out(stream, Kind::Stream, Status::Ok, |_| Ok(()))
    }

    /// Gives a stream up. [`StreamEvent::Finished`] answers; bytes may still come
    /// before it.
    ///
    /// # Errors
    /// When the packet cannot be written.
    pub fn abort_stream(&mut self, stream: Serial) -> Result<()> {
        self.stream_out(stream, Kind::Stream, Status::Error, |_| Ok(()))
    }

    fn start(
        &mut self,
        procedure: i32,
        streams: bool,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<Serial> {
        let serial = self.next;
        let header = header(procedure, Kind::Call, serial, Status::Ok);
        self.link.queue(&header, fill)?;
        self.next = self.next.wrapping_add(1);
        self.waiting.insert(serial, Waiting { procedure, streams });
        Ok(serial)
    }

    fn stream_out(
        &mut self,
        stream: Serial,
        kind: Kind,
        status: Status,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let Some(procedure) = self.streams.get(&stream) else {
            return Ok(());
        };
        let header = header(*procedure, kind, stream, status);
        self.link.queue(&header, fill)
    }

    fn reply(&mut self, packet: Packet) -> Result<ClientEvent> {
        let Header {
            serial,
            procedure,
            status,
            ..
        } = packet.header;
        if self.streams.remove(&serial).is_some() {
            let error = from_bytes(&packet.payload)?;
            return Ok(ClientEvent::Stream(serial, StreamEvent::Failed(error)));
        }
        let waiting = self.waiting.remove(&serial);
        let Some(waiting) = waiting.filter(|waiting| waiting.procedure == procedure) else {
            return Err(Error::Conversation(format!(
                "a reply to call {serial} of procedure {procedure}, which was not made"
            )));
        };
        if status == Status::Error {
            let error = from_bytes(&packet.payload)?;
            return Ok(ClientEvent::Reply(serial, Err(error)));
        }
        if waiting.streams {
            self.streams.insert(serial, procedure);
        }
        Ok(ClientEvent::Reply(serial, Ok(packet.payload)))
    }

    /// Packets for streams that are gone are usual: the server did not know yet.
    fn stream_packet(&mut self, packet: &Packet) -> Result<Option<ClientEvent>> {
        let serial = packet.header.serial;
        let procedure = self.streams.get(&serial);
        if procedure.is_none_or(|procedure| *procedure != packet.header.procedure) {
            return Ok(None);
        }
        let event = match (packet.header.kind, packet.header.status) {
            (Kind::StreamHole, _) => StreamEvent::Hole(from_bytes::<Hole>(&packet.payload)?.length),
            (_, Status::Continue) if packet.payload.is_empty() => StreamEvent::End,
            (_, Status::Continue) => StreamEvent::Data(packet.payload.clone()),
            (_, Status::Ok) => StreamEvent::Finished,
            (_, Status::Error) => StreamEvent::Failed(from_bytes(&packet.payload)?),
        };
        if matches!(event, StreamEvent::Finished | StreamEvent::Failed(_)) {
            self.streams.remove(&serial);
        }
        Ok(Some(ClientEvent::Stream(serial, event)))
    }
}

/// Events of domains are made values of; those that are not known and those of other
/// objects are handed on.
fn message(packet: Packet) -> Result<ClientEvent> {
    let number = packet.header.procedure;
    if DomainEvent::is_message(number) {
        let (callback, event) = DomainEvent::read(number, &packet.payload)?;
        return Ok(ClientEvent::Domain(callback, event));
    }
    Ok(ClientEvent::Message(number, packet.payload))
}

const fn header(procedure: i32, kind: Kind, serial: Serial, status: Status) -> Header {
    Header {
        program: Program::REMOTE,
        procedure,
        kind,
        serial,
        status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::ConnectGetHostname;
    use crate::packet::write_packet;

    /// A session with one call, number 0 of procedure 59, that got this packet.
    fn after(header: &Header, payload: &[u8]) -> Result<Option<ClientEvent>> {
        let mut session = ClientSession::new(Keepalive::default());
        session.call::<ConnectGetHostname>(&())?;
        let mut bytes = Vec::new();
        write_packet(header, &mut bytes, |output| {
            output.extend_from_slice(payload);
            Ok(())
        })?;
        session.receive(&bytes, Instant::now());
        session.next_event()
    }

    #[test]
    fn a_server_that_makes_things_up_is_left() {
        let own = header(59, Kind::Reply, 0, Status::Ok);
        let reply = ClientEvent::Reply(0, Ok(b"name".to_vec()));
        assert_eq!(after(&own, b"name"), Ok(Some(reply)));
        for strange in [
            header(59, Kind::Reply, 1, Status::Ok),
            header(60, Kind::Reply, 0, Status::Ok),
            header(59, Kind::Call, 0, Status::Ok),
            header(59, Kind::Reply, 0, Status::Error),
            header(318, Kind::Message, 1, Status::Ok),
        ] {
            assert!(after(&strange, b"").is_err(), "{strange:?}");
        }
    }

    #[test]
    fn what_is_not_for_us_is_left_out_or_handed_on() {
        let late = header(201, Kind::Stream, 7, Status::Continue);
        assert_eq!(after(&late, b"bytes"), Ok(None));
        let unknown = header(999, Kind::Message, 1, Status::Ok);
        let message = ClientEvent::Message(999, b"bytes".to_vec());
        assert_eq!(after(&unknown, b"bytes"), Ok(Some(message)));
    }
}
