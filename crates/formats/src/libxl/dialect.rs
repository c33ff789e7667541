//! Which libxl a configuration is for: the release of Xen, and what the host of it
//! is like. What a release has is in `schema`.

use crate::keys::Bridges;
use std::fmt;
use virtxen_guest::MemoryKib;

/// A release of Xen 4 whose libxl reads JSON: 4.5 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(u32);

impl Release {
    /// The first one whose libxl reads JSON.
    pub const OLDEST: Self = Self(5);
    /// The newest one known here; later ones are taken for it.
    pub const NEWEST: Self = Self(22);

    /// The release of these numbers, if its libxl reads JSON.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Option<Self> {
        match major {
            4 if minor >= Self::OLDEST.0 => Some(Self(minor)),
            _ => None,
        }
    }

    /// The number behind `4.`.
    #[must_use]
    pub const fn minor(self) -> u32 {
        self.0
    }

    /// All that are known here, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::OLDEST.0..=Self::NEWEST.0).map(Self)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "4.{}", self.0)
    }
}

/// For whom a configuration is written.
#[derive(Clone, Debug)]
pub struct Target {
    /// The release of Xen.
    pub release: Release,
    /// The libxl has the patches of Qubes OS: its GUI daemon, Intel's shared card.
    pub qubes: bool,
    /// Bridges of virtual networks by name: libxl knows bridges only.
    pub bridges: Bridges,
    /// Guests with the host's processor may nest guests, unless they say otherwise.
    pub nested_hvm: bool,
    /// Processors of the host, on all of which vcpus without a place may run beside
    /// others that have one.
    pub cpus: Option<u32>,
    /// NUMA nodes of the host; a guest with more has all of its nodes on the first.
    pub nodes: Option<u32>,
    /// Shadow memory that the host's libxl says the guest needs; without it, what
    /// its formula says.
    pub shadow: Option<MemoryKib>,
    /// Free TCP ports for graphical consoles, the lowest first; without them libxl
    /// looks for one when the guest starts.
    pub ports: Vec<u16>,
}

impl Target {
    /// A host about which nothing else is known.
    #[must_use]
    pub fn new(release: Release) -> Self {
        Self {
            release,
            qubes: false,
            bridges: Bridges::new(),
            nested_hvm: false,
            cpus: None,
            nodes: None,
            shadow: None,
            ports: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_with_json_are_known() {
        assert_eq!(Release::new(4, 4), None);
        assert_eq!(Release::new(3, 4), None);
        assert_eq!(Release::new(4, 5), Some(Release::OLDEST));
        assert!(Release::new(4, 30) > Some(Release::NEWEST));
        assert_eq!(Release::all().count(), 18);
        assert_eq!(Release::NEWEST.to_string(), "4.22");
    }
}
