//! Daemons of other hosts, to which a domain is moved without anybody between: who
//! reaches them, and what they are asked. In which order is in `domain::peer`, how it is
//! said on a connection is not here.

use crate::{Arrival, Result, State};
use async_trait::async_trait;
use tokio::net::UnixStream;
use virtxen_guest::Uuid;

/// Reaches daemons of other hosts.
#[async_trait]
pub trait Destinations: Send + Sync {
    /// Whether a destination is a daemon's URI, right or wrong.
    fn is_daemon(&self, destination: &str) -> bool;

    /// Connects to the daemon of a URI.
    ///
    /// # Errors
    /// The URI is wrong; the daemon does not answer in time, does not let us in, or
    /// speaks no protocol of migration that we speak.
    async fn open(&self, uri: &str) -> Result<Box<dyn Destination>>;
}

/// The daemon of a host that a domain is to come to.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Has it listen for the domain, and says where.
    ///
    /// # Errors
    /// It does not take the domain; it does not answer in time.
    async fn prepare(&self, offer: &Offer) -> Result<String>;

    /// Has it take the domain from a stream of the connection.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    async fn prepare_tunnel(&self, offer: &Offer) -> Result<Box<dyn Tunnel>>;

    /// Has it run the domain that was sent, or forget it when that was `cancelled`.
    async fn finish(&self, offer: &Offer, cancelled: bool) -> Finished;

    /// The state of a domain there; `None` when there is none.
    ///
    /// # Errors
    /// It does not answer in time.
    async fn state(&self, uuid: Uuid) -> Result<Option<State>>;
}

/// A way through a connection to a daemon for a domain's memory.
#[async_trait]
pub trait Tunnel: Send {
    /// Carries all that comes, to its end.
    ///
    /// # Errors
    /// The other side takes no more, and why; the connection is lost.
    async fn carry(self: Box<Self>, from: UnixStream) -> Result<()>;
}

/// A domain that a destination is to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Its name here.
    pub name: String,
    /// The domain, as libvirt's XML with its passwords.
    pub xml: String,
    /// What this host tells of itself.
    pub cookie: String,
    /// Where the destination is to listen, if somebody wants that.
    pub listen: Option<String>,
    /// How it is to be received.
    pub arrival: Arrival,
    /// The guest runs on meanwhile.
    pub live: bool,
    /// Its definition here is removed afterwards.
    pub undefine_source: bool,
    /// It comes through the connection.
    pub tunnelled: bool,
}

impl Offer {
    /// The name that it has there.
    #[must_use]
    pub fn wanted(&self) -> &str {
        self.arrival.name.as_deref().unwrap_or(&self.name)
    }
}

/// What came of asking a destination to run a domain.
#[derive(Debug)]
pub enum Finished {
    /// It runs there.
    Runs,
    /// It does not and will not, and why.
    Not(crate::Error),
    /// Nobody has said, and why.
    Unknown(crate::Error),
}
