//! `libxl_bitmap`: a length in bytes and the bits, the same in every release.

use std::ffi::c_void;

/// Highest number that a bit may have; more processors than any release takes.
const BIT_MAX: u32 = 1 << 16;

/// Bits for libxl to read.
#[repr(C)]
pub(super) struct Bitmap {
    size: u32,
    bits: *mut u8,
    /// Behind what libxl knows of.
    bytes: Vec<u8>,
}

impl Bitmap {
    /// `None` when a number is too high.
    pub(super) fn of(numbers: &[u32]) -> Option<Self> {
        let highest = numbers.iter().copied().max().unwrap_or(0);
        if highest > BIT_MAX {
            return None;
        }
        let length = highest / 8 + 1;
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        for number in numbers {
            let at = usize::try_from(number / 8).ok()?;
            *bytes.get_mut(at)? |= 1 << (number % 8);
        }
        Some(Self {
            size: length,
            bits: bytes.as_mut_ptr(),
            bytes,
        })
    }

    /// What libxl is given. It reads; the pointer is good as long as this is.
    pub(super) fn pointer(&mut self) -> *mut c_void {
        self.bits = self.bytes.as_mut_ptr();
        std::ptr::from_mut(self).cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_bits() {
        let bits = |numbers: &[u32]| Bitmap::of(numbers).map(|it| it.bytes);
        assert_eq!(bits(&[]), Some(vec![0]));
        assert_eq!(bits(&[0, 2]), Some(vec![5]));
        assert_eq!(bits(&[8, 0]), Some(vec![1, 1]));
        assert_eq!(bits(&[BIT_MAX + 1]), None);
        let mut map = Bitmap::of(&[17]).unwrap();
        assert_eq!((map.size, map.pointer().is_null()), (3, false));
    }
}
