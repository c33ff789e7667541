//! The XenD server of the host: requests in, replies out.
//!
//! HTTP is in this folder's own files: `serve` (connections), `http` (bytes),
//! `dispatch` (what a path leads to), `page` (how an answer looks). What the
//! operations do is in `operations`, how a domain is shown in `document`, how a
//! configuration is read in `config`.

pub(crate) mod config;
pub(crate) mod dict;
mod dispatch;
mod document;
mod form;
mod habits;
mod header_order;
mod http;
pub(crate) mod node;
pub(crate) mod operations;
mod page;
mod python;
mod relocation;
mod reply;
mod serve;
mod shared;
pub(crate) mod store;

pub(crate) use self::{
    form::Form, node::CAPABILITIES, node::NodeFacts, node::cores_of, shared::Shared,
};
