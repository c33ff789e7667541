//! Messages on a stream: a length of four bytes, little end first, and JSON. Bytes in,
//! messages out; nothing here reads or writes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes of one message; a configuration has some thousands.
const BYTES_MAX: usize = 16 << 20;

const HEADER: usize = 4;

/// Why a stream cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A message that nobody means.
    #[error("a message of {bytes} bytes: at most {limit} are taken")]
    TooLong {
        /// How many there are.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// Not the message that was expected.
    #[error("malformed message")]
    Json(#[from] serde_json::Error),
    /// Descriptors that no message needs.
    #[error("more file descriptors than messages need")]
    Descriptors,
    /// The socket failed.
    #[error("the socket failed")]
    Io(#[from] std::io::Error),
}

/// One message as bytes.
///
/// # Errors
/// When it is longer than the other side takes.
pub fn frame<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let text = serde_json::to_vec(message)?;
    let too_long = || FrameError::TooLong {
        bytes: text.len(),
        limit: BYTES_MAX,
    };
    let length = u32::try_from(text.len()).map_err(|_| too_long())?;
    if text.len() > BYTES_MAX {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(HEADER + text.len());
    bytes.extend(length.to_le_bytes());
    bytes.extend(text);
    Ok(bytes)
}

/// Bytes that came, cut into messages.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, if it is whole.
    ///
    /// # Errors
    /// When it is too long or malformed; nothing that follows can be trusted.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let Some(header) = self.bytes.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*header)).unwrap_or(usize::MAX);
        if length > BYTES_MAX {
            return Err(FrameError::TooLong {
                bytes: length,
                limit: BYTES_MAX,
            });
        }
        let end = HEADER + length;
        let Some(text) = self.bytes.get(HEADER..end) else {
            return Ok(None);
        };
        let message = serde_json::from_slice(text)?;
        self.bytes.drain(..end);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_pieces_of_every_size() {
        let messages = ["", "a", "bc\n\"ä"];
        let bytes: Vec<u8> = messages.iter().flat_map(|m| frame(m).unwrap()).collect();
        for size in 1..=bytes.len() {
            let mut frames = Frames::default();
            let mut came: Vec<String> = Vec::new();
            for piece in bytes.chunks(size) {
                frames.push(piece);
                while let Some(message) = frames.take::<String>().unwrap() {
                    came.push(message);
                }
            }
            assert_eq!(came, messages, "{size}");
            assert!(frames.bytes.is_empty());
        }
    }

    #[test]
    fn hostile_streams_end() {
        let mut frames = Frames::default();
        frames.push(&u32::MAX.to_le_bytes());
        assert!(matches!(
            frames.take::<String>(),
            Err(FrameError::TooLong { .. })
        ));
        let mut frames = Frames::default();
        frames.push(&[2, 0, 0, 0, b'{', b'{', 0]);
        assert!(matches!(frames.take::<String>(), Err(FrameError::Json(_))));
        let mut frames = Frames::default();
        frames.push(&[9, 0, 0, 0, b'"']);
        assert!(frames.take::<String>().unwrap().is_none());
        assert!(!frames.bytes.is_empty());
    }
}
