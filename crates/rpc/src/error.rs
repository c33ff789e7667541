//! What can be wrong with bytes of the protocol.
//!
//! Errors that one side tells the other are
//! [`RemoteError`](crate::RemoteError), which a client sees as libvirt's own.

/// Result of reading or writing the protocol.
pub type Result<T> = std::result::Result<T, Error>;

/// Why bytes are not the protocol, or a value has no place in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end too early.
    #[error("{field} at byte {offset} needs {needed} bytes, {left} are left")]
    Short {
        /// The field, as `Type.field`.
        field: &'static str,
        /// Where it begins in the payload.
        offset: usize,
        /// Bytes that it needs.
        needed: usize,
        /// Bytes that there are.
        left: usize,
    },
    /// A string, a list or opaque bytes are longer than the protocol allows.
    #[error("{field} at byte {offset} has length {length}, the most is {limit}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Where it begins in the payload.
        offset: usize,
        /// Its length in bytes or elements.
        length: usize,
        /// The protocol's limit.
        limit: usize,
    },
    /// A value that the field cannot have.
    #[error("{field} at byte {offset} cannot be {value}: {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// Where it begins in the payload.
        offset: usize,
        /// What is there.
        value: i64,
        /// What should be.
        expected: &'static str,
    },
    /// A string is not text.
    #[error("{field} at byte {offset} is not UTF-8 text without zero bytes")]
    Text {
        /// The field.
        field: &'static str,
        /// Where the offending byte is.
        offset: usize,
    },
    /// Bytes are left over.
    #[error("{left} bytes too many after byte {offset}")]
    Trailing {
        /// Where the value ends.
        offset: usize,
        /// Bytes behind it.
        left: usize,
    },
    /// The length word of a packet is out of bounds: the connection is lost.
    #[error("a packet cannot have {length} bytes: between {least} and {most} are possible")]
    Length {
        /// What the packet says.
        length: usize,
        /// The smallest packet.
        least: usize,
        /// The largest packet.
        most: usize,
    },
    /// The other side broke a rule of the conversation: the connection is lost.
    #[error("{0}")]
    Conversation(String),
    /// The other side did not answer for too long: the connection is lost.
    #[error("no answer to {count} keepalive messages, {interval} s apart")]
    Dead {
        /// Messages that were sent.
        count: u32,
        /// Seconds between them.
        interval: u64,
    },
    /// The other side does not read what it asked for: the connection is lost.
    #[error("{queued} bytes wait for a reader that does not take them, the most is {limit}")]
    SlowReader {
        /// Bytes that wait.
        queued: usize,
        /// How many may.
        limit: usize,
    },
}

impl Error {
    /// Names the field, unless a field further inside has been named.
    pub(crate) fn inside(mut self, name: &'static str) -> Self {
        match &mut self {
            Self::Short { field, .. }
            | Self::TooLong { field, .. }
            | Self::Value { field, .. }
            | Self::Text { field, .. }
                if field.is_empty() =>
            {
                *field = name;
            }
            _ => {}
        }
        self
    }
}
