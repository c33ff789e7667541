//! A Xen host in memory, spoken to through the same bytes as a real one.
//!
//! [`SimHost`] is the machine with its domains ([`state`]), `xend` the XenD
//! server on it: HTTP in, XenD's own replies out, for every release of the
//! table in [`release`]; `libxl` is what later releases have in its place. Nothing here touches the machine that it runs on.
#![forbid(unsafe_code)]

mod fault;
mod files;
pub mod hypervisor;
mod libxl;
pub mod release;
mod socket;
pub mod state;
mod uri;
mod xend;
pub mod xenstore;

pub use fault::Fault;
pub use release::Release;
pub use state::{Options, SimHost};
pub use uri::UriError;
