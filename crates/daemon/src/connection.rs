//! One client: its bytes in and out, the calls that run for it, its events.
//!
//! The conversation itself is `virtxen_rpc`'s; what calls do is in `serve`. A call that has
//! to wait for something runs in a task of its own, so that it delays no other; one that
//! need not, as most that only read, is answered at once.

use crate::access;
use crate::console::News;
use crate::error::{self, Error};
use crate::forward::{Forward, ForwardNews};
use crate::serve::{self, Caller, Outcome, Reply};
use crate::streams::Streams;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::{JoinError, JoinSet};
use virtxen_driver::Delivery;
use virtxen_rpc::procedure::Access;
use virtxen_rpc::server::{
    ServerCall, ServerRequest, ServerSession, ServerSettings, StreamId, StreamOptions, Ticket,
};
use virtxen_rpc::{DomainEvent, Group, Result};

/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// How long a client may take to prove who it is. While it is asked for, by a person
/// who types a password, the time does not end.
const PROOF: Duration = Duration::from_secs(60);

/// Why the hypervisor is gone, as clients see it (`VIR_CONNECT_CLOSE_REASON_EOF`).
const CLOSED: i32 = 1;

/// How long it may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// A client and what runs for it.
pub(crate) struct Connection {
    session: ServerSession,
    caller: Arc<Caller>,
    events: broadcast::Receiver<Delivery>,
    calls: JoinSet<(Ticket, Outcome)>,
    streams: Streams,
    forward: Forward,
    /// Room among those who have not proved yet who they are.
    anonymous: Option<OwnedSemaphorePermit>,
    /// When it has to be proved.
    proof_due: Instant,
    /// Events of which is not known yet whether the client may see them.
    unseen: access::Events,
    /// Whether the daemon ends.
    leaving: watch::Receiver<bool>,
    /// Whether the client has been told.
    told: bool,
}

/// What woke a connection.
enum Woken {
    /// So many bytes came; none is the end.
    Read(std::io::Result<usize>),
    /// So many bytes left.
    Written(std::io::Result<usize>),
    /// What was written has left.
    Flushed(std::io::Result<()>),
    /// A call is done.
    Done(Ticket, Outcome),
    /// A call ended without an answer.
    Lost(JoinError),
    /// Something happened to a domain.
    Event(std::result::Result<Delivery, RecvError>),
    /// Something happened to a domain that the client may see.
    Seen(DomainEvent),
    /// Something happened on a stream.
    Stream(StreamId, News),
    /// Another daemon has something for the client.
    Forward((Group, ForwardNews)),
    /// It is time for a sign of life.
    Late,
    /// The daemon ends.
    Leaving,
}

impl Connection {
    /// A client that has just been accepted.
    pub(crate) fn new(
        settings: ServerSettings,
        caller: Arc<Caller>,
        events: broadcast::Receiver<Delivery>,
        forward: Forward,
        anonymous: Option<OwnedSemaphorePermit>,
        leaving: watch::Receiver<bool>,
    ) -> Self {
        let session = ServerSession::new(settings);
        let now = Instant::now();
        Self {
            anonymous: anonymous.filter(|_| !session.is_authenticated()),
            proof_due: now.checked_add(PROOF).unwrap_or(now),
            session,
            caller,
            events,
            calls: JoinSet::new(),
            streams: Streams::default(),
            forward,
            unseen: access::Events::default(),
            leaving,
            told: false,
        }
    }

    /// Serves the client until it leaves. Calls that change something go on in the
    /// driver when it does.
    ///
    /// # Errors
    /// When the client does not speak the protocol, or does not read.
    pub(crate) async fn serve(
        mut self: Box<Self>,
        stream: impl AsyncRead + AsyncWrite,
    ) -> error::Result<()> {
        // In a box, because each future on the way here has room for what it hands on.
        let (mut reader, mut writer) = tokio::io::split(stream);
        let served = self.converse(&mut reader, &mut writer).await;
        // A client that does not read is not waited for.
        let _ = tokio::time::timeout(FAREWELL, writer.shutdown()).await;
        served
    }

