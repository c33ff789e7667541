//! A xenstored in memory: the tree, transactions, watches and permissions of the
//! real one, spoken to with its packets.
//!
//! [`SimXenstore`] is the store; `tree` holds nodes, `transaction` changes that
//! are not committed, `client` what one connection owns, `request` what each
//! message does, `serve` the bytes. Which nodes a domain has is not here.

mod client;
mod request;
mod serve;
mod transaction;
mod tree;

pub use serve::SimXenstore;
pub(crate) use serve::{Behind, Put};
