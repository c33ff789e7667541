//! Conversions between the guest model and Xen's configuration languages.
//!
//! One folder a language, the same file names in each; `image` reads the heads of
//! files with saved domains. Nothing here does I/O.
#![forbid(unsafe_code)]

pub mod capabilities;
pub mod config;
mod convert;
pub mod cpu_map;
pub mod image;
mod keys;
pub mod libxl;
mod spelling;
pub mod sxpr;
pub mod xl;
pub mod xm;

pub use convert::{Converted, Error, Note};
