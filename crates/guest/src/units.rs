//! Values that carry their unit or their validity in their type.
//!
//! Only the types that every crate speaks are here; what belongs to one device
//! family is in that family's file.

use std::fmt;
use std::str::FromStr;

/// Number of a running domain, given by Xen. Domain 0 is the control domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomId(pub u32);

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An amount of memory in KiB, libvirt's unit. XenD counts in MiB, Xen in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryKib(pub u64);

impl MemoryKib {
    /// From MiB, XenD's unit; saturates.
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1024))
    }

    /// In MiB, rounded up, so that a guest never gets less than it asked for.
    #[must_use]
    pub const fn to_mib_rounded_up(self) -> u64 {
        self.0.div_ceil(1024)
    }

    /// An amount with a unit of libvirt, KiB if none is said; rounded up.
    pub(crate) fn scaled(amount: &str, unit: Option<&str>) -> Option<Self> {
        let amount: u64 = amount.trim().parse().ok()?;
        let unit = unit.unwrap_or("KiB");
        let bytes: u64 = match unit.to_ascii_lowercase().as_str() {
            "b" | "byte" | "bytes" => 1,
            "kb" => 1000,
            "k" | "kib" => 1 << 10,
            "mb" => 1000 * 1000,
            "m" | "mib" => 1 << 20,
            "gb" => 1_000_000_000,
            "g" | "gib" => 1 << 30,
            "tb" => 1_000_000_000_000,
            "t" | "tib" => 1 << 40,
            "pb" => 1_000_000_000_000_000,
            "p" | "pib" => 1 << 50,
            "eb" => 1_000_000_000_000_000_000,
            "e" | "eib" => 1 << 60,
            _ => return None,
        };
        let bytes = u128::from(amount) * u128::from(bytes);
        u64::try_from(bytes.div_ceil(1024)).ok().map(Self)
    }
}

/// A domain's universally unique identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

/// A text that is not a [`Uuid`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed uuid '{text}': expected 32 hexadecimal digits")]
pub struct UuidError {
    /// The text as it was given.
    pub text: String,
}

impl Uuid {
    /// The identifier of Domain-0.
    pub const ZERO: Self = Self([0; 16]);

    /// A new random identifier (RFC 9562, version 4).
    #[must_use]
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }
}

impl FromStr for Uuid {
    type Err = UuidError;

    /// Accepts what libvirt accepts: 32 hexadecimal digits, with dashes and
    /// white space anywhere between the bytes.
    fn from_str(text: &str) -> Result<Self, UuidError> {
        let error = || UuidError {
            text: text.chars().take(80).collect(),
        };
        let mut bytes = [0; 16];
        let mut filled = 0;
        let mut digits = text
            .bytes()
            .filter(|b| *b != b'-' && !b.is_ascii_whitespace());
        while let Some(high) = digits.next() {
            let low = digits.next().ok_or_else(error)?;
            let nibble = |b: u8| {
                char::from(b)
                    .to_digit(16)
                    .and_then(|d| u8::try_from(d).ok())
            };
            let (Some(high), Some(low)) = (nibble(high), nibble(low)) else {
                return Err(error());
            };
            *bytes.get_mut(filled).ok_or_else(error)? = high << 4 | low;
            filled += 1;
        }
        if filled == bytes.len() {
            Ok(Self(bytes))
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Made for each document and many messages: sixteen numbers formatted one by one took
        // a tenth of a look-up's instructions.
        let mut text = String::with_capacity(36);
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
            text.extend(digits.into_iter().flatten());
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_takes_libvirts_spellings() {
        let dashed: Uuid = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0".parse().unwrap();
        let bare: Uuid = "4dea22b31d52d8f32516782e98ab3fa0".parse().unwrap();
        let odd: Uuid = " 4DEA22B3 1d52-d8f32516-782e98ab3fa0 ".parse().unwrap();
        assert_eq!(dashed, bare);
        assert_eq!(dashed, odd);
        assert_eq!(dashed.to_string(), "4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
    }

    #[test]
    fn uuid_refuses_other_texts() {
        for bad in [
            "",
            "4dea",
            "4dea22b31d52d8f32516782e98ab3fa",
            "4dea22b31d52d8f32516782e98ab3fa00",
            "g".repeat(32).as_str(),
        ] {
            assert!(bad.parse::<Uuid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn memory_is_rounded_up_to_mib() {
        assert_eq!(MemoryKib(1025).to_mib_rounded_up(), 2);
        assert_eq!(MemoryKib::from_mib(2), MemoryKib(2048));
    }

    #[test]
    fn memory_has_libvirts_units() {
        let scaled = MemoryKib::scaled;
        assert_eq!(scaled("1025", Some("b")), Some(MemoryKib(2)));
        assert_eq!(scaled(" 2 ", Some("GiB")), Some(MemoryKib(2 << 20)));
        assert_eq!(scaled("1", Some("KB")), Some(MemoryKib(1)));
        assert_eq!(scaled("7", None), Some(MemoryKib(7)));
        assert_eq!(scaled("7", Some("x")), None);
        assert_eq!(scaled("-7", None), None);
        assert_eq!(scaled("18446744073709551615", Some("EiB")), None);
    }
}
