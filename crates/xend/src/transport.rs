//! Ways to reach a XenD: UNIX socket, TCP, memory.
//!
//! A [`Connector`] makes one stream for each request. Deadlines are not here,
//! see [`exchange`](crate::exchange).

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// Where XenD listens by default, for root only.
pub const DEFAULT_SOCKET: &str = "/var/lib/xend/xend-socket";

/// Port of XenD's HTTP server by default.
pub const DEFAULT_PORT: u16 = 8000;

/// A connection to a XenD.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Makes connections to one XenD. Dropping a connection closes it.
#[async_trait::async_trait]
pub trait Connector: Send + Sync {
    /// A new connection.
    async fn connect(&self) -> io::Result<Box<dyn Stream>>;

    /// Where the XenD is, for people.
    fn address(&self) -> String;

    /// What to know before using it.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }
}

macro_rules! pass_on {
    ($pointer:ident) => {
        #[async_trait::async_trait]
        impl<C: Connector + ?Sized> Connector for $pointer<C> {
            async fn connect(&self) -> io::Result<Box<dyn Stream>> {
                (**self).connect().await
            }

            fn address(&self) -> String {
                (**self).address()
            }

            fn warnings(&self) -> Vec<Warning> {
                (**self).warnings()
            }
        }
    };
}

pass_on!(Arc);
pass_on!(Box);

/// What to know before using a XenD this way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// XenD's TCP interface knows no users and no encryption.
    #[error(
        "XenD at {address} has no authentication and no encryption: \
         everybody who reaches it is root of the host"
    )]
    NoAuthentication {
        /// Host and port.
        address: String,
    },
}

/// A XenD's UNIX socket.
#[derive(Clone, Debug)]
pub struct UnixSocket {
    path: PathBuf,
}

impl UnixSocket {
    /// The socket at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait::async_trait]
impl Connector for UnixSocket {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = tokio::net::UnixStream::connect(&self.path).await?;
        Ok(Box::new(stream))
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }
}

/// A XenD's TCP port.
#[derive(Clone, Debug)]
pub struct TcpPort {
    host: String,
    port: u16,
}

impl TcpPort {
    /// The port on this host, a name or an address.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }
}

#[async_trait::async_trait]
impl Connector for TcpPort {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = tokio::net::TcpStream::connect((host, self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn warnings(&self) -> Vec<Warning> {
        if self.is_loopback() {
            return Vec::new();
        }
        vec![Warning::NoAuthentication {
            address: self.address(),
        }]
    }
}

/// A XenD in this process: a function that makes connections to it.
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
impl<F, R, S> Connector for Memory<F>
where
    F: Fn() -> R + Send + Sync,
    R: Future<Output = io::Result<S>> + Send,
    S: Stream + 'static,
{
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new((self.connect)().await?))
    }

    fn address(&self) -> String {
        self.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_where_everybody_is_root() {
        for quiet in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"] {
            assert_eq!(TcpPort::new(quiet, 8000).warnings(), [], "{quiet}");
        }
        for loud in ["xenhost", "10.0.0.1", "0.0.0.0", "[fe80::1]"] {
            assert_eq!(TcpPort::new(loud, 8000).warnings().len(), 1, "{loud}");
        }
    }
}
