//! Messages of SCRAM: attributes with commas between them, names with escapes.
//!
//! In which order they come is in `client` and `server`.

use crate::{Error, Key, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a message.
const MESSAGE_MAX: usize = 4096;

/// Bytes of a user's name.
const NAME_MAX: usize = 255;

/// A message as text.
pub(crate) fn text(message: &[u8]) -> Result<&str> {
    if message.len() > MESSAGE_MAX {
        return Err(Error::Message("a message is too long"));
    }
    std::str::from_utf8(message).map_err(|_| Error::Message("a message is not UTF-8"))
}

/// The value of the first attribute, which has to have this name, and what is behind
/// it.
pub(crate) fn attribute<'a>(message: &'a str, name: &str) -> Result<(&'a str, &'a str)> {
    let (first, rest) = message.split_once(',').unwrap_or((message, ""));
    let value = first
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='));
    match value {
        Some(value) if !value.is_empty() => Ok((value, rest)),
        _ if first.starts_with("m=") => Err(Error::Unsupported("an extension")),
        _ => Err(Error::Message("an attribute is missing")),
    }
}

/// A name without its escapes.
pub(crate) fn decode_name(name: &str) -> Result<String> {
    let mut decoded = String::new();
    let mut rest = name;
    while let Some((before, behind)) = rest.split_once('=') {
        decoded.push_str(before);
        let (code, behind) = behind
            .split_at_checked(2)
            .ok_or(Error::Message("a name has a wrong escape"))?;
        decoded.push(match code {
            "2C" => ',',
            "3D" => '=',
            _ => return Err(Error::Message("a name has a wrong escape")),
        });
        rest = behind;
    }
    decoded.push_str(rest);
    let is_good =
        !decoded.is_empty() && decoded.len() <= NAME_MAX && !decoded.chars().any(char::is_control);
    is_good
        .then_some(decoded)
        .ok_or(Error::Message("a name is empty, too long or not text"))
}

/// A name with its escapes.
pub(crate) fn encode_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// Whether this can be a nonce: printable, no comma.
pub(crate) fn is_nonce(nonce: &str) -> bool {
    !nonce.is_empty()
        && nonce
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b',')
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>> {
    STANDARD
        .decode(text)
        .map_err(|_| Error::Message("a value is not base64"))
}

pub(crate) fn decode_key(text: &str) -> Result<Key> {
    Key::try_from(decode(text)?).map_err(|_| Error::Message("a value does not have 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in ["ann", "a,b=c", "=2C", "Ünï"] {
            assert_eq!(decode_name(&encode_name(name)).as_deref(), Ok(name));
        }
        for wrong in ["", "a=", "a=2", "a=2c", "a=41", "a\nb", "a=ü"] {
            assert!(decode_name(wrong).is_err(), "{wrong}");
        }
    }
}
