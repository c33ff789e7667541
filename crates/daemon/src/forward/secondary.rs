//! A connection to another of libvirt's daemons, for one client: opened as that
//! client, calls and parts of streams to it, replies and events back.
//!
//! Bytes are passed on as they are. What they mean to the client's own connection is
//! in `forward`.

use super::{Errand, Others};
use crate::auth::Login;
use crate::calls::Entry;
use crate::identity;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use virtxen_rpc::calls::{
    AuthList, AuthPolkit, ConnectOpen, ConnectSetIdentity, ConnectSupportsFeature,
    IdentityArguments, OpenArguments,
};
use virtxen_rpc::server::{ServerCall, StreamPart, Ticket};
use virtxen_rpc::xdr::{List, from_bytes};
use virtxen_rpc::{
    Call, ClientEvent, ClientSession, Group, Priority, Procedure, RemoteError, Serial, StreamEvent,
    code,
};

/// Bytes that are read at once.
const READ: usize = 64 << 10;
/// `VIR_DRV_FEATURE_PROGRAM_KEEPALIVE`.
const KEEPALIVE: i32 = 10;
/// `REMOTE_AUTH_NONE` and `REMOTE_AUTH_POLKIT`.
const AUTH_NONE: i32 = 0;
const AUTH_POLKIT: i32 = 2;

/// A daemon and how it is reached.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) group: Group,
    read_only: bool,
    daemon: String,
    scheme: &'static str,
    socket: PathBuf,
    others: Arc<Others>,
}

/// Something for the daemon.
#[derive(Debug)]
pub(super) enum Order {
    Call(ServerCall, Errand, Entry),
    /// Of the stream that the call of this number started.
    Part(Serial, StreamPart),
}

/// Something from the daemon.
#[derive(Debug)]
pub(crate) enum News {
    /// There is no such daemon.
    Absent(ServerCall),
    /// A reply: what it means, the number of the call, and its bytes.
    Reply(Ticket, Result<(Errand, Serial, Vec<u8>)>),
    /// An event: its message behind their number of the callback.
    Event {
        procedure: i32,
        callback: i32,
        rest: Vec<u8>,
    },
    /// Something on a stream.
    Stream(Serial, StreamEvent),
    /// A part of a stream has gone to the daemon.
    Used(Serial),
    /// The connection is gone, and with it its streams and callbacks.
    Lost(RemoteError),
}

type Result<T> = std::result::Result<T, RemoteError>;
type Tell = mpsc::Sender<(Group, News)>;

impl Place {
    /// Where calls of a group are passed on to; none when they are not.
    pub(super) fn of(others: &Arc<Others>, group: Group, read_only: bool) -> Option<Self> {
        let (folder, scheme) = (others.folder.as_ref()?, group.scheme()?);
        let daemon = format!("virt{scheme}d");
        let suffix = if read_only { "-ro" } else { "" };
        Some(Self {
            group,
            read_only,
            socket: folder.join(format!("{daemon}-sock{suffix}")),
            daemon,
            scheme,
            others: Arc::clone(others),
        })
    }

    /// The daemon is there, but something is wrong with it. The codes are none by
    /// which clients believe that their own connection is lost.
    fn error(&self, code: i32, what: &str) -> RemoteError {
        let Self { daemon, socket, .. } = self;
        let message = format!("{daemon} ({}): {what}", socket.display());
        RemoteError::new(code, self.group.origin(), message)
    }

    fn broken(&self, what: &str) -> RemoteError {
        self.error(code::SYSTEM_ERROR, what)
    }

    pub(super) fn late(&self, what: &str, limit: Duration) -> RemoteError {
        let message = format!("{what} did not answer within {} s", limit.as_secs());
        self.error(code::OPERATION_TIMEOUT, &message)
    }
}

/// Why a connection was not opened.
pub(super) enum NotOpen {
    Absent,
    Failed(RemoteError),
}

impl From<RemoteError> for NotOpen {
    fn from(error: RemoteError) -> Self {
        Self::Failed(error)
    }
}

