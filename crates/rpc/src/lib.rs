//! libvirt's wire protocol, both sides, without I/O: packets ([`frames`],
//! [`packet`]), what is in them ([`xdr`]), and one table of all procedures
//! ([`calls`]).
//!
//! What a call does is not here, nor are sockets and clocks: bytes and instants are
//! arguments.
#![forbid(unsafe_code)]

pub mod calls;
mod error;
pub mod frames;
mod objects;
pub mod packet;
pub mod procedure;
mod remote_error;
#[cfg(test)]
mod sample;
mod typed_param;
pub mod xdr;

pub use error::{Error, Result};
pub use objects::{
    Domain, DomainCheckpoint, DomainSnapshot, Interface, NWFilter, NWFilterBinding, Network,
    NetworkPort, NodeDevice, Secret, StoragePool, StorageVol, Uuid,
};
pub use procedure::{Access, Arguments, Call, Group, Priority, Procedure};
pub use remote_error::{RemoteError, code, origin};
pub use typed_param::{TYPED_PARAM_STRING_OKAY, TypedParam, TypedValue};
