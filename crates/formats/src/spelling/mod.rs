//! Spellings that all of Xen's languages share: of character devices, rates,
//! addresses, sound cards, disk backends.
//!
//! Where they stand in a language is in that language's folder.

pub(crate) mod chardev;
pub(crate) mod device;
pub(crate) mod disk;
pub(crate) mod emulator;
pub(crate) mod interface;
pub(crate) mod sound;
