//! Lists and bytes with their limit in the type.
//!
//! The limits are libvirt's (`REMOTE_…_MAX`); those who use the types name them.

use super::wire::{write_length, write_padded};
use super::{Reader, Wire};
use crate::{Error, Result};
use std::ops::Deref;

/// At most `MAX` values of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T: Wire, const MAX: usize> Wire for List<T, MAX> {
    const LEAST: usize = 4;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        let length = input.length(MAX, T::LEAST.max(1))?;
        let mut values = Vec::with_capacity(length.min(PREPARED));
        for _ in 0..length {
            values.push(T::read(input)?);
        }
        Ok(Self(values))
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        write_length(self.len(), MAX, output)?;
        self.iter().try_for_each(|value| value.write(output))
    }
}

/// Places that are made before the values are read: a value in memory can be
/// much larger than its bytes.
const PREPARED: usize = 64;

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> From<Vec<T>> for List<T, MAX> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T, const MAX: usize> FromIterator<T> for List<T, MAX> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// At most `MAX` bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opaque<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> Wire for Opaque<MAX> {
    const LEAST: usize = 4;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        let length = input.length(MAX, 1)?;
        Ok(Self(input.take_padded(length)?.to_vec()))
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        write_length(self.len(), MAX, output)?;
        write_padded(self, output);
        Ok(())
    }
}

impl<const MAX: usize> Deref for Opaque<MAX> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> From<Vec<u8>> for Opaque<MAX> {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// At most `MAX` bytes that are declared as `char`: each takes a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByteChars<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> Wire for ByteChars<MAX> {
    const LEAST: usize = 4;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        let length = input.length(MAX, 4)?;
        (0..length)
            .map(|_| read_char(input))
            .collect::<Result<_>>()
            .map(Self)
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        write_length(self.0.len(), MAX, output)?;
        self.0.iter().try_for_each(|byte| write_char(*byte, output))
    }
}

/// Exactly `N` bytes that are declared as `char`, each in a word; a text that is
/// filled up with zeros. What is longer than `N - 1` is cut, as libvirt does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CharArray<const N: usize>(pub String);

impl<const N: usize> Wire for CharArray<N> {
    const LEAST: usize = N * 4;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        let offset = input.offset();
        let bytes = (0..N).map(|_| read_char(input));
        let bytes: Vec<u8> = bytes.collect::<Result<_>>()?;
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|error| Error::Text {
            field: "",
            offset: offset.saturating_add(error.valid_up_to().saturating_mul(4)),
        })?;
        Ok(Self(text.to_owned()))
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        let kept = N.saturating_sub(1);
        let end = (0..=kept).rev().find(|end| self.0.is_char_boundary(*end));
        let text = self.0.get(..end.unwrap_or(0)).unwrap_or(&self.0);
        let zeros = std::iter::repeat(0);
        let mut bytes = text.bytes().take(kept).chain(zeros).take(N);
        bytes.try_for_each(|byte| write_char(byte, output))
    }
}

/// C's `char` has a sign: bytes above 127 travel as negative numbers.
fn read_char(input: &mut Reader<'_>) -> Result<u8> {
    let [_, _, _, byte] = input.array()?;
    Ok(byte)
}

fn write_char(byte: u8, output: &mut Vec<u8>) -> Result<()> {
    i32::from(byte.cast_signed()).write(output)
}

#[cfg(test)]
mod tests {
    use super::super::{from_bytes, to_bytes};
    use super::*;

    #[test]
    fn chars_take_a_word_each() {
        let bytes = to_bytes(&CharArray::<4>("x86_64".into())).unwrap();
        assert_eq!(
            bytes,
            b"\x00\x00\x00x\x00\x00\x008\x00\x00\x006\x00\x00\x00\x00"
        );
        assert_eq!(
            from_bytes::<CharArray<4>>(&bytes),
            Ok(CharArray("x86".into()))
        );
        let bytes = to_bytes(&ByteChars::<8>(vec![1, 0xff])).unwrap();
        assert_eq!(bytes, b"\0\0\0\x02\0\0\0\x01\xff\xff\xff\xff");
        assert_eq!(
            from_bytes::<ByteChars<8>>(&bytes),
            Ok(ByteChars(vec![1, 0xff]))
        );
    }

    #[test]
    fn limits_hold_in_both_directions() {
        assert!(to_bytes(&List::<i32, 2>(vec![1, 2, 3])).is_err());
        assert!(from_bytes::<List<i32, 2>>(b"\0\0\0\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01").is_err());
        assert!(to_bytes(&Opaque::<2>(vec![1, 2, 3])).is_err());
        assert!(from_bytes::<Opaque<2>>(b"\0\0\0\x03abc\0").is_err());
    }

    /// A length alone reserves nothing.
    #[test]
    fn a_length_without_its_values_is_refused_at_once() {
        let claim = from_bytes::<List<[u8; 16], 16384>>(b"\0\0\x40\0\0\0\0\0");
        assert!(matches!(
            claim,
            Err(Error::Short {
                needed: 262_144,
                left: 4,
                ..
            })
        ));
    }
}
