//! Takes words and bytes from a payload, with the place of each for errors.
//!
//! Which words make which type is said by [`Wire`](super::Wire).

use crate::{Error, Result};

/// The unread part of a payload.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the beginning of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Bytes that have been read.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes that are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.offset)
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.offset.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.offset..end));
        let taken = taken.ok_or(Error::Short {
            field: "",
            offset: self.offset,
            needed: count,
            left: self.left(),
        })?;
        self.offset = self.offset.saturating_add(count);
        Ok(taken)
    }

    /// The next `count` bytes and the zeros that fill the last word up. Zeros
    /// are not checked, as libvirt does not.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take_padded(&mut self, count: usize) -> Result<&'a [u8]> {
        let taken = self.take(count)?;
        self.take(padding(count))?;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A length word that may be at most `limit`, counted in things of at least
    /// `least` bytes each, which have to be there.
    ///
    /// # Errors
    /// When it is above the limit, or the payload is too short for it.
    pub fn length(&mut self, limit: usize, least: usize) -> Result<usize> {
        let offset = self.offset;
        let length = u32::from_be_bytes(self.array()?);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > limit {
            return Err(Error::TooLong {
                field: "",
                offset,
                length,
                limit,
            });
        }
        let needed = length.saturating_mul(least);
        if needed > self.left() {
            return Err(Error::Short {
                field: "",
                offset,
                needed,
                left: self.left(),
            });
        }
        Ok(length)
    }

    /// # Errors
    /// When bytes are left.
    pub const fn finish(&self) -> Result<()> {
        if self.left() > 0 {
            return Err(Error::Trailing {
                offset: self.offset,
                left: self.left(),
            });
        }
        Ok(())
    }
}

/// Bytes that fill `count` bytes up to a whole word.
pub(super) const fn padding(count: usize) -> usize {
    (4 - count % 4) % 4
}
