//! What differs between releases of Xen: which layout an operation has.
//!
//! The table is [`table`], made from probes of every release; this module chooses
//! in it by the interface versions that the running hypervisor takes.

pub mod layout;
pub mod table;

pub use layout::{Field, Layout, Operation, Release};

use crate::error::{Error, Result};
use layout::{ARM64, Variant, X86_32, X86_64, contains};
use std::fmt;

/// Layout family of the running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// x86, 64-bit.
    X86_64,
    /// x86, 32-bit.
    X86_32,
    /// Arm, 64-bit.
    Arm64,
}

impl Arch {
    /// Of this program, if Xen runs on it.
    #[must_use]
    pub const fn native() -> Option<Self> {
        if cfg!(target_arch = "x86_64") {
            Some(Self::X86_64)
        } else if cfg!(target_arch = "x86") {
            Some(Self::X86_32)
        } else if cfg!(target_arch = "aarch64") {
            Some(Self::Arm64)
        } else {
            None
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::X86_64 => X86_64,
            Self::X86_32 => X86_32,
            Self::Arm64 => ARM64,
        }
    }
}

/// One of the hypercalls that carry operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Hypercall 7 of Xen 3.0.0 to 3.0.2.
    Dom0Op,
    /// Hypercall 35, from 3.0.3 on: about the host.
    Sysctl,
    /// Hypercall 36, from 3.0.3 on: about a domain.
    Domctl,
}

impl Family {
    /// Hypercall number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Dom0Op => 7,
            Self::Sysctl => 35,
            Self::Domctl => 36,
        }
    }

    fn operations(self) -> &'static [Operation] {
        match self {
            Self::Dom0Op => table::DOM0_OP,
            Self::Sysctl => table::SYSCTL,
            Self::Domctl => table::DOMCTL,
        }
    }
}

/// Name of the operation with this command number in this version of a family.
pub(crate) fn name_of(family: Family, version: u32, command: u32) -> Option<&'static str> {
    // dom0_op had one version only, which its variants do not name.
    let matches = |variant: &Variant| {
        let versions = variant.versions;
        variant.command == command && (versions.is_empty() || versions.contains(&version))
    };
    let mut operations = family.operations().iter();
    let found = operations.find(|operation| operation.variants.iter().any(matches));
    found.map(|operation| operation.name)
}

/// The interface versions that a hypervisor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interfaces {
    /// Up to 3.0.2: one version for all.
    Dom0Op(u32),
    /// From 3.0.3 on.
    Control {
        /// Of sysctl.
        sysctl: u32,
        /// Of domctl.
        domctl: u32,
    },
}

impl fmt::Display for Interfaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dom0Op(version) => write!(f, "dom0_op {version:#010x}"),
            Self::Control { sysctl, domctl } => write!(f, "sysctl {sysctl}, domctl {domctl}"),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.point)
    }
}

/// The layouts of one hypervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abi {
    /// Layout family.
    pub arch: Arch,
    /// Versions that the hypervisor takes.
    pub interfaces: Interfaces,
    /// What the hypervisor says of itself: decides where a layout changed without
    /// its version.
    pub release: Release,
}

impl Abi {
    /// The layouts of a release of the table; for simulators and tests.
    #[must_use]
    pub fn of_release(arch: Arch, release: Release) -> Option<Self> {
        let row = table::RELEASES
            .iter()
            .find(|row| row.releases.0 <= release && release <= row.releases.1)?;
        let interfaces = match (row.dom0, row.sysctl, row.domctl) {
            (Some(version), ..) => Interfaces::Dom0Op(version),
            (None, Some(sysctl), Some(domctl)) => Interfaces::Control { sysctl, domctl },
            _ => return None,
        };
        Some(Self {
            arch,
            interfaces,
            release,
        })
    }