    async fn converse(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> error::Result<()> {
        let mut buffer = vec![0; READ];
        let mut flushed = true;
        loop {
            let leaving = *self.leaving.borrow();
            if leaving {
                self.leave()?;
            } else {
                self.take_requests()?;
            }
            let is_finished = self.session.is_finished() || self.told;
            if is_finished && self.session.output().is_empty() && flushed {
                return Ok(());
            }
            let output = self.session.output();
            let is_waiting = !self.session.is_authenticated() && self.calls.is_empty();
            // In this order what is ready at once, replies and calls, touches no timer; what
            // comes from others goes before more of the client's own calls.
            let woken = tokio::select! {
                biased;
                woken = push(writer, output), if !output.is_empty() || !flushed => woken,
                Some(done) = self.calls.join_next() => match done {
                    Ok((ticket, outcome)) => Woken::Done(ticket, outcome),
                    Err(cause) => Woken::Lost(cause),
                },
                event = self.events.recv() => Woken::Event(event),
                event = self.unseen.next(&self.caller.rights) => Woken::Seen(event),
                (id, news) = self.streams.next(&self.session) => Woken::Stream(id, news),
                // No more is taken than the client reads.
                news = self.forward.next(), if output.len() < READ => Woken::Forward(news),
                count = reader.read(&mut buffer), if self.session.wants_input() && !leaving => {
                    Woken::Read(count)
                }
                () = sleep_until(self.session.deadline()) => Woken::Late,
                _ = self.leaving.changed(), if !leaving => Woken::Leaving,
                () = sleep_until(Some(self.proof_due)), if is_waiting => return Err(Error::Unproved(PROOF.as_secs())),
            };
            match woken {
                Woken::Written(_) => flushed = false,
                Woken::Flushed(_) => flushed = true,
                _ => {}
            }
            if !self.wake(woken, &buffer)? {
                return Ok(());
            }
        }
    }

    /// False when the connection is at its end.
    fn wake(&mut self, woken: Woken, buffer: &[u8]) -> error::Result<bool> {
        match woken {
            Woken::Read(Ok(0) | Err(_))
            | Woken::Written(Ok(0) | Err(_))
            | Woken::Flushed(Err(_))
            | Woken::Event(Err(RecvError::Closed)) => return Ok(false),
            Woken::Lost(cause) => return Err(Error::Lost(cause)),
            Woken::Read(Ok(count)) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                self.session.receive(bytes, Instant::now());
            }
            Woken::Written(Ok(count)) => self.session.sent(count),
            Woken::Done(ticket, outcome) => {
                self.reply(ticket, outcome)?;
            }
            Woken::Event(Ok(Delivery::Event(event))) => {
                if let Some(event) = serve::event(&event) {
                    self.happened(event)?;
                }
            }
            // libvirt has no word for events that were lost: clients look at domains
            // again by themselves.
            Woken::Event(Ok(_) | Err(RecvError::Lagged(_)))
            | Woken::Flushed(Ok(()))
            | Woken::Leaving => {}
            Woken::Seen(event) => self.tell(&event)?,
            Woken::Stream(id, news) => self.streams.pass_on(&mut self.session, id, news)?,
            Woken::Forward(news) => {
                let call = self.forward.tell(&mut self.session, news)?;
                self.serve_here(call)?;
            }
            Woken::Late => self.session.tick(Instant::now())?,
        }
        Ok(true)
    }

    /// Ends what can be ended, and says goodbye when nothing is left to answer.
    fn leave(&mut self) -> Result<()> {
        self.streams.end_all(&mut self.session)?;
        if self.session.is_idle() && !self.told {
            self.told = true;
            self.session.send_closed(CLOSED)?;
        }
        Ok(())
    }

    fn reply(&mut self, ticket: Ticket, outcome: Outcome) -> Result<()> {
        if !self.session.is_authenticated() && self.caller.login.is_done() {
            self.session.authenticate();
            self.anonymous = None;
        }
        match outcome {
            Ok(Reply::Bytes(bytes)) => self.session.reply_bytes(ticket, Ok(&bytes)),
            Err(error) => self.session.reply_bytes(ticket, Err(&error)),
            Ok(Reply::Stream(bytes, joined)) => {
                let options = StreamOptions {
                    client_writes: true,
                    sparse: false,
                };
                let session = &mut self.session;
                let id = session.reply_bytes_with_stream(ticket, &bytes, options)?;
                self.streams.join(id, joined);
                Ok(())
            }
        }
    }

    fn happened(&mut self, event: DomainEvent) -> Result<()> {
        if !self.caller.rights.are_checked() {
            return self.tell(&event);
        }
        if self.session.wants_event(event.id(), &event.domain().uuid) {
            self.unseen.push(event);
        }
        Ok(())
    }

    fn tell(&mut self, event: &DomainEvent) -> Result<()> {
        self.session.send_event(event).map(|_| ())
    }

    fn take_requests(&mut self) -> Result<()> {
        while let Some(request) = self.session.next_request(Instant::now())? {
            match request {
                ServerRequest::Call(call) => {
                    let call = self.forward.call(&mut self.session, call)?;
                    self.serve_here(call)?;
                }
                ServerRequest::Stream(id, part) => {
                    if let Some(part) = self.forward.part(id, part) {
                        self.streams.take_part(&mut self.session, id, part)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Does a call that is no other daemon's.
    fn serve_here(&mut self, call: Option<ServerCall>) -> Result<()> {
        let Some(call) = call else {
            return Ok(());
        };
        // A change is a task of its own, which a first look here would push to another thread.
        let is_change = call.procedure().access == Access::Writes;
        let entry = self.caller.client.begin(&call);
        let answer = entry.scope(serve::serve(Arc::clone(&self.caller), call));
        let logged = async {
            let (ticket, outcome) = answer.await;
            entry.end(outcome.as_ref().map(|_| ()));
            (ticket, outcome)
        };
        let mut logged = Box::pin(logged);
        let at_once = match is_change {
            true => None,
            false => poll_once(logged.as_mut()),
        };
        match at_once {
            Some((ticket, outcome)) => self.reply(ticket, outcome),
            None => {
                self.calls.spawn(logged);
                Ok(())
            }
        }
    }
}

/// What a future comes to without waiting. Nobody is woken for it: who goes on with it asks
/// it again first.
fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Writes, or sees to it that what was written leaves.
async fn push(writer: &mut (impl AsyncWrite + Unpin), output: &[u8]) -> Woken {
    if output.is_empty() {
        return Woken::Flushed(writer.flush().await);
    }
    Woken::Written(writer.write(output).await)
}

/// Waits for ever without a deadline.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
