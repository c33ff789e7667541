//! Client of xenstored.
//!
//! [`wire`] and [`Session`] are the protocol without any I/O: bytes in, bytes
//! out. [`Store`] runs a session over a UNIX socket, the kernel's xenbus node or
//! any stream, with many requests in flight. What the paths mean for a domain is
//! not here: the host crate knows that.
#![forbid(unsafe_code)]

mod dump;
mod error;
mod open;
mod session;
mod store;
mod task;
mod transaction;
mod watch;
pub mod wire;

pub use dump::Entry;
pub use error::{Error, Result};
pub use open::{Connector, DEFAULT_NODES, Memory, Stream, device_stream, open, open_first};
pub use session::{Answer, Session, Ticket};
pub use store::{Observer, Store};
pub use transaction::Transaction;
pub use watch::{Watch, WatchEvent};
pub use wire::Permission;
