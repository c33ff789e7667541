//! A xenstored in memory: the tree, transactions, watches and permissions of the
//! real one, spoken to with its packets.
//!
//! [`SimXenstore`] is the store; `tree` holds nodes, `transaction` changes that are
//! not committed, `client` what one connection owns, `event` who is told of what,
//! `request` and `node` what each message does, `serve` the bytes. Which nodes a
//! domain has is not here.

mod client;
mod event;
mod node;
mod request;
mod serve;
mod transaction;
mod tree;

pub(crate) use event::Event;
pub use serve::SimXenstore;
pub(crate) use serve::{Behind, Put};
