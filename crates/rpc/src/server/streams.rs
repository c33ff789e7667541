//! Streams of a server: bytes in both directions beside a call, with holes.
//!
//! Where the bytes come from and go to is for the user of the session, who sends no
//! more before the last part has left, and says when it has used a part.

use super::reply::Ticket;
use super::{ServerRequest, ServerSession};
use crate::calls::Hole;
use crate::packet::{Header, Kind, Packet, Program, STREAM_PAYLOAD, Status};
use crate::xdr::{Wire, from_bytes};
use crate::{Error, RemoteError, Result};

/// The number of a stream: the serial of the call that started it.
pub type StreamId = u32;

/// What is fixed when a stream starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Whether the client may send bytes.
    pub client_writes: bool,
    /// Whether holes may stand for zeros: the call's flags say so.
    pub sparse: bool,
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamPart {
    /// Bytes. Say [`stream_used`](ServerSession::stream_used) after them.
    Data(Vec<u8>),
    /// So many zeros. Say [`stream_used`](ServerSession::stream_used) after them.
    Hole(i64),
    /// The client has sent all and has read enough. Say
    /// [`finish_stream`](ServerSession::finish_stream) after it.
    Finish,
    /// The stream is gone: the client did not want it any more, or it did what the
    /// stream does not allow, which it has been told.
    Abort,
}

#[derive(Debug)]
pub(super) struct Stream {
    procedure: i32,
    options: StreamOptions,
    /// Where the last part ends that was sent.
    mark: u64,
    /// Parts from the client that have not been used.
    unused: usize,
    /// The client has finished; nothing more is expected of it.
    finished: bool,
}

impl ServerSession {
    pub(super) fn start_stream(&mut self, ticket: &Ticket, options: StreamOptions) -> StreamId {
        let id = ticket.serial();
        self.end_stream(id);
        let stream = Stream {
            procedure: ticket.procedure(),
            options,
            mark: 0,
            unused: 0,
            finished: false,
        };
        self.streams.insert(id, stream);
        id
    }

    /// Streams that are open.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.streams.keys().copied()
    }

    /// Whether the last part that was sent has left, so that the next may be sent.
    /// False for a stream that is gone.
    #[must_use]
    pub fn is_stream_ready(&self, id: StreamId) -> bool {
        let stream = self.streams.get(&id);
        stream.is_some_and(|stream| self.link.has_passed(stream.mark))
    }

    /// Sends bytes, at most [`STREAM_PAYLOAD`] of them; none tell the client that
    /// there are no more. Nothing is sent on a stream that is gone.
    ///
    /// # Errors
    /// When they are too many.
    pub fn send_stream(&mut self, id: StreamId, bytes: &[u8]) -> Result<()> {
        if bytes.len() > STREAM_PAYLOAD {
            return Err(Error::TooLong {
                field: "stream",
                offset: 0,
                length: bytes.len(),
                limit: STREAM_PAYLOAD,
            });
        }
        self.stream_out(id, Kind::Stream, Status::Continue, |output| {
            output.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// Sends a hole of `length` zeros, on a stream that may have holes.
    ///
    /// # Errors
    /// When the packet cannot be written.
    pub fn send_hole(&mut self, id: StreamId, length: i64) -> Result<()> {
        let hole = Hole { length, flags: 0 };
        self.stream_out(id, Kind::StreamHole, Status::Continue, |output| {
            hole.write(output)
        })
    }

    /// Ends a stream with an error. Nothing happens to one that is gone.
    ///
    /// # Errors
    /// When the packet cannot be written.
    pub fn fail_stream(&mut self, id: StreamId, error: &RemoteError) -> Result<()> {
        let sent = self.stream_out(id, Kind::Stream, Status::Error, |output| {
            error.write(output)
        });
        self.end_stream(id);
        sent
    }

    /// Answers [`StreamPart::Finish`]; the stream is gone.
    ///
    /// # Errors
    /// When the packet cannot be written.
    pub fn finish_stream(
        &mut self,
        id: StreamId,
        result: std::result::Result<(), RemoteError>,
    ) -> Result<()> {
        match result {
            Ok(()) => {
                let sent = self.stream_out(id, Kind::Stream, Status::Ok, |_| Ok(()));
                self.end_stream(id);
                sent
            }
            Err(error) => self.fail_stream(id, &error),
        }
    }

    /// A part from the client has been used: it may send another.
    pub fn stream_used(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if let Some(unused) = stream.unused.checked_sub(1) {
            stream.unused = unused;
            self.running = self.running.saturating_sub(1);
        }
    }

    /// What a packet for a stream asks for. Packets for streams that are gone are
    /// usual: the client did not know yet.
    pub(super) fn stream_packet(&mut self, packet: Packet) -> Result<Option<ServerRequest>> {
        let id = packet.header.serial;
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(None);
        };
        let ours = packet.header.program == Program::REMOTE
            && packet.header.procedure == stream.procedure
            && !stream.finished;
        if !ours {
            return Ok(None);
        }
        let options = stream.options;
        let part = match (packet.header.kind, packet.header.status) {
            (Kind::StreamHole, _) if options.client_writes && options.sparse => {
                match from_bytes::<Hole>(&packet.payload) {
                    Ok(hole) if hole.length >= 0 => StreamPart::Hole(hole.length),
                    _ => return self.refuse_part(id, "a hole has no proper length"),
                }
            }
            (Kind::StreamHole, _) => return self.refuse_part(id, "Unexpected stream hole"),
            (_, Status::Ok) => {
                stream.finished = true;
                return Ok(Some(ServerRequest::Stream(id, StreamPart::Finish)));
            }
            (_, Status::Error) => return self.abort(id),
            (_, Status::Continue) if packet.payload.is_empty() => return Ok(None),
            (_, Status::Continue) if options.client_writes => StreamPart::Data(packet.payload),
            (_, Status::Continue) => {
                return self.refuse_part(id, "the stream is for reading only");
            }
        };
        stream.unused = stream.unused.saturating_add(1);
        self.running = self.running.saturating_add(1);
        Ok(Some(ServerRequest::Stream(id, part)))
    }

    /// Confirms that the client does not want the stream any more.
    fn abort(&mut self, id: StreamId) -> Result<Option<ServerRequest>> {
        self.stream_out(id, Kind::Stream, Status::Ok, |_| Ok(()))?;
        self.end_stream(id);
        Ok(Some(ServerRequest::Stream(id, StreamPart::Abort)))
    }

    fn refuse_part(&mut self, id: StreamId, message: &str) -> Result<Option<ServerRequest>> {
        self.fail_stream(id, &RemoteError::protocol(message))?;
        Ok(Some(ServerRequest::Stream(id, StreamPart::Abort)))
    }

    fn stream_out(
        &mut self,
        id: StreamId,
        kind: Kind,
        status: Status,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        let header = Header {
            program: Program::REMOTE,
            procedure: stream.procedure,
            kind,
            serial: id,
            status,
        };
        self.link.queue(&header, fill)?;
        stream.mark = self.link.mark();
        Ok(())
    }

    pub(super) fn end_stream(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.remove(&id) {
            self.running = self.running.saturating_sub(stream.unused);
        }
    }
}