/// Opens a connection and serves orders until the client is gone or the daemon is.
pub(super) async fn run(
    place: Place,
    login: Arc<Login>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    tell: Tell,
) {
    let group = place.group;
    let limit = place.others.opening;
    let opened = tokio::time::timeout(limit, Secondary::open(&place, &login)).await;
    let opened = opened.unwrap_or_else(|_| Err(place.late("opening a connection", limit).into()));
    let end = match opened {
        Ok(mut secondary) => match secondary.serve(&mut orders, &tell).await {
            Ok(()) => return,
            Err(error) => {
                for waiting in std::mem::take(&mut secondary.waiting).into_values() {
                    let _ = tell.send((group, waiting.fail(error.clone()))).await;
                }
                let _ = tell.send((group, News::Lost(error.clone()))).await;
                NotOpen::Failed(error)
            }
        },
        Err(end) => end,
    };
    // Who has more to ask opens another connection.
    orders.close();
    while let Some(order) = orders.recv().await {
        let news = match (order, &end) {
            (Order::Call(call, _, entry), NotOpen::Absent) => {
                entry.forget();
                News::Absent(call)
            }
            (Order::Call(call, _, entry), NotOpen::Failed(error)) => {
                entry.end(Err(error));
                News::Reply(call.into_ticket(), Err(error.clone()))
            }
            // Its stream has ended with the connection.
            (Order::Part(..), _) => continue,
        };
        let _ = tell.send((group, news)).await;
    }
}

/// An open connection.
pub(super) struct Secondary {
    place: Place,
    session: ClientSession,
    stream: UnixStream,
    buffer: Vec<u8>,
    waiting: BTreeMap<Serial, Waiting>,
    /// Streams with a part that has not been written yet, once for each part.
    unwritten: Vec<Serial>,
    /// Whether the daemon gives signs of life.
    alive: bool,
}

/// A call without a reply.
struct Waiting {
    ticket: Ticket,
    errand: Errand,
    entry: Entry,
    procedure: &'static Procedure,
    deadline: Option<Instant>,
}

impl Waiting {
    fn fail(self, error: RemoteError) -> News {
        self.entry.end(Err(&error));
        News::Reply(self.ticket, Err(error))
    }
}

impl Secondary {
    pub(super) async fn open(place: &Place, login: &Login) -> std::result::Result<Self, NotOpen> {
        let stream = match UnixStream::connect(&place.socket).await {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(NotOpen::Absent),
            Err(error) => return Err(place.broken(&format!("cannot connect: {error}")).into()),
        };
        let mut secondary = Self {
            place: place.clone(),
            session: ClientSession::new(place.others.keepalive),
            stream,
            buffer: vec![0; READ],
            waiting: BTreeMap::new(),
            unwritten: Vec::new(),
            alive: false,
        };
        secondary.authenticate().await?;
        let alive = secondary.ask::<ConnectSupportsFeature>(&KEEPALIVE).await;
        secondary.alive = alive == Ok(1);
        secondary
            .ask::<ConnectOpen>(&OpenArguments {
                name: Some(format!("{}:///system", place.scheme)),
                flags: u32::from(place.read_only),
            })
            .await?;
        // Without it the daemon would do for the client whatever we may do.
        secondary
            .ask::<ConnectSetIdentity>(&IdentityArguments {
                params: List(identity::parameters(login)),
                flags: 0,
            })
            .await?;
        if secondary.alive {
            secondary.session.start_keepalive(now());
        }
        Ok(secondary)
    }

    async fn authenticate(&mut self) -> Result<()> {
        let ways = self.ask::<AuthList>(&()).await?;
        if ways.is_empty() || ways.contains(&AUTH_NONE) {
            return Ok(());
        }
        if ways.contains(&AUTH_POLKIT) {
            return self.ask::<AuthPolkit>(&()).await.map(drop);
        }
        Err(self
            .place
            .broken("it wants a proof that virtxend cannot give"))
    }

    /// A call before the client's.
    pub(super) async fn ask<C: Call>(&mut self, arguments: &C::Arguments) -> Result<C::Reply> {
        let asked = self.session.call::<C>(arguments)?;
        loop {
            while let Some(event) = self.session.next_event()? {
                if let ClientEvent::Reply(serial, reply) = event
                    && serial == asked
                {
                    return Ok(from_bytes(&reply?)?);
                }
            }
            self.exchange().await?;
        }
    }

