//! Ways to reach xenstored: its UNIX socket, the kernel's xenbus node, memory.
//!
//! Which of them a host has is found out here; what is said over them is in
//! [`session`](crate::Session).

use crate::error::{Error, Result};
use crate::store::Store;
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, OFlags};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

/// Where xenstored is found, best first: sockets, then the kernel's nodes, which
/// also serve a xenstored in another domain.
pub const DEFAULT_NODES: &[&str] = &[
    "/run/xenstored/socket",
    "/var/run/xenstored/socket",
    "/dev/xen/xenbus",
    "/proc/xen/xenbus",
];

/// Rest before a socket is tried again whose queue of clients is full.
const TURN: Duration = Duration::from_millis(5);

/// A connection to xenstored.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Makes connections to one xenstored.
#[async_trait::async_trait]
pub trait Connector: Send + Sync + 'static {
    /// A new connection.
    async fn connect(&self) -> io::Result<Box<dyn Stream>>;

    /// Where the xenstored is, for people.
    fn address(&self) -> String;
}

/// A [`Store`] over the socket or device at `path`.
///
/// # Errors
/// [`Error::Unreachable`] when nothing answers there.
pub async fn open(path: impl Into<PathBuf>) -> Result<Store> {
    Store::connect(Node { path: path.into() }).await
}

/// A [`Store`] over the first of these nodes that can be opened.
///
/// # Errors
/// [`Error::Unreachable`] with the reason for each node.
pub async fn open_first(nodes: &[&str]) -> Result<Store> {
    let mut tried = Vec::new();
    for node in nodes {
        match open(*node).await {
            Err(Error::Unreachable { tried: reasons }) => tried.extend(reasons),
            other => return other,
        }
    }
    Err(Error::Unreachable { tried })
}

/// A socket or a device node.
struct Node {
    path: PathBuf,
}

#[async_trait::async_trait]
impl Connector for Node {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let kind = FileType::from_raw_mode(rustix::fs::stat(&self.path)?.st_mode);
        if kind == FileType::Socket {
            Ok(Box::new(connect(&self.path).await?))
        } else {
            Ok(Box::new(open_device(&self.path)?))
        }
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }
}

/// Connects to a socket. xenstored lets only one client wait for its turn; while
/// others do, the kernel says "try again", and the caller's deadline decides.
async fn connect(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(TURN).await;
            }
            other => return other,
        }
    }
}

/// A xenstored in this process: a function that makes connections to it.
pub struct Memory<F> {
    name: String,
    connect: F,
}

impl<F> Memory<F> {
    /// Connections come from `connect`; `name` is for messages.
    pub fn new(name: impl Into<String>, connect: F) -> Self {
        Self {
            name: name.into(),
            connect,
        }
    }
}

#[async_trait::async_trait]
impl<F, S> Connector for Memory<F>
where
    F: Fn() -> S + Send + Sync + 'static,
    S: Stream + 'static,
{
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new((self.connect)()))
    }

    fn address(&self) -> String {
        self.name.clone()
    }
}

/// The kernel's xenbus node, read and written without blocking.
fn open_device(path: &Path) -> io::Result<impl Stream + use<>> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    device_stream(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?)
}

/// A node of the kernel, opened without blocking, as a stream.
///
/// # Errors
/// When the runtime cannot wait for it.
pub fn device_stream(reader: OwnedFd) -> io::Result<impl Stream + use<>> {
    // The kernel keeps requests and watches for each open file: both ends are one.
    let writer = rustix::io::fcntl_dupfd_cloexec(&reader, 0)?;
    // tokio's pipes are the ends of any file that epoll knows, not only of pipes.
    Ok(tokio::io::join(
        pipe::Receiver::from_owned_fd_unchecked(reader)?,
        pipe::Sender::from_owned_fd_unchecked(writer)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_clients_wait_for_their_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = tokio::net::UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let listener = socket.listen(1).unwrap();
        let clients: Vec<_> = (0..20)
            .map(|_| {
                let path = path.clone();
                tokio::spawn(async move { open(path).await.map(drop) })
            })
            .collect();
        tokio::time::sleep(TURN).await;
        for _ in 0..20 {
            let next = tokio::time::timeout(Duration::from_secs(5), listener.accept());
            next.await.expect("a client gave up").unwrap();
        }
        for client in clients {
            assert_eq!(client.await.unwrap(), Ok(()));
        }
    }

    #[tokio::test]
    async fn a_missing_xenstored_is_named_with_its_reasons() {
        let Err(Error::Unreachable { tried }) = open_first(&["/nosuch/a", "/nosuch/b"]).await
        else {
            panic!("there is nothing to open");
        };
        assert_eq!(tried.len(), 2);
        assert!(tried[0].starts_with("/nosuch/a: "), "{tried:?}");
    }
}
