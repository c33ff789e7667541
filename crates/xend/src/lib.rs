//! Client of XenD, the toolstack of Xen 3.0 to 4.4: HTTP and S-expressions.
//!
//! The core does no I/O: [`Request`] makes bytes, [`ReplyReader`] takes them,
//! [`answer`] says what a reply means, [`release`] what each release does its
//! own way. [`transport`] and [`exchange`] move the bytes, [`Client`] has the
//! operations. What a domain's expression means as a guest is in
//! `virtxen-formats`, which operations make up a life cycle in `virtxen-host`.
#![forbid(unsafe_code)]

pub mod answer;
mod client;
mod devices;
mod domain;
mod error;
pub mod exchange;
mod lifecycle;
mod memory;
mod node;
mod observe;
pub mod release;
mod reply;
mod request;
mod save;
mod scheduler;
pub mod transport;
mod vcpu;

pub use client::Client;
pub use domain::{ListState, Vcpu};
pub use error::{Error, Phase, Result};
pub use exchange::{Deadlines, Pace, Patience};
pub use lifecycle::Reason;
pub use node::Node;
pub use observe::{Observed, Observer};
pub use release::{Habits, Release};
pub use reply::{Reply, ReplyError, ReplyLimits, ReplyReader};
pub use request::{FORM_LIMIT, FormTooLarge, Method, Request};
pub use save::{Dump, Migration};
pub use scheduler::{Credit, Sedf};
pub use transport::{Connector, Memory, Stream, TcpPort, UnixSocket, Warning};
