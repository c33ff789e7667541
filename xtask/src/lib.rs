//! What `cargo xtask` does: the checks, generators and measurements of the
//! people who work on virtxen.
//!
//! One module a command. Nothing here is needed to build or run virtxen, and
//! nothing here knows what a guest is: what needs the crates runs them as
//! programs.
#![forbid(unsafe_code)]

pub mod abi;
pub mod bench;
mod check_xml;
pub mod clients;
mod differ;
mod dist;
pub mod error;
mod foreign;
mod fuzz;
pub mod generate;
pub mod lab;
mod manual;
mod others;
mod peer;
mod soak;
mod tck;
pub mod tidy;
mod tour;
mod virtxend;
mod workspace;

pub use check_xml::check_xml;
pub use differ::{Questions, differ};
pub use dist::dist;
pub use error::{Error, Result};
pub use foreign::foreign;
pub use fuzz::fuzz;
pub use peer::peer;
pub use soak::soak;
pub use tck::{TCK_HOST, tck};
pub use tour::tour;
pub use workspace::root;
