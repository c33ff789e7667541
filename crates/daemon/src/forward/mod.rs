//! Calls about networks, storage, devices, interfaces, secrets and filters: libvirt's
//! other daemons have those, and are asked over connections that each client has for
//! itself, as who it is.
//!
//! Here is what a client's connection has to do with it; the conversation with such a
//! daemon is in `secondary`. What is answered without it is in `serve::absent`.

mod callbacks;
mod question;
mod secondary;
#[cfg(test)]
mod tests;

use crate::auth::Login;
use crate::calls::Client;
use callbacks::Callbacks;
use secondary::{News, Order, Place};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use virtxen_rpc::calls::{StorageVolDownload, StorageVolUpload};
use virtxen_rpc::packet::STREAM_PAYLOAD;
use virtxen_rpc::server::{ServerCall, ServerSession, StreamId, StreamOptions, StreamPart, Ticket};
use virtxen_rpc::{Call, Group, Keepalive, RemoteError, Result, Serial, StreamEvent};

pub(crate) use question::Question;
pub(crate) use secondary::News as ForwardNews;

/// Parts of answers that wait for a client that does not read.
const WAITING: usize = 4;

/// Where the other daemons are, and how long they are waited for.
#[derive(Clone, Debug)]
pub(crate) struct Others {
    /// The folder of their sockets; none when nobody is asked.
    pub(crate) folder: Option<PathBuf>,
    /// How long opening a connection may take.
    pub(crate) opening: Duration,
    /// How long a call may take that needs no long work. The others may take as long
    /// as the daemon gives signs of life.
    pub(crate) quick: Duration,
    /// Signs of life.
    pub(crate) keepalive: Keepalive,
}

impl Others {
    /// The daemons with their sockets in `folder`.
    pub(crate) fn new(folder: Option<PathBuf>, keepalive: Keepalive) -> Self {
        Self {
            folder,
            opening: Duration::from_secs(10),
            quick: Duration::from_secs(30),
            keepalive,
        }
    }
}

/// What one client has to do with other daemons.
pub(crate) struct Forward {
    others: Arc<Others>,
    login: Arc<Login>,
    client: Client,
    /// Connections that were opened, by what they are for.
    links: HashMap<Group, mpsc::UnboundedSender<Order>>,
    tasks: JoinSet<()>,
    tell: mpsc::Sender<(Group, News)>,
    news: mpsc::Receiver<(Group, News)>,
    callbacks: Callbacks,
    /// Streams of the client that go to other daemons.
    streams: BTreeMap<StreamId, Stream>,
}

/// Where a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stream {
    group: Group,
    serial: Serial,
}

/// What the reply to a call means to the client's connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Errand {
    /// Nothing.
    Plain,
    /// It starts a stream.
    Stream(StreamOptions),
    /// It is the number of a callback.
    Register,
    /// The callback of our number, which is theirs at the other daemon, is gone.
    Deregister { ours: i32, theirs: i32 },
}

impl Forward {
    pub(crate) fn new(others: Arc<Others>, login: Arc<Login>, client: Client) -> Self {
        let (tell, news) = mpsc::channel(WAITING);
        Self {
            others,
            login,
            client,
            links: HashMap::new(),
            tasks: JoinSet::new(),
            tell,
            news,
            callbacks: Callbacks::default(),
            streams: BTreeMap::new(),
        }
    }

    /// Passes a call on, if it belongs to another daemon. A call that comes back is to
    /// be done here.
    ///
    /// # Errors
    /// When no answer can be written.
    pub(crate) fn call(
        &mut self,
        session: &mut ServerSession,
        call: ServerCall,
    ) -> Result<Option<ServerCall>> {
        let group = call.procedure().group;
        if group.scheme().is_none() {
            return Ok(Some(call));
        }
        let errand = match self.errand(&call) {
            Ok(errand) => errand,
            Err(error) => {
                session.reply_bytes(call.into_ticket(), Err(&error))?;
                return Ok(None);
            }
        };
        match (
            errand,
            Place::of(&self.others, group, session.is_read_only()),
        ) {
            (None, _) => {
                session.reply_bytes(call.into_ticket(), Ok(&[]))?;
                Ok(None)
            }
            (Some(_), None) => self.do_without(session, call),
            (Some(errand), Some(place)) => {
                let entry = self.client.begin(&call);
                self.order(place, Order::Call(call, errand, entry));
                Ok(None)
            }
        }
    }

    /// What the call is for; none when it is done already.
    fn errand(&mut self, call: &ServerCall) -> std::result::Result<Option<Errand>, RemoteError> {
        let number = call.procedure().number;
        Ok(Some(match number {
            _ if Callbacks::registers(number) => Errand::Register,
            _ if Callbacks::deregisters(number) => {
                let group = call.procedure().group;
                match self.callbacks.find(group, call.payload())? {
                    (ours, Some(theirs)) => Errand::Deregister { ours, theirs },
                    (ours, None) => {
                        self.callbacks.remove(ours);
                        return Ok(None);
                    }
                }
            }
            _ if number == StorageVolUpload::PROCEDURE.number => {
                let flags = call.arguments::<StorageVolUpload>()?.flags;
                Errand::Stream(stream(true, flags))
            }
            _ if number == StorageVolDownload::PROCEDURE.number => {
                let flags = call.arguments::<StorageVolDownload>()?.flags;
                Errand::Stream(stream(false, flags))
            }
            _ => Errand::Plain,
        }))
    }

