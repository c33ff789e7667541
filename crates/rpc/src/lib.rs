//! libvirt's wire protocol, both sides, without I/O: packets ([`frames`],
//! [`packet`]), what is in them ([`xdr`]), one table of all procedures ([`calls`]),
//! and the two ends of a conversation ([`server`], [`ClientSession`]).
//!
//! What a call does is not here, nor are sockets and clocks: bytes and instants are
//! arguments.
//!
//! A server feeds a [`ServerSession`](server::ServerSession) with what it reads,
//! does what the session asks for, and writes what the session has to say. Each
//! procedure with types is a marker in [`calls`] that names them:
//!
//! ```
//! use std::time::Instant;
//! use virtxen_rpc::calls::{ConnectGetHostname, ConnectOpen, OpenArguments};
//! use virtxen_rpc::server::{ServerCall, ServerRequest, ServerSession, ServerSettings};
//! use virtxen_rpc::{Call, ClientEvent, ClientSession, Keepalive, RemoteError, xdr};
//!
//! /// One turn of a server: bytes from the client in, bytes for the client out.
//! fn turn(session: &mut ServerSession, bytes: &[u8]) -> virtxen_rpc::Result<Vec<u8>> {
//!     session.receive(bytes, Instant::now());
//!     let mut output = Vec::new();
//!     loop {
//!         while let Some(request) = session.next_request(Instant::now())? {
//!             match request {
//!                 ServerRequest::Call(call) => answer(session, call)?,
//!                 _ => {} // parts of streams
//!             }
//!         }
//!         if session.output().is_empty() {
//!             return Ok(output); // close it if session.is_finished()
//!         }
//!         output.extend_from_slice(session.output()); // what the socket took
//!         session.sent(session.output().len()); // makes room for what waited
//!     }
//! }
//!
//! /// Calls may as well be done elsewhere and be answered later, in any order.
//! fn answer(session: &mut ServerSession, call: ServerCall) -> virtxen_rpc::Result<()> {
//!     const OPEN: i32 = ConnectOpen::PROCEDURE.number;
//!     const HOSTNAME: i32 = ConnectGetHostname::PROCEDURE.number;
//!     match call.procedure().number {
//!         OPEN => {
//!             // Wrong arguments are an error that is the reply.
//!             let opened = call.arguments::<ConnectOpen>().map(|_uri| ());
//!             session.reply::<ConnectOpen>(call.into_ticket(), opened)
//!         }
//!         HOSTNAME => session.reply::<ConnectGetHostname>(call.into_ticket(), Ok("xen1".into())),
//!         _ => {
//!             let error: RemoteError = call.procedure().no_support();
//!             session.reply_bytes(call.into_ticket(), Err(&error))
//!         }
//!     }
//! }
//!
//! let mut server = ServerSession::new(ServerSettings::default());
//! let mut client = ClientSession::new(Keepalive::default());
//! client.call::<ConnectOpen>(&OpenArguments::default())?;
//! let asked = client.call::<ConnectGetHostname>(&())?;
//! let answers = turn(&mut server, client.output())?;
//! client.receive(&answers, Instant::now());
//! client.next_event()?; // the connection is open
//! let Some(ClientEvent::Reply(serial, Ok(bytes))) = client.next_event()? else {
//!     panic!("no reply");
//! };
//! assert_eq!((serial, xdr::from_bytes::<String>(&bytes)?), (asked, "xen1".to_owned()));
//! # Ok::<(), virtxen_rpc::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod calls;
mod client;
mod error;
pub mod events;
pub mod frames;
mod link;
mod objects;
pub mod packet;
pub mod procedure;
mod remote_error;
#[cfg(test)]
mod sample;
pub mod server;
mod typed_param;
pub mod xdr;

pub use client::{ClientEvent, ClientSession, Serial, StreamEvent};
pub use error::{Error, Result};
pub use events::DomainEvent;
pub use link::Keepalive;
pub use objects::{
    Domain, DomainSnapshot, Interface, NWFilter, NWFilterBinding, Network, NetworkPort, NodeDevice,
    Secret, StoragePool, StorageVol, Uuid,
};
pub use procedure::{Access, Arguments, Call, Group, Priority, Procedure};
pub use remote_error::{RemoteError, code, origin};
pub use typed_param::{TYPED_PARAM_STRING_OKAY, TypedParam, TypedValue, for_client};
