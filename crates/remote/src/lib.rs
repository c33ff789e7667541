//! The client of a daemon: from a URI to a connection on which libvirt's calls are
//! made over libvirt's own protocol.
//!
//! [`Client`] makes any call of the protocol; [`Remote`] is a
//! [`Connection`](virtxen_driver::Connection) made of them, so that what speaks to the
//! driver speaks to a daemon as well. The protocol itself is `virtxen_rpc`'s; how a
//! call is done is the daemon's business.
#![forbid(unsafe_code)]

mod client;
mod console;
mod control;
mod credentials;
mod destination;
mod devices;
mod documents;
mod domains;
mod error;
mod files;
mod lifecycle;
mod metadata;
mod node;
mod open;
mod remote;
mod sasl;
mod saved;
mod snapshots;
mod statistics;
mod stream;
mod task;
mod tls;
mod transport;
mod uri;
mod vcpus;
mod wire;

pub use client::Client;
pub use credentials::{Ask, Question};
pub use destination::Daemons;
pub use error::{Error, Result};
pub use remote::Remote;
pub use stream::Stream;
pub use uri::{Transport, Uri};
