//! XenD's language: S-expressions.
//!
//! [`Sxpr`] is the tree; reading is in [`read`], writing in [`write`]. XenD's
//! dialect is not Scheme's: atoms have no types, quotes are Python's, and the
//! order of a list matters. What the lists mean for a guest is not here.

mod read;
mod tree;
mod write;

pub use read::{Limits, ReadError, ReadErrorKind, read, read_prefix};
pub use tree::Sxpr;
pub use write::{EmptyAtom, append_reply, append_reply_atom, write_reply, write_request};
