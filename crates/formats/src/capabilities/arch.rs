//! Architectures of processors, by the names that everybody has for them.

/// A processor architecture that Xen has run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 32-bit x86.
    I686,
    /// 64-bit x86.
    X86_64,
    /// Itanium.
    Ia64,
    /// 64-bit PowerPC.
    Ppc64,
    /// 32-bit Arm.
    Armv7l,
    /// 64-bit Arm.
    Aarch64,
}

/// Spellings of the architectures: `uname -m`, Xen's words, libvirt's own name
/// last in each row.
const ARCH_NAMES: &[(Arch, &[&str])] = &[
    (
        Arch::I686,
        &["i386", "i486", "i586", "i86pc", "x86_32", "i686"],
    ),
    (Arch::X86_64, &["amd64", "x86_64"]),
    (Arch::Ia64, &["itanium", "ia64"]),
    (Arch::Ppc64, &["powerpc64", "ppc64"]),
    (Arch::Armv7l, &["armv7", "armv8l", "armv7l"]),
    (Arch::Aarch64, &["arm64", "aarch64"]),
];

impl Arch {
    /// From what `uname -m`, Xen or libvirt call it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ARCH_NAMES
            .iter()
            .find(|(_, names)| names.contains(&name))
            .map(|(arch, _)| *arch)
    }

    /// libvirt's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ARCH_NAMES
            .iter()
            .find(|(arch, _)| *arch == self)
            .and_then(|(_, names)| names.last().copied())
            .unwrap_or_default()
    }

    /// Bits of a machine word.
    #[must_use]
    pub const fn word_size(self) -> u32 {
        match self {
            Self::I686 | Self::Armv7l => 32,
            Self::X86_64 | Self::Ia64 | Self::Ppc64 | Self::Aarch64 => 64,
        }
    }
}