    /// Hands an order to the connection for its group, which is made at the first one.
    fn order(&mut self, place: Place, order: Order) {
        let group = place.group;
        let mut order = order;
        if let Some(link) = self.links.get(&group) {
            match link.send(order) {
                Ok(()) => return,
                Err(refused) => order = refused.0,
            }
        }
        let (link, orders) = mpsc::unbounded_channel();
        // It has just been made: there is somebody to take it.
        let _ = link.send(order);
        self.links.insert(group, link);
        while self.tasks.try_join_next().is_some() {}
        let (tell, login) = (self.tell.clone(), Arc::clone(&self.login));
        self.tasks.spawn(secondary::run(place, login, orders, tell));
    }

    /// What comes next from other daemons. Ask for it when the client has room.
    pub(crate) async fn next(&mut self) -> (Group, News) {
        match self.news.recv().await {
            Some(news) => news,
            // Never: we have a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// Tells the client what came. A call that comes back is to be done here.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(crate) fn tell(
        &mut self,
        session: &mut ServerSession,
        (group, news): (Group, News),
    ) -> Result<Option<ServerCall>> {
        match news {
            News::Absent(call) => return self.do_without(session, call),
            News::Reply(ticket, Err(error)) => session.reply_bytes(ticket, Err(&error))?,
            News::Reply(ticket, Ok((errand, serial, bytes))) => {
                let origin = Stream { group, serial };
                self.reply(session, ticket, origin, errand, &bytes)?;
            }
            News::Event {
                procedure,
                callback,
                rest,
            } => {
                if let Some(ours) = self.callbacks.ours(group, callback) {
                    session.send_foreign_event(procedure, ours, &rest)?;
                }
            }
            News::Stream(serial, event) => {
                if let Some(id) = self.stream(Stream { group, serial }) {
                    self.pass_on(session, id, event)?;
                }
            }
            News::Used(serial) => {
                if let Some(id) = self.stream(Stream { group, serial }) {
                    session.stream_used(id);
                }
            }
            News::Lost(error) => {
                self.callbacks.lose(group);
                let (lost, kept) = std::mem::take(&mut self.streams)
                    .into_iter()
                    .partition(|(_, stream)| stream.group == group);
                self.streams = kept;
                let lost: BTreeMap<StreamId, Stream> = lost;
                for id in lost.into_keys() {
                    session.fail_stream(id, &error)?;
                }
            }
        }
        Ok(None)
    }

    /// Passes a part of a stream on. A part that comes back is of another stream.
    pub(crate) fn part(&mut self, id: StreamId, part: StreamPart) -> Option<StreamPart> {
        let Some(Stream { group, serial }) = self.streams.get(&id).copied() else {
            return Some(part);
        };
        if part == StreamPart::Abort {
            self.streams.remove(&id);
        }
        if let Some(link) = self.links.get(&group) {
            // When it is gone, news of that is on the way.
            let _ = link.send(Order::Part(serial, part));
        }
        None
    }

    /// What becomes of a call when there is nobody to pass it on to.
    fn do_without(
        &mut self,
        session: &mut ServerSession,
        call: ServerCall,
    ) -> Result<Option<ServerCall>> {
        if !Callbacks::registers(call.procedure().number) {
            return Ok(Some(call));
        }
        let registered = callbacks::check(&call)
            .and_then(|()| self.callbacks.add(session, call.procedure().group, None));
        answer(session, call.into_ticket(), registered)?;
        Ok(None)
    }

    fn reply(
        &mut self,
        session: &mut ServerSession,
        ticket: Ticket,
        origin: Stream,
        errand: Errand,
        bytes: &[u8],
    ) -> Result<()> {
        match errand {
            Errand::Plain => session.reply_bytes(ticket, Ok(bytes)),
            Errand::Deregister { ours, .. } => {
                self.callbacks.remove(ours);
                session.reply_bytes(ticket, Ok(bytes))
            }
            Errand::Register => {
                let theirs = virtxen_rpc::xdr::from_bytes(bytes).map_err(RemoteError::from);
                let registered = theirs
                    .and_then(|theirs| self.callbacks.add(session, origin.group, Some(theirs)));
                answer(session, ticket, registered)
            }
            Errand::Stream(options) => {
                let id = session.reply_bytes_with_stream(ticket, bytes, options)?;
                if let Some(old) = self.streams.insert(id, origin)
                    && let Some(link) = self.links.get(&old.group)
                {
                    // The client has used its number for another one.
                    let _ = link.send(Order::Part(old.serial, StreamPart::Abort));
                }
                Ok(())
            }
        }
    }

    fn pass_on(
        &mut self,
        session: &mut ServerSession,
        id: StreamId,
        event: StreamEvent,
    ) -> Result<()> {
        match event {
            StreamEvent::Data(bytes) => bytes
                .chunks(STREAM_PAYLOAD)
                .try_for_each(|part| session.send_stream(id, part)),
            StreamEvent::Hole(length) => session.send_hole(id, length),
            StreamEvent::End => session.send_stream(id, &[]),
            StreamEvent::Finished => {
                self.streams.remove(&id);
                session.finish_stream(id, Ok(()))
            }
            StreamEvent::Failed(error) => {
                self.streams.remove(&id);
                session.fail_stream(id, &error)
            }
        }
    }

    fn stream(&self, stream: Stream) -> Option<StreamId> {
        let mut streams = self.streams.iter();
        streams.find_map(|(id, other)| (*other == stream).then_some(*id))
    }
}

fn stream(client_writes: bool, flags: u32) -> StreamOptions {
    StreamOptions {
        client_writes,
        sparse: flags & 1 != 0,
    }
}

fn answer(
    session: &mut ServerSession,
    ticket: Ticket,
    number: std::result::Result<i32, RemoteError>,
) -> Result<()> {
    match number {
        Ok(number) => session.reply_bytes(ticket, Ok(&number.to_be_bytes())),
        Err(error) => session.reply_bytes(ticket, Err(&error)),
    }
}
