//! How the table says where a field is, and reading and writing by it.
//!
//! Which variant fits a host is chosen in the module above; nothing here knows
//! what a field means.

/// Bit of x86, 64-bit.
pub const X86_64: u8 = 1;
/// Bit of x86, 32-bit.
pub const X86_32: u8 = 2;
/// Bit of Arm, 64-bit.
pub const ARM64: u8 = 4;

/// A release of Xen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// First number.
    pub major: u8,
    /// Second number.
    pub minor: u8,
    /// Third number.
    pub point: u8,
}

impl Release {
    /// Newer than every release: the development head that was probed.
    pub const NEWEST: Self = Self {
        major: u8::MAX,
        minor: u8::MAX,
        point: u8::MAX,
    };
}

/// Inclusive ranges of releases.
pub type Releases = &'static [(Release, Release)];

/// What one release demands of callers.
#[derive(Debug)]
pub struct ReleaseRow {
    /// First and last release of the row.
    pub releases: (Release, Release),
    /// Version word of `dom0_op`, up to 3.0.2.
    pub dom0: Option<u32>,
    /// Version word of `sysctl`, from 3.0.3 on.
    pub sysctl: Option<u32>,
    /// Version word of `domctl`, from 3.0.3 on.
    pub domctl: Option<u32>,
}

/// One operation in all its variants.
#[derive(Debug)]
pub struct Operation {
    /// Name in Xen's headers.
    pub name: &'static str,
    /// Its variants, oldest first.
    pub variants: &'static [Variant],
}

/// One form of an operation or struct.
#[derive(Debug)]
pub struct Variant {
    /// Releases that have it.
    pub releases: Releases,
    /// Interface versions that have it.
    pub versions: &'static [u32],
    /// Command number; 0 for structs.
    pub command: u32,
    /// Layouts with the architectures of each.
    pub layouts: &'static [(u8, Layout)],
}

/// Where the fields are.
#[derive(Debug)]
pub struct Layout {
    /// Bytes in all.
    pub size: u16,
    /// Fields, in order.
    pub fields: &'static [Field],
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Name in Xen's headers, with dots for nested structs.
    pub name: &'static str,
    /// Offset in bytes.
    pub offset: u16,
    /// Bytes.
    pub size: u16,
}

/// A value that has a name.
#[derive(Debug)]
pub struct Constant {
    /// Name in Xen's headers.
    pub name: &'static str,
    /// Value.
    pub value: u32,
    /// Releases in which it has this value.
    pub releases: Releases,
}

impl Layout {
    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The number in a field; `None` when this layout has no such field or the
    /// bytes end before it.
    #[must_use]
    pub fn get(&self, bytes: &[u8], name: &str) -> Option<u64> {
        self.field(name)?.get(bytes)
    }
}

impl Field {
    /// The number in this field.
    #[must_use]
    pub fn get(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = self.bytes(bytes)?;
        match *bytes {
            [a] => Some(u64::from(a)),
            [a, b] => Some(u64::from(u16::from_ne_bytes([a, b]))),
            [a, b, c, d] => Some(u64::from(u32::from_ne_bytes([a, b, c, d]))),
            [a, b, c, d, e, f, g, h] => Some(u64::from_ne_bytes([a, b, c, d, e, f, g, h])),
            _ => None,
        }
    }

    /// Writes a number, cut to the width of the field; `false` when it does not
    /// fit in the bytes or the field is no number.
    #[must_use]
    pub fn put(&self, bytes: &mut [u8], value: u64) -> bool {
        let start = usize::from(self.offset);
        let end = start + usize::from(self.size);
        let Some(target) = bytes.get_mut(start..end) else {
            return false;
        };
        match target.len() {
            1 => target.copy_from_slice(&(value as u8).to_ne_bytes()),
            2 => target.copy_from_slice(&(value as u16).to_ne_bytes()),
            4 => target.copy_from_slice(&(value as u32).to_ne_bytes()),
            8 => target.copy_from_slice(&value.to_ne_bytes()),
            _ => return false,
        }
        true
    }

    /// The bytes of this field.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::from(self.offset);
        bytes.get(start..start + usize::from(self.size))
    }
}

/// Whether a release is in one of the ranges.
#[must_use]
pub fn contains(releases: Releases, release: Release) -> bool {
    releases
        .iter()
        .any(|(from, to)| *from <= release && release <= *to)
}
