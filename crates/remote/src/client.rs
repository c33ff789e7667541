//! A connection to a daemon on which any call of the protocol is made, many at a
//! time. What calls mean is in the other files.

use crate::stream::{Incoming, Stream};
use crate::task::Task;
use crate::transport::Io;
use crate::{Error, Result};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use virtxen_driver::Event;
use virtxen_rpc::{Call, ClientSession, Keepalive, Serial, xdr};

/// Requests that wait for the connection's task.
const REQUESTS: usize = 64;
/// Events that wait for a slow listener before it has to look again.
const EVENTS: usize = 4096;

/// A connection. Clones share it; it ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    place: String,
    requests: mpsc::Sender<Request>,
    events: broadcast::WeakSender<Event>,
    lost: watch::Receiver<Option<String>>,
}

/// Makes a call on the session, and says which number it has.
type Start = Box<dyn FnOnce(&mut ClientSession) -> virtxen_rpc::Result<Started> + Send>;

/// What the connection's task is asked to do.
pub(crate) enum Request {
    /// Make a call.
    Call {
        /// Writes it.
        start: Start,
        /// Who waits for the reply.
        reply: oneshot::Sender<Result<Vec<u8>>>,
    },
    /// Send bytes on a stream.
    Send(Serial, Vec<u8>),
    /// Say that a stream is at its end.
    Finish(Serial),
    /// Give a stream up.
    Abort(Serial),
    /// Watch from now on whether the daemon is alive.
    KeepAlive,
}

/// A call that was made.
pub(crate) struct Started {
    pub(crate) serial: Serial,
    /// Where what comes on its stream goes.
    pub(crate) stream: Option<Incoming>,
}

impl Client {
    /// Begins a conversation on a transport.
    pub(crate) fn start(place: String, io: Box<dyn Io>) -> Self {
        let (requests, asked) = mpsc::channel(REQUESTS);
        let events = broadcast::Sender::new(EVENTS);
        let (tell_lost, lost) = watch::channel(None);
        let client = Self {
            place: place.clone(),
            requests,
            events: events.downgrade(),
            lost,
        };
        let session = ClientSession::new(Keepalive::default());
        let task = Task::new(place, session, asked, events, tell_lost);
        tokio::spawn(task.run(io));
        client
    }

    /// Makes a call and waits for its reply at most so long. Dropping the future gives
    /// up the wait, not the call.
    ///
    /// # Errors
    /// What the daemon says; [`Error::Timeout`]; [`Error::Lost`].
    pub async fn call<C: Call>(&self, arguments: C::Arguments, limit: Duration) -> Result<C::Reply>
    where
        C::Arguments: Send + 'static,
    {
        let start: Start = Box::new(move |session| {
            let serial = session.call::<C>(&arguments)?;
            let stream = None;
            Ok(Started { serial, stream })
        });
        let bytes = self.ask(start, C::PROCEDURE.name, limit).await?;
        Ok(xdr::from_bytes(&bytes)?)
    }

    /// Makes a call that starts a stream.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with_stream<C: Call>(
        &self,
        arguments: C::Arguments,
        limit: Duration,
    ) -> Result<(C::Reply, Stream)>
    where
        C::Arguments: Send + 'static,
    {
        let (give, stream) = oneshot::channel();
        let requests = self.requests.clone();
        let start: Start = Box::new(move |session| {
            let serial = session.call_with_stream::<C>(&arguments)?;
            let (stream, incoming) = Stream::new(serial, requests);
            // Who has given up the wait drops the stream, which ends it.
            let _ = give.send(stream);
            Ok(Started {
                serial,
                stream: Some(incoming),
            })
        });
        let bytes = self.ask(start, C::PROCEDURE.name, limit).await?;
        let stream = stream.await.map_err(|_| self.lost_error())?;
        Ok((xdr::from_bytes(&bytes)?, stream))
    }

    /// Events of domains from now on, as far as the daemon was asked for them.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(crate) fn events(&self) -> Result<broadcast::Receiver<Event>> {
        let events = self.events.upgrade();
        Ok(events.ok_or_else(|| self.lost_error())?.subscribe())
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.requests.is_closed()
    }

    /// Watches from now on whether the daemon is alive.
    pub(crate) async fn keep_alive(&self) {
        // One that is gone needs no watch.
        let _ = self.requests.send(Request::KeepAlive).await;
    }

    async fn ask(&self, start: Start, call: &'static str, limit: Duration) -> Result<Vec<u8>> {
        let (reply, answer) = oneshot::channel();
        let work = async {
            let request = Request::Call { start, reply };
            if self.requests.send(request).await.is_err() {
                return Err(self.lost_error());
            }
            answer.await.map_err(|_| self.lost_error())?
        };
        tokio::time::timeout(limit, work)
            .await
            .map_err(|_| self.timeout(call, limit))?
    }

    /// That the daemon has not answered to a call within its limit.
    pub(crate) fn timeout(&self, call: &'static str, limit: Duration) -> Error {
        Error::Timeout {
            place: self.place.clone(),
            call,
            limit,
        }
    }

    fn lost_error(&self) -> Error {
        let reason = self.lost.borrow().clone();
        Error::Lost {
            place: self.place.clone(),
            reason: reason.unwrap_or_else(|| "it has ended".to_owned()),
        }
    }
}