    /// The version word that a family wants; `None` when it does not exist.
    #[must_use]
    pub fn version(&self, family: Family) -> Option<u32> {
        match (self.interfaces, family) {
            (Interfaces::Dom0Op(version), Family::Dom0Op) => Some(version),
            (Interfaces::Control { sysctl, .. }, Family::Sysctl) => Some(sysctl),
            (Interfaces::Control { domctl, .. }, Family::Domctl) => Some(domctl),
            _ => None,
        }
    }

    /// The family of operations on domains.
    #[must_use]
    pub fn control(&self) -> Family {
        match self.interfaces {
            Interfaces::Dom0Op(_) => Family::Dom0Op,
            Interfaces::Control { .. } => Family::Domctl,
        }
    }

    /// Command number and layout of an operation.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when this hypervisor does not have it.
    pub fn operation(&self, family: Family, name: &'static str) -> Result<(u32, &'static Layout)> {
        let missing = || Error::Unsupported {
            release: self.release.to_string(),
            operation: name,
        };
        let version = self.version(family).ok_or_else(missing)?;
        let operation = family
            .operations()
            .iter()
            .find(|operation| operation.name == name);
        let variants = operation.map_or(&[][..], |operation| operation.variants);
        self.choose(variants, version).ok_or_else(missing)
    }

    /// Name and layout of the operation with this command number; what a
    /// hypervisor does with a request.
    #[must_use]
    pub fn command(&self, family: Family, command: u32) -> Option<(&'static str, &'static Layout)> {
        let mut names = family.operations().iter().map(|operation| operation.name);
        names.find_map(|name| {
            let (number, layout) = self.operation(family, name).ok()?;
            (number == command).then_some((name, layout))
        })
    }

    /// Where the operation begins in a request of a family.
    #[must_use]
    pub fn union_offset(&self, family: Family) -> usize {
        match (family, self.arch, self.version(Family::Domctl)) {
            (Family::Domctl, Arch::X86_32, Some(3 | 4)) => 12,
            (Family::Domctl, ..) => 16,
            _ => 8,
        }
    }

    /// Layout of one element of a domain list. It follows the domctl version,
    /// although sysctl carries the list.
    #[must_use]
    pub fn domain_element(&self) -> Option<&'static Layout> {
        let name = "domaininfo_element";
        let variants = table::STRUCTS.iter().find(|it| it.name == name)?.variants;
        match self.interfaces {
            Interfaces::Dom0Op(_) => {
                let old = variants
                    .iter()
                    .find(|variant| variant.versions.is_empty())?;
                self.layout_of(old)
            }
            Interfaces::Control { domctl, .. } => Some(self.choose(variants, domctl)?.1),
        }
    }

    /// Layout of a struct that lists point at.
    #[must_use]
    pub fn structure(&self, name: &str) -> Option<&'static Layout> {
        let variants = table::STRUCTS.iter().find(|it| it.name == name)?.variants;
        let fits = |variant: &&Variant| contains(variant.releases, self.release);
        self.layout_of(variants.iter().find(fits).or(variants.last())?)
    }

    /// The value of a flag or number, which is 0 where the release has none.
    #[must_use]
    pub fn constant(&self, name: &str) -> u32 {
        table::CONSTANTS
            .iter()
            .find(|it| it.name == name && contains(it.releases, self.release))
            .map_or(0, |it| it.value)
    }

    /// The variant of this version; of several, the one of the release; of none
    /// of them, the newest that the version has.
    fn choose(&self, variants: &'static [Variant], version: u32) -> Option<(u32, &'static Layout)> {
        let fitting = || {
            variants
                .iter()
                .filter(|variant| variant.versions.contains(&version))
        };
        let variant = fitting()
            .find(|variant| contains(variant.releases, self.release))
            .or_else(|| fitting().next_back())?;
        Some((variant.command, self.layout_of(variant)?))
    }

    fn layout_of(&self, variant: &'static Variant) -> Option<&'static Layout> {
        let fits = |(arches, _): &&(u8, Layout)| arches & self.arch.bit() != 0;
        variant.layouts.iter().find(fits).map(|(_, layout)| layout)
    }
}
