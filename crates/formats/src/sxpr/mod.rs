//! XenD's language: S-expressions.
//!
//! [`Sxpr`] is the tree; reading is in [`read`], writing in [`write_request`] and
//! [`write_reply`]. XenD's dialect is not Scheme's: atoms have no types, quotes
//! are Python's, and the order of a list matters.
//!
//! [`guest_to_sxpr`] and [`sxpr_to_guest`] convert whole guests for every version
//! of XenD's configuration format, [`device_to_sxpr`] single devices. One file a
//! device family, with the names of the guest model's files.

mod chardev;
mod clock;
mod cpu;
mod device;
mod dialect;
mod disk;
mod features;
mod graphics;
mod guest;
mod hostdev;
mod input;
mod interface;
mod lifecycle;
mod os;
mod read;
mod repair;
mod scan;
mod section;
mod sound;
mod tree;
mod video;
mod write;

pub use device::{
    DeviceReference, device_reference, device_to_sxpr, interface_number, pci_detach_sxpr,
};
pub use dialect::{ConfigVersion, Dialect, Runtime, Target};
pub use guest::{guest_to_sxpr, sxpr_to_guest};
pub use read::{Limits, ReadError, ReadErrorKind, read, read_prefix};
pub use repair::{read_repaired, text_to_guest};
pub use scan::Scanner;
pub use tree::Sxpr;
pub use write::{EmptyAtom, append_reply, append_reply_atom, write_reply, write_request};
