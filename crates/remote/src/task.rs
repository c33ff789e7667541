//! The task of a connection: bytes between the transport and the session, calls and
//! their replies, streams, events. One task owns a connection; others ask it.

use crate::client::{Request, Started};
use crate::stream::Incoming;
use crate::transport::Io;
use crate::{Error, Result, wire};
use std::collections::BTreeMap;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use virtxen_driver::Event;
use virtxen_rpc::{ClientEvent, ClientSession, Serial, StreamEvent};

/// Bytes that are read at once.
const READ: usize = 64 << 10;
/// Bytes that may wait for the daemon before no more calls are taken.
const WAITING: usize = 1 << 20;

/// A connection and who waits for what on it.
pub(crate) struct Task {
    pub(crate) place: String,
    pub(crate) session: ClientSession,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) lost: watch::Sender<Option<String>>,
    calls: BTreeMap<Serial, oneshot::Sender<Result<Vec<u8>>>>,
    streams: BTreeMap<Serial, Incoming>,
}

impl Task {
    pub(crate) fn new(
        place: String,
        session: ClientSession,
        requests: mpsc::Receiver<Request>,
        events: broadcast::Sender<Event>,
        lost: watch::Sender<Option<String>>,
    ) -> Self {
        Self {
            place,
            session,
            requests,
            events,
            lost,
            calls: BTreeMap::new(),
            streams: BTreeMap::new(),
        }
    }

    /// Carries bytes until either side ends; then everybody who waits is told why.
    pub(crate) async fn run(mut self, io: Box<dyn Io>) {
        let (reader, writer) = tokio::io::split(io);
        let reason = match self.carry(reader, writer).await {
            Ok(()) => return,
            Err(reason) => reason,
        };
        self.lost.send_replace(Some(reason.clone()));
        self.requests.close();
        let place = self.place;
        let lost = || {
            let (place, reason) = (place.clone(), reason.clone());
            Error::Lost { place, reason }
        };
        for (_, reply) in std::mem::take(&mut self.calls) {
            // Who has gone away needs no reply.
            let _ = reply.send(Err(lost()));
        }
        for (_, stream) in std::mem::take(&mut self.streams) {
            stream.lose(lost());
        }
    }

    /// Ends well when nobody wants to ask any more, and with the reason when the
    /// connection does not go on.
    async fn carry(
        &mut self,
        mut reader: ReadHalf<Box<dyn Io>>,
        mut writer: WriteHalf<Box<dyn Io>>,
    ) -> std::result::Result<(), String> {
        let mut buffer = vec![0; READ];
        loop {
            while let Some(event) = self.session.next_event().map_err(|e| e.to_string())? {
                self.take(event);
            }
            let output = self.session.output();
            let (room, deadline) = (output.len() < WAITING, self.session.deadline());
            // A stream whose reader is slow holds the daemon back, and nothing is lost.
            let wants = self.streams.values().all(Incoming::has_room);
            tokio::select! {
                count = writer.write(output), if !output.is_empty() => match count {
                    Ok(0) => return Err("it takes nothing more".to_owned()),
                    Ok(count) => self.session.sent(count),
                    Err(error) => return Err(error.to_string()),
                },
                count = reader.read(&mut buffer), if wants => match count {
                    Ok(0) => return Err("the daemon ended it".to_owned()),
                    Ok(count) => {
                        let bytes = buffer.get(..count).unwrap_or_default();
                        self.session.receive(bytes, Instant::now());
                    }
                    Err(error) => return Err(error.to_string()),
                },
                request = self.requests.recv(), if room => match request {
                    Some(request) => self.start(request).map_err(|error| error.to_string())?,
                    None => return Ok(()),
                },
                () = room_in(&self.streams), if !wants => {}
                () = sleep_until(deadline) => {
                    self.session.tick(Instant::now()).map_err(|error| error.to_string())?;
                }
            }
        }
    }

    fn start(&mut self, request: Request) -> virtxen_rpc::Result<()> {
        match request {
            Request::Call { start, reply } => match start(&mut self.session) {
                Ok(Started { serial, stream }) => {
                    self.calls.insert(serial, reply);
                    if let Some(incoming) = stream {
                        self.streams.insert(serial, incoming);
                    }
                }
                Err(error) => {
                    let _ = reply.send(Err(error.into()));
                }
            },
            Request::Send(stream, bytes) => self.session.send_stream(stream, &bytes)?,
            Request::Finish(stream) => self.session.finish_stream(stream)?,
            Request::Abort(stream) => {
                self.streams.remove(&stream);
                self.session.abort_stream(stream)?;
            }
            Request::KeepAlive => self.session.start_keepalive(Instant::now()),
        }
        Ok(())
    }

    fn take(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Reply(serial, outcome) => {
                if outcome.is_err() {
                    self.streams.remove(&serial);
                }
                if let Some(reply) = self.calls.remove(&serial) {
                    let _ = reply.send(outcome.map_err(Error::from));
                }
            }
            ClientEvent::Domain(_, event) => {
                if let Some(event) = wire::event(&event) {
                    let _ = self.events.send(event);
                }
            }
            ClientEvent::Stream(serial, event) => {
                let over = matches!(event, StreamEvent::Finished | StreamEvent::Failed(_));
                if let Some(stream) = self.streams.get(&serial) {
                    stream.give(event);
                }
                if over {
                    self.streams.remove(&serial);
                }
            }
            // Objects that Xen does not have.
            _ => {}
        }
    }
}

/// Waits until a reader has taken something.
async fn room_in(streams: &BTreeMap<Serial, Incoming>) {
    let full = streams.values().find(|stream| !stream.has_room());
    match full {
        Some(stream) => stream.room().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
