//! Sockets that clients connect to: made, accepted from, taken away at the end.
//!
//! Which ones there are is said in `sockets`, what becomes of a client in `clients`.

use crate::error::{Error, Result};
use crate::peer::Peer;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use std::net::SocketAddr;
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
    /// Anybody, in plain text.
    Tcp,
    /// Anybody, encrypted.
    Tls,
}

/// A socket that clients connect to; its file, if it has one, goes with it.
pub(crate) struct Socket {
    listener: Listener,
    path: Option<PathBuf>,
    /// What its clients get.
    pub(crate) service: Service,
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
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

impl Socket {
    /// Listens on `path`. A file of a daemon that is gone is replaced, one of a daemon
    /// that answers is not.
    ///
    /// # Errors
    /// Names the path and what is in the way.
    pub(crate) fn unix(path: &Path, rights: Rights, service: Service) -> Result<Self> {
        let failed = |cause| Error::Listen {
            place: path.display().to_string(),
            cause,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(failed(std::io::ErrorKind::AddrInUse.into()));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::os::unix::fs::chown(path, None, rights.group).map_err(failed)?;
        let mode = std::fs::Permissions::from_mode(rights.mode);
        std::fs::set_permissions(path, mode).map_err(failed)?;
        Ok(Self {
            listener: Listener::Unix(listener),
            path: Some(path.to_owned()),
            service,
        })
    }

    /// Listens on an address of this machine.
    ///
    /// # Errors
    /// Names the address and what is in the way.
    pub(crate) fn tcp(address: SocketAddr, service: Service) -> Result<Self> {
        let listener = tcp_listener(address).map_err(|cause| Error::Listen {
            place: address.to_string(),
            cause,
        })?;
        Ok(Self {
            listener: Listener::Tcp(listener),
            path: None,
            service,
        })
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
