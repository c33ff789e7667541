//! The xenstored as others see it: connections that carry its packets.
//! What the packets ask for is in `request`.

use super::client::Client;
use super::event::Event;
use super::request::Store;
use super::tree::{self, Nodes, Rights, Tree};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::{Notify, mpsc};
use virtxen_xenstore::wire::{self, HEADER, Kind, MESSAGES, PAYLOAD_MAX, Packet};

/// Packets that wait for a client: who lets more of them wait loses its connection.
const QUEUE: usize = 1 << 16;

/// A xenstored. Clones are the same one.
#[derive(Clone, Debug)]
pub struct SimXenstore {
    store: Arc<Mutex<Store>>,
    next_client: Arc<AtomicU64>,
    behind: Arc<OnceLock<Box<dyn Behind>>>,
}

/// The host behind a store: it writes what is asked for before it is read, and
/// sees what is written.
pub(crate) trait Behind: std::fmt::Debug + Send + Sync {
    /// Somebody connected, inside a tokio runtime.
    fn connected(&self);
    /// A node is about to be read or changed.
    fn asked(&self, path: &str);
    /// Nodes have been changed or removed by a client.
    fn changed(&self, events: &[Event]);
}

impl SimXenstore {
    /// The xenstored of this Xen release (major, minor), which knows the
    /// messages of that release.
    #[must_use]
    pub fn new(release: (u32, u32)) -> Self {
        let known = MESSAGES.iter().take_while(|(_, _, since)| {
            let mut numbers = since.split('.').map(|part| part.parse().unwrap_or(0));
            let since = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
            since <= release
        });
        let newest = known
            .last()
            .map_or(Kind::IsDomainIntroduced, |(kind, ..)| *kind);
        let store = Store {
            tree: Tree::new(),
            clients: HashMap::new(),
            introduced: BTreeSet::new(),
            newest,
            release,
        };
        Self {
            store: Arc::new(Mutex::new(store)),
            next_client: Arc::default(),
            behind: Arc::default(),
        }
    }

    /// Puts a host behind the store; the first stays.
    pub(crate) fn set_behind(&self, behind: Box<dyn Behind>) {
        drop(self.behind.set(behind));
    }

    /// A new connection of Domain-0. Has to be called inside a tokio runtime.
    #[must_use]
    pub fn connect(&self) -> DuplexStream {
        self.connect_as(0)
    }

