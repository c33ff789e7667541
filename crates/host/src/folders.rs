//! The folders in which libvirt's Xen drivers keep what Xen does not, so that a host
//! can be given to libvirt and back.
//!
//! Only names: what is in them is read and written by `guest_files` and by the driver.

use std::path::{Path, PathBuf};

/// libvirt's folders below a root, `/` but in tests and for simulated hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    root: PathBuf,
}

impl Folders {
    /// The folders below another root.
    #[must_use]
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// What all of them are below.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Documents of inactive guests where no XenD keeps them, links in `autostart`
    /// start them with the host.
    #[must_use]
    pub fn documents(&self) -> PathBuf {
        self.root.join("etc/libvirt/libxl")
    }

    /// Documents of guests that XenD or xm's files keep, for what these cannot carry.
    #[must_use]
    pub fn beside(&self) -> PathBuf {
        self.root.join("etc/libvirt/xen")
    }

    /// What is known of running guests until the machine is started again; with
    /// `libxl` that of libvirt's newer driver.
    #[must_use]
    pub fn run(&self, libxl: bool) -> PathBuf {
        self.root.join(match libxl {
            true => "run/libvirt/libxl",
            false => "run/libvirt/xen",
        })
    }

    /// What comes with libvirt's library of models of processors.
    #[must_use]
    pub fn cpu_map(&self) -> PathBuf {
        self.root.join("usr/share/libvirt/cpu_map")
    }

    /// Saved memory of guests that go on when they are started: of libvirt's driver
    /// for libxl, or of that for XenD.
    #[must_use]
    pub fn saved(&self, libxl: bool) -> PathBuf {
        self.root.join(match libxl {
            true => "var/lib/libvirt/libxl/save",
            false => "var/lib/libvirt/xen/save",
        })
    }

    /// Memory of guests that have crashed and were to be dumped then.
    #[must_use]
    pub fn dumps(&self) -> PathBuf {
        self.root.join("var/lib/libvirt/libxl/dump")
    }

    /// Snapshots of guests, a folder each.
    #[must_use]
    pub fn snapshots(&self, libxl: bool) -> PathBuf {
        self.root.join(match libxl {
            true => "var/lib/libvirt/libxl/snapshot",
            false => "var/lib/libvirt/xen/snapshot",
        })
    }
}

impl Default for Folders {
    fn default() -> Self {
        Self::below("/")
    }
}
