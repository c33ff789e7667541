//! Types that read and write themselves, and the plain ones: numbers, strings,
//! identifiers, and values that may be absent.
//!
//! Lists and bytes with a limit are in `bounded`.

use super::Reader;
use super::reader::padding;
use crate::{Error, Result};

/// Most bytes of a string (`REMOTE_STRING_MAX`).
pub const STRING_MAX: usize = 4_194_304;

/// A type of the protocol.
pub trait Wire: Sized {
    /// The fewest bytes that a value takes. A list of many needs at least so many.
    const LEAST: usize;

    /// Takes a value from the payload.
    ///
    /// # Errors
    /// When the bytes are not one.
    fn read(input: &mut Reader<'_>) -> Result<Self>;

    /// Appends the value.
    ///
    /// # Errors
    /// When it is longer than the protocol allows.
    fn write(&self, output: &mut Vec<u8>) -> Result<()>;
}

/// The value that the whole payload is.
///
/// # Errors
/// When it is not one, or more than one.
pub fn from_bytes<T: Wire>(bytes: &[u8]) -> Result<T> {
    let mut input = Reader::new(bytes);
    let value = T::read(&mut input)?;
    input.finish()?;
    Ok(value)
}

/// The payload for a value.
///
/// # Errors
/// When it is longer than the protocol allows.
pub fn to_bytes<T: Wire>(value: &T) -> Result<Vec<u8>> {
    let mut output = Vec::new();
    value.write(&mut output)?;
    Ok(output)
}

/// Numbers of one or two words.
macro_rules! number {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            const LEAST: usize = size_of::<$type>();

            fn read(input: &mut Reader<'_>) -> Result<Self> {
                Ok(<$type>::from_be_bytes(input.array()?))
            }

            fn write(&self, output: &mut Vec<u8>) -> Result<()> {
                output.extend_from_slice(&self.to_be_bytes());
                Ok(())
            }
        }
    )*};
}

number!(i32, u32, i64, u64, f64);

/// Numbers of less than a word, which take a whole one.
macro_rules! small_number {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            const LEAST: usize = 4;

            fn read(input: &mut Reader<'_>) -> Result<Self> {
                let offset = input.offset();
                let value = u32::read(input)?;
                <$type>::try_from(value).map_err(|_| Error::Value {
                    field: "",
                    offset,
                    value: value.into(),
                    expected: "a smaller number",
                })
            }

            fn write(&self, output: &mut Vec<u8>) -> Result<()> {
                u32::from(*self).write(output)
            }
        }
    )*};
}

small_number!(u8, u16);

impl Wire for () {
    const LEAST: usize = 0;

    fn read(_: &mut Reader<'_>) -> Result<Self> {
        Ok(())
    }

    fn write(&self, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// Sixteen bytes of a uuid, without a length.
impl Wire for [u8; 16] {
    const LEAST: usize = 16;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        input.array()
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        output.extend_from_slice(self);
        Ok(())
    }
}

/// A string of at most [`STRING_MAX`] bytes. C's strings end at a zero byte, so
/// one inside would hide what follows: it is refused.
impl Wire for String {
    const LEAST: usize = 4;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        read_text(input)
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        write_text(self, output)
    }
}

impl<T: Wire> Wire for Option<T> {
    const LEAST: usize = 4;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        let offset = input.offset();
        match u32::read(input)? {
            0 => Ok(None),
            1 => T::read(input).map(Some),
            value => Err(Error::Value {
                field: "",
                offset,
                value: value.into(),
                expected: "0 for nothing or 1 for a value",
            }),
        }
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        u32::from(self.is_some()).write(output)?;
        self.as_ref().map_or(Ok(()), |value| value.write(output))
    }
}

/// A string that is rarely there and kept small.
impl Wire for Box<str> {
    const LEAST: usize = String::LEAST;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        String::read(input).map(Into::into)
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        write_text(self, output)
    }
}

/// A value that is rarely there and kept elsewhere.
impl<T: Wire> Wire for Box<T> {
    const LEAST: usize = T::LEAST;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        T::read(input).map(Self::new)
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        T::write(self, output)
    }
}

fn read_text(input: &mut Reader<'_>) -> Result<String> {
    let length = input.length(STRING_MAX, 1)?;
    let offset = input.offset();
    let bytes = input.take_padded(length)?;
    let bad = |at: usize| Error::Text {
        field: "",
        offset: offset.saturating_add(at),
    };
    if let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
        return Err(bad(zero));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| bad(error.valid_up_to()))?;
    Ok(text.to_owned())
}

fn write_text(text: &str, output: &mut Vec<u8>) -> Result<()> {
    if let Some(zero) = text.find('\0') {
        return Err(Error::Text {
            field: "",
            offset: output.len().saturating_add(zero),
        });
    }
    write_length(text.len(), STRING_MAX, output)?;
    write_padded(text.as_bytes(), output);
    Ok(())
}

pub(super) fn write_length(length: usize, limit: usize, output: &mut Vec<u8>) -> Result<()> {
    let word = u32::try_from(length).ok().filter(|_| length <= limit);
    let word = word.ok_or(Error::TooLong {
        field: "",
        offset: output.len(),
        length,
        limit,
    })?;
    word.write(output)
}

pub(super) fn write_padded(bytes: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(bytes);
    output.resize(output.len().saturating_add(padding(bytes.len())), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_as_the_notes_say() {
        let mut output = Vec::new();
        (-2i32).write(&mut output).unwrap();
        0x0102_0304_0506_0708u64.write(&mut output).unwrap();
        "xen:".to_owned().write(&mut output).unwrap();
        "dom-0".to_owned().write(&mut output).unwrap();
        None::<i32>.write(&mut output).unwrap();
        Some(7u16).write(&mut output).unwrap();
        assert_eq!(
            output,
            b"\xff\xff\xff\xfe\x01\x02\x03\x04\x05\x06\x07\x08\
              \0\0\0\x04xen:\0\0\0\x05dom-0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x07"
        );
    }

    #[test]
    fn hostile_bytes_are_refused_with_their_place() {
        let short = from_bytes::<String>(b"\0\0\0\x05dom");
        assert!(matches!(
            short,
            Err(Error::Short {
                offset: 0,
                needed: 5,
                left: 3,
                ..
            })
        ));
        let long = from_bytes::<String>(b"\0\x40\0\x01dom");
        assert!(matches!(
            long,
            Err(Error::TooLong {
                length: 0x40_0001,
                limit: STRING_MAX,
                ..
            })
        ));
        let zero = from_bytes::<String>(b"\0\0\0\x04do\0m");
        assert!(matches!(zero, Err(Error::Text { offset: 6, .. })));
        let latin = from_bytes::<String>(b"\0\0\0\x04do\xffm");
        assert!(matches!(latin, Err(Error::Text { offset: 6, .. })));
        let unpadded = from_bytes::<String>(b"\0\0\0\x05dom-0");
        assert!(matches!(unpadded, Err(Error::Short { needed: 3, .. })));
        let option = from_bytes::<Option<i32>>(b"\0\0\0\x02\0\0\0\0");
        assert!(matches!(option, Err(Error::Value { value: 2, .. })));
        let trailing = from_bytes::<i32>(b"\0\0\0\x02\0");
        assert_eq!(trailing, Err(Error::Trailing { offset: 4, left: 1 }));
        assert!(from_bytes::<u16>(b"\0\x01\0\0").is_err());
    }
}
