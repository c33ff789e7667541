//! What the names in xm's and xl's configuration files mean for a guest.
//!
//! The two tools share most names; what only one of them has, and how each spells
//! a disk, is in the folders `xm` and `xl`. The language of the files is in
//! `config`. One file a device family, with the names of the guest model's files.

mod apply;
mod chardev;
mod clock;
mod cpu;
mod dialect;
mod emulator;
mod features;
mod graphics;
mod guest;
mod hostdev;
mod input;
mod interface;
mod lifecycle;
mod os;
mod settings;
mod sound;
mod video;
mod words;
mod write;

pub(crate) use apply::apply;
pub(crate) use dialect::Dialect;
pub use dialect::Host;
pub(crate) use graphics::listen_address;
pub(crate) use guest::{read, write};
pub(crate) use settings::{Entry, Settings};
pub(crate) use words::Words;
pub(crate) use write::Out;

/// Bridges of virtual networks by name: Xen's tools know bridges only.
pub type Bridges = std::collections::BTreeMap<String, String>;