    /// A new connection of a domain, as over its shared ring.
    #[must_use]
    pub fn connect_as(&self, domid: u32) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = self.clone();
        tokio::spawn(async move {
            // The client closing its end is how a connection ends.
            let _ = server.serve(far, domid).await;
        });
        near
    }

    /// Serves connections of Domain-0 on a UNIX socket until dropped, then removes
    /// the socket. A socket that nobody serves any more is replaced.
    ///
    /// # Errors
    /// When the socket cannot be made, above all when somebody serves it.
    pub async fn serve_unix(&self, path: &Path) -> io::Result<Infallible> {
        let socket = crate::socket::listen(path).await?;
        loop {
            let stream = socket.accept().await;
            let server = self.clone();
            tokio::spawn(async move {
                let _ = server.serve(stream, 0).await;
            });
        }
    }

    /// Writes a node as Domain-0 does.
    pub fn write(&self, path: &str, value: &str) {
        let mut store = self.lock();
        tree::make(&mut store.tree, path, 0);
        if let Some(mut node) = store.tree.node(path) {
            node.value = value.as_bytes().to_vec();
            store.tree.put(path, node);
        }
        store.tell(&[Event::changed(path)]);
    }

    /// Removes a node and all below it as Domain-0 does.
    pub fn remove(&self, path: &str) {
        let mut store = self.lock();
        let gone = tree::remove(&mut store.tree, path);
        let events: Vec<Event> = Event::removal(gone).collect();
        store.tell(&events);
    }

    /// A domain was made: who watches `@introduceDomain` is told.
    pub fn introduce(&self, domid: u32) {
        let mut store = self.lock();
        store.introduced.insert(domid);
        store.tell(&[Event::changed("@introduceDomain")]);
    }

    /// A domain is gone or dying: who watches `@releaseDomain` is told.
    pub fn release(&self, domid: u32) {
        let mut store = self.lock();
        store.introduced.remove(&domid);
        store.tell(&[Event::changed("@releaseDomain")]);
    }

    /// Writes nodes with their rights and removes others, with all below them; who
    /// watches them is told when `tell` is set.
    pub(crate) fn apply(&self, put: &[Put<'_>], removed: &[&str], tell: bool) {
        let mut store = self.lock();
        for path in removed {
            let gone = tree::remove(&mut store.tree, path);
            if tell {
                let events: Vec<Event> = Event::removal(gone).collect();
                store.tell(&events);
            }
        }
        for (path, value, permissions) in put {
            if store.tree.set(path, value.as_bytes(), permissions) && tell {
                store.tell(&[Event::changed(path)]);
            }
        }
    }

    /// Makes room for this many nodes more.
    pub(crate) fn reserve(&self, more: usize) {
        self.lock().tree.reserve(more);
    }

    /// A domain has shut down and is still there: who watches `@releaseDomain` is
    /// told.
    pub(crate) fn shut_down(&self) {
        let mut store = self.lock();
        store.tell(&[Event::changed("@releaseDomain")]);
    }

    /// A domain was made before anybody could watch.
    pub(crate) fn introduce_silently(&self, domid: u32) {
        self.lock().introduced.insert(domid);
    }

    /// The text of a node.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        self.ask_behind(path);
        self.text_of(path)
    }

    /// The text of a node as it has been written.
    pub(crate) fn text_of(&self, path: &str) -> Option<String> {
        let node = self.lock().tree.node(path)?;
        Some(String::from_utf8_lossy(&node.value).into_owned())
    }

    fn ask_behind(&self, path: &str) {
        if let Some(behind) = self.behind.get() {
            behind.asked(path);
        }
    }

    /// Serves one packet, between the host's two looks at it.
    fn serve_packet(&self, id: u64, domid: u32, packet: &Packet) {
        let Some(behind) = self.behind.get() else {
            self.lock().serve(id, packet);
            return;
        };
        if names_node(packet.kind)
            && let Some(path) = wire::texts(&packet.payload).next()
            && let Ok(path) = std::str::from_utf8(path)
        {
            if path.starts_with('/') {
                behind.asked(path);
            } else {
                behind.asked(&format!("/local/domain/{domid}/{path}"));
            }
        }
        let changed = self.lock().serve(id, packet);
        if !changed.is_empty() {
            behind.changed(&changed);
        }
    }

    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        domid: u32,
    ) -> io::Result<()> {
        if let Some(behind) = self.behind.get() {
            behind.connected();
        }
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (outgoing, mut queue) = mpsc::channel::<Packet>(QUEUE);
        let room = outgoing.clone();
        let overrun = Arc::new(Notify::new());
        let id = self.next_client.fetch_add(1, Ordering::Relaxed);
        let client = Client::new(domid, outgoing, Arc::clone(&overrun));
        self.lock().clients.insert(id, client);
        let send = async {
            while let Some(packet) = queue.recv().await {
                let mut bytes = Vec::new();
                let mut next = Some(packet);
                while let Some(packet) = next {
                    packet.encode(&mut bytes).map_err(io::Error::other)?;
                    next = queue.try_recv().ok();
                }
                writer.write_all(&bytes).await?;
            }
            Ok(())
        };
        let receive = async {
            let mut bytes = Vec::new();
            while reader.read_buf(&mut bytes).await? > 0 {
                let mut at = 0;
                while let Some((packet, length)) = next(bytes.get(at..).unwrap_or_default())? {
                    at += length;
                    // Who does not read its replies is not served until it does.
                    drop(
                        room.reserve_many(QUEUE / 2)
                            .await
                            .map_err(io::Error::other)?,
                    );
                    match packet {
                        Ok(packet) => self.serve_packet(id, domid, &packet),
                        Err(unknown) => room.send(unknown).await.map_err(io::Error::other)?,
                    }
                }
                bytes.drain(..at);
            }
            Ok(())
        };
        let result = tokio::select! {
            ended = send => ended,
            ended = receive => ended,
            () = overrun.notified() => Err(io::ErrorKind::OutOfMemory.into()),
        };
        self.lock().clients.remove(&id);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A node to write: path, value, rights.
pub(crate) type Put<'a> = (&'a str, &'a str, &'a Rights);

/// The next packet, and its length; for one of a kind that no xenstored knows, the
/// reply to it.
fn next(bytes: &[u8]) -> io::Result<Option<(Result<Packet, Packet>, usize)>> {
    let word = |index: usize| {
        let word = bytes.get(index * 4..index * 4 + 4)?;
        Some(u32::from_ne_bytes(word.try_into().ok()?))
    };
    let (Some(kind), Some(request), Some(transaction), Some(length)) =
        (word(0), word(1), word(2), word(3))
    else {
        return Ok(None);
    };
    if Kind::from_number(kind).is_some() {
        let decoded = Packet::decode(bytes).map_err(io::Error::other)?;
        return Ok(decoded.map(|(packet, length)| (Ok(packet), length)));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > PAYLOAD_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let reply = Packet {
        kind: Kind::Error,
        request,
        transaction,
        payload: b"ENOSYS\0".to_vec(),
    };
    let whole = HEADER + length;
    Ok((bytes.len() >= whole).then_some((Err(reply), whole)))
}

/// Whether a message begins with the path of a node.
fn names_node(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Directory
            | Kind::DirectoryPart
            | Kind::Read
            | Kind::GetPerms
            | Kind::Write
            | Kind::Mkdir
            | Kind::Rm
            | Kind::SetPerms
    )
}