    /// Writes what there is to say, or reads.
    async fn exchange(&mut self) -> Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        let output = self.session.output();
        tokio::select! {
            count = writer.write(output), if !output.is_empty() => match count {
                Ok(count) => self.session.sent(count),
                Err(error) => return Err(self.place.broken(&error.to_string())),
            },
            count = reader.read(&mut self.buffer) => match count {
                Ok(0) => return Err(self.place.broken("it closed the connection")),
                Ok(count) => {
                    let bytes = self.buffer.get(..count).unwrap_or_default();
                    self.session.receive(bytes, now());
                }
                Err(error) => return Err(self.place.broken(&error.to_string())),
            }
        }
        Ok(())
    }

    /// Ends well when the client is gone.
    async fn serve(
        &mut self,
        orders: &mut mpsc::UnboundedReceiver<Order>,
        tell: &Tell,
    ) -> Result<()> {
        let group = self.place.group;
        loop {
            while let Some(event) = self.next_event()? {
                if let Some(news) = self.news(event) {
                    // The client takes no more than it reads: so do we.
                    let _ = tell.send((group, news)).await;
                }
            }
            if self.session.output().is_empty() {
                for serial in std::mem::take(&mut self.unwritten) {
                    let _ = tell.send((group, News::Used(serial))).await;
                }
            }
            let deadline = self.deadline();
            // What has come is looked at before it is called late.
            tokio::select! {
                biased;
                exchanged = self.exchange() => exchanged?,
                order = orders.recv() => match order {
                    Some(order) => self.take(order, tell).await?,
                    None => return Ok(()),
                },
                () = sleep_until(deadline) => self.tick(tell).await?,
            }
        }
    }

    fn next_event(&mut self) -> Result<Option<ClientEvent>> {
        let event = self.session.next_event();
        event.map_err(|error| self.place.broken(&error.to_string()))
    }

    fn news(&mut self, event: ClientEvent) -> Option<News> {
        match event {
            ClientEvent::Reply(serial, reply) => {
                // It may have been given up.
                let waiting = self.waiting.remove(&serial)?;
                let bytes = match reply {
                    Ok(bytes) => bytes,
                    Err(error) => return Some(waiting.fail(error)),
                };
                waiting.entry.end(Ok(()));
                let reply = Ok((waiting.errand, serial, bytes));
                Some(News::Reply(waiting.ticket, reply))
            }
            ClientEvent::Message(procedure, message) => {
                let (callback, rest) = message.split_first_chunk()?;
                Some(News::Event {
                    procedure,
                    callback: i32::from_be_bytes(*callback),
                    rest: rest.to_vec(),
                })
            }
            ClientEvent::Stream(serial, event) => Some(News::Stream(serial, event)),
            _ => None,
        }
    }

    async fn take(&mut self, order: Order, tell: &Tell) -> Result<()> {
        match order {
            Order::Call(call, errand, entry) => self.call(call, errand, entry, tell).await,
            Order::Part(serial, part) => Ok(self.part(serial, part)?),
        }
    }

    async fn call(
        &mut self,
        call: ServerCall,
        errand: Errand,
        entry: Entry,
        tell: &Tell,
    ) -> Result<()> {
        let procedure = call.procedure();
        let number = procedure.number;
        let asked = match errand {
            Errand::Stream(_) => self.session.call_bytes_with_stream(number, call.payload()),
            Errand::Deregister { theirs, .. } => {
                self.session.call_bytes(number, &theirs.to_be_bytes())
            }
            Errand::Plain | Errand::Register => self.session.call_bytes(number, call.payload()),
        };
        let ticket = call.into_ticket();
        match asked {
            Ok(serial) => {
                let quick = procedure.priority == Priority::High || !self.alive;
                let deadline = now().checked_add(self.place.others.quick);
                let waiting = Waiting {
                    ticket,
                    errand,
                    entry,
                    procedure,
                    deadline: deadline.filter(|_| quick),
                };
                self.waiting.insert(serial, waiting);
            }
            Err(error) => {
                let error = error.into();
                entry.end(Err(&error));
                let news = News::Reply(ticket, Err(error));
                let _ = tell.send((self.place.group, news)).await;
            }
        }
        Ok(())
    }

    fn part(&mut self, serial: Serial, part: StreamPart) -> virtxen_rpc::Result<()> {
        match part {
            StreamPart::Data(bytes) => {
                self.unwritten.push(serial);
                self.session.send_stream(serial, &bytes)
            }
            StreamPart::Hole(length) => {
                self.unwritten.push(serial);
                self.session.send_hole(serial, length)
            }
            StreamPart::Finish => self.session.finish_stream(serial),
            StreamPart::Abort => self.session.abort_stream(serial),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let calls = self.waiting.values().filter_map(|call| call.deadline);
        calls.chain(self.session.deadline()).min()
    }

    /// Gives up calls that take too long, and the daemon when it is silent for too
    /// long.
    async fn tick(&mut self, tell: &Tell) -> Result<()> {
        let now = now();
        if let Err(error) = self.session.tick(now) {
            let message = error.to_string();
            return Err(self.place.error(code::OPERATION_TIMEOUT, &message));
        }
        let is_late = |call: &Waiting| call.deadline.is_some_and(|deadline| deadline <= now);
        let (late, waiting): (BTreeMap<_, _>, _) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(_, call)| is_late(call));
        self.waiting = waiting;
        for call in late.into_values() {
            let error = self
                .place
                .late(call.procedure.name, self.place.others.quick);
            let _ = tell.send((self.place.group, call.fail(error))).await;
        }
        Ok(())
    }
}

/// The runtime's time, which tests can turn.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Waits for ever without a deadline.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
