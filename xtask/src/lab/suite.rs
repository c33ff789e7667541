//! The releases of Debian whose Xen the lab can boot, and in what they differ.
//!
//! What all have in common is in `lab/packages`.

/// A release of Debian, and with it one of Xen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Suite {
    /// Debian 11 with Xen 4.14
    Bullseye,
    /// Debian 12 with Xen 4.17
    Bookworm,
    /// Debian 13 with Xen 4.20
    Trixie,
}

/// What is special about a suite.
struct Facts {
    name: &'static str,
    xen: &'static str,
    /// Packages of dom0 besides those with Xen's release in their name: device models.
    packages: &'static [&'static str],
    /// Its C library is older than the one that programs are built with.
    old_libc: bool,
}

impl Suite {
    /// All of them, oldest first.
    pub(super) const ALL: [Self; 3] = [Self::Bullseye, Self::Bookworm, Self::Trixie];

    const fn facts(self) -> Facts {
        match self {
            Self::Bullseye => Facts {
                name: "bullseye",
                xen: "4.14",
                packages: &["qemu-system-x86", "libvirt-daemon-driver-xen"],
                old_libc: true,
            },
            Self::Bookworm => Facts {
                name: "bookworm",
                xen: "4.17",
                packages: &["qemu-system-xen", "libvirt-daemon-driver-xen"],
                old_libc: false,
            },
            Self::Trixie => Facts {
                name: "trixie",
                xen: "4.20",
                packages: &["qemu-system-xen", "libvirt-daemon-driver-xen"],
                old_libc: false,
            },
        }
    }

    /// Debian's name for it.
    pub(super) const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The release of its Xen.
    pub(super) const fn xen(self) -> &'static str {
        self.facts().xen
    }

    /// Whether programs built on this machine need their C library beside them.
    pub(super) const fn old_libc(self) -> bool {
        self.facts().old_libc
    }

    /// The packages of dom0 that other suites do not have.
    pub(super) fn packages(self) -> Vec<String> {
        let Facts { xen, packages, .. } = self.facts();
        let mut all = vec![
            format!("xen-hypervisor-{xen}-amd64"),
            format!("xen-utils-{xen}"),
        ];
        all.extend(packages.iter().map(|&name| name.to_owned()));
        all
    }
}
