//! Sockets that clients connect to: made, accepted from, taken away at the end.
//!
//! Which ones there are is said in `sockets`, what becomes of a client in `clients`.

use crate::error::{Error, Result};
use crate::inherit::{Inherited, Origin};
use crate::peer::Peer;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Clients that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Silence after which the kernel asks whether the other machine is still there.
const SILENCE: Duration = Duration::from_secs(60);

/// What the clients of a socket get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Processes of this machine may do everything.
    Full,
    /// Processes of this machine may read.
    ReadOnly,
    /// Processes of this machine ask about the daemon itself.
    Admin,
    /// Anybody, in plain text.
    Tcp,
    /// Anybody, encrypted.
    Tls,
}

impl Service {
    /// Its name among the names of sockets.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "ro",
            Self::Admin => "admin",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// A socket that clients connect to. If the daemon made it, its file goes with it.
pub(crate) struct Socket {
    listener: Listener,
    path: Option<PathBuf>,
    /// Who made it.
    pub(crate) origin: Origin,
    /// What its clients get.
    pub(crate) service: Service,
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A listening socket that somebody made before.
pub(crate) enum Given {
    /// For this machine.
    Unix(std::os::unix::net::UnixListener),
    /// For any machine.
    Tcp(std::net::TcpListener),
}

/// A client's end of a socket.
pub(crate) enum Stream {
    /// From this machine.
    Unix(UnixStream),
    /// From any machine.
    Tcp(TcpStream),
}

/// Who owns a UNIX socket, and who may connect to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    /// Owner besides the daemon's user.
    pub(crate) group: Option<u32>,
    /// Its mode.
    pub(crate) mode: u32,
}

/// Where a socket is to be.
pub(crate) enum Place {
    /// A file.
    Unix(PathBuf, Rights),
    /// A port on an address.
    Tcp(SocketAddr),
}

impl Given {
    /// Its file.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let Self::Unix(listener) = self else {
            return None;
        };
        let address = listener.local_addr().ok()?;
        address.as_pathname().map(Path::to_owned)
    }
}

impl Place {
    /// Whether a socket is there.
    pub(crate) fn is_of(&self, socket: &Inherited) -> bool {
        match (self, &socket.listener) {
            (Self::Unix(path, _), given @ Given::Unix(_)) => given.path().as_ref() == Some(path),
            (Self::Tcp(address), Given::Tcp(listener)) => {
                listener.local_addr().is_ok_and(|found| found == *address)
            }
            _ => false,
        }
    }

    /// Whether it is on all addresses of IPv6.
    pub(crate) fn is_any_v6(&self) -> bool {
        matches!(self, Self::Tcp(SocketAddr::V6(address)) if address.ip().is_unspecified())
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path, _) => write!(formatter, "{}", path.display()),
            Self::Tcp(address) => write!(formatter, "{address}"),
        }
    }
}

impl Socket {
    /// Listens at a place. A file of a daemon that is gone is replaced, one of a daemon
    /// that answers is not.
    ///
    /// # Errors
    /// Names the place and what is in the way.
    pub(crate) fn bind(place: &Place, service: Service) -> Result<Self> {
        let bound = match place {
            Place::Unix(path, rights) => unix_listener(path, *rights).map(Listener::Unix),
            Place::Tcp(address) => tcp_listener(*address).map(Listener::Tcp),
        };
        let listener = bound.map_err(|cause| Error::Listen {
            place: place.to_string(),
            cause,
        })?;
        Ok(Self {
            listener,
            path: match place {
                Place::Unix(path, _) => Some(path.clone()),
                Place::Tcp(_) => None,
            },
            origin: Origin::Own,
            service,
        })
    }

    /// Goes on with a socket of the program that this one replaces.
    ///
    /// # Errors
    /// When it cannot be waited for, or its file's rights cannot be set.
    pub(crate) fn taken(socket: Inherited, place: &Place) -> Result<Self> {
        let socket = Self::given(socket)?;
        if let Place::Unix(path, rights) = place {
            rights.set(path).map_err(|cause| Error::Listen {
                place: place.to_string(),
                cause,
            })?;
        }
        Ok(socket)
    }

    /// Listens on a socket that somebody made.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub(crate) fn given(socket: Inherited) -> Result<Self> {
        let is_own = socket.origin == Origin::Own;
        let path = socket.listener.path().filter(|_| is_own);
        let listener = match socket.listener {
            Given::Unix(listener) => listener
                .set_nonblocking(true)
                .and_then(|()| UnixListener::from_std(listener))
                .map(Listener::Unix),
            Given::Tcp(listener) => listener
                .set_nonblocking(true)
                .and_then(|()| TcpListener::from_std(listener))
                .map(Listener::Tcp),
        };
        Ok(Self {
            listener: listener.map_err(|cause| Error::Listen {
                place: format!("{:?}", socket.origin),
                cause,
            })?,
            path,
            origin: socket.origin,
            service: socket.service,
        })
    }

    /// The socket itself.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.listener {
            Listener::Unix(listener) => listener.as_fd(),
            Listener::Tcp(listener) => listener.as_fd(),
        }
    }

    /// The next client.
    ///
    /// # Errors
    /// When the kernel has no room for it, or it is gone already.
    pub(crate) async fn accept(&self) -> std::io::Result<(Stream, Peer)> {
        match &self.listener {
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let peer = Peer::unix(&stream)?;
                Ok((Stream::Unix(stream), peer))
            }
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                sockopt::set_socket_keepalive(&stream, true)?;
                sockopt::set_tcp_keepidle(&stream, SILENCE)?;
                let name = None;
                Ok((Stream::Tcp(stream), Peer::Net { address, name }))
            }
        }
    }
}

impl Rights {
    fn set(self, path: &Path) -> std::io::Result<()> {
        std::os::unix::fs::chown(path, None, self.group)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(self.mode))
    }
}

fn unix_listener(path: &Path, rights: Rights) -> std::io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(std::io::ErrorKind::AddrInUse.into());
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    rights.set(path)?;
    Ok(listener)
}

/// An address of IPv6 is for IPv6 only, so that the one of IPv4 has the same port.
fn tcp_listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    TcpListener::from_std(socket.into())
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Gone already, or not ours to take away any more.
            let _ = std::fs::remove_file(path);
        }
    }
}
