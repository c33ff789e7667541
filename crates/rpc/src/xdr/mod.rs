//! XDR, the encoding of all that is in a packet: big-endian words of four bytes.
//!
//! A type is [`Wire`] when it knows how to read and write itself. Limits are part
//! of the types ([`List`], [`Opaque`]); nothing is allocated for a length
//! before the bytes are there. What is sent with it is in the crate's other
//! modules.

mod bounded;
mod reader;
mod record;
mod wire;

pub use bounded::{ByteChars, CharArray, List, Opaque};
pub use reader::Reader;
pub(crate) use record::record;
pub use wire::{STRING_MAX, Wire, from_bytes, to_bytes};
