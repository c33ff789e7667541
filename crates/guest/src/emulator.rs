//! The device model: its program, and the domain that it runs in.
//!
//! The attributes beside the path are those of Qubes OS; libvirt's schema has none.

use crate::MemoryKib;
use crate::words::words;

/// The device model of a fully virtualized guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emulator {
    /// Path of its program in Domain-0; `None` leaves it to the host.
    pub path: Option<String>,
    /// Where it runs; `None` means in Domain-0.
    pub kind: Option<EmulatorType>,
    /// Memory of its stub domain.
    pub memory: Option<MemoryKib>,
    /// Kernel of its stub domain.
    pub kernel: Option<String>,
    /// Initial RAM disk of its stub domain.
    pub ramdisk: Option<String>,
    /// Further arguments of the program, separated by spaces.
    pub cmdline: Option<String>,
}

words! {
    /// Where a device model runs.
    EmulatorType {
        /// In Domain-0:
        Qemu = "qemu",
        /// In a stub domain of MiniOS, the old qemu:
        Stubdom = "stubdom",
        /// In a stub domain of Linux:
        StubdomLinux = "stubdom-linux",
    }
}

impl From<String> for Emulator {
    fn from(path: String) -> Self {
        Self {
            path: Some(path),
            ..Self::default()
        }
    }
}

impl Emulator {
    /// Whether it runs in a domain of its own.
    #[must_use]
    pub const fn is_stubdomain(&self) -> bool {
        matches!(
            self.kind,
            Some(EmulatorType::Stubdom | EmulatorType::StubdomLinux)
        )
    }
}
