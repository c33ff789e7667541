//! Kinds of guests that a host can run, from the words in which Xen tells them.

use super::{Arch, domain};

/// How a guest is virtualized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuestType {
    /// Paravirtualized: os type `xen`, machine `xenpv`.
    Pv,
    /// Fully virtualized: os type `hvm`, machine `xenfv`.
    Hvm,
    /// Paravirtualized in a hardware container: os type and machine `xenpvh`.
    Pvh,
}

/// Kinds with libvirt's names of os type and machine.
const GUEST_TYPES: &[(GuestType, &str, &str)] = &[
    (GuestType::Pv, "xen", "xenpv"),
    (GuestType::Hvm, "hvm", "xenfv"),
    (GuestType::Pvh, "xenpvh", "xenpvh"),
];

/// First release whose libxl makes guests of the kind PVH, wherever it makes HVM ones.
const PVH: (u32, u32) = (4, 10);

impl GuestType {
    /// From libvirt's name of the machine.
    #[must_use]
    pub fn from_machine(name: &str) -> Option<Self> {
        let row = GUEST_TYPES.iter().find(|(_, _, machine)| *machine == name);
        row.map(|(kind, _, _)| *kind)
    }

    /// libvirt's name of the machine.
    #[must_use]
    pub fn machine(self) -> &'static str {
        self.names().1
    }

    /// libvirt's name of the os type.
    #[must_use]
    pub fn os_type(self) -> &'static str {
        self.names().0
    }

    fn names(self) -> (&'static str, &'static str) {
        let row = GUEST_TYPES.iter().find(|(kind, _, _)| *kind == self);
        row.map(|(_, os, machine)| (*os, *machine))
            .unwrap_or_default()
    }
}

/// A kind of guest that the host can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestCapabilities {
    /// How it is virtualized.
    pub guest_type: GuestType,
    /// Its architecture.
    pub arch: Arch,
    /// Program that emulates its devices.
    pub emulator: String,
    /// Firmware, of fully virtualized guests.
    pub loader: Option<String>,
    /// 32-bit guests may use physical addresses beyond 4 GiB.
    pub pae: bool,
    /// 32-bit guests may go without them.
    pub non_pae: bool,
    /// Big-endian guests on Itanium.
    pub ia64_be: bool,
    /// Features that a guest's document can turn on or off.
    pub features: Vec<GuestFeature>,
}

/// A feature that a guest may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestFeature {
    /// libvirt's name.
    pub name: &'static str,
    /// It is there unless the guest says otherwise.
    pub default_on: bool,
    /// The guest can say otherwise.
    pub toggle: bool,
}

/// One word of Xen's list: `TYPE-VERSION-ARCH`, with `p` for PAE or `be` for
/// big-endian at the end.
pub(super) struct GuestWord {
    guest_type: GuestType,
    pub(super) arch: Arch,
    pub(super) pae: bool,
    pub(super) big_endian: bool,
}

impl GuestWord {
    pub(super) fn parse(word: &str) -> Option<Self> {
        let mut parts = word.splitn(3, '-');
        let guest_type = match parts.next()? {
            "xen" => GuestType::Pv,
            "hvm" => GuestType::Hvm,
            _ => return None,
        };
        let (major, minor) = parts.next()?.split_once('.')?;
        let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !(number(major) && number(minor)) {
            return None;
        }
        let name = parts.next()?.trim_end();
        let (name, pae, big_endian) = match name {
            "x86_32p" => ("x86_32", true, false),
            "ia64be" => ("ia64", false, true),
            other => (other, false, false),
        };
        Some(Self {
            guest_type,
            arch: Arch::from_name(name)?,
            pae,
            big_endian,
        })
    }

    pub(super) fn identity(&self) -> (GuestType, Arch) {
        (self.guest_type, self.arch)
    }

    /// Kinds of guests that a word stands for.
    pub(super) fn kinds(&self, xen_version: Option<(u32, u32)>) -> &'static [GuestType] {
        match self.guest_type {
            GuestType::Hvm if xen_version.is_some_and(|xen| xen >= PVH) => {
                &[GuestType::Hvm, GuestType::Pvh]
            }
            GuestType::Hvm => &[GuestType::Hvm],
            GuestType::Pv | GuestType::Pvh => &[GuestType::Pv],
        }
    }

    pub(super) fn guest(
        &self,
        kind: GuestType,
        host: Arch,
        xen_version: Option<(u32, u32)>,
    ) -> GuestCapabilities {
        let library = if host == Arch::X86_64 { "lib64" } else { "lib" };
        let emulator = match xen_version {
            Some(xen) if xen >= domain::WITHOUT_XEND => {
                "/usr/lib/xen/bin/qemu-system-i386".to_owned()
            }
            _ => format!("/usr/{library}/xen/bin/qemu-dm"),
        };
        GuestCapabilities {
            guest_type: kind,
            arch: self.arch,
            emulator,
            loader: (kind == GuestType::Hvm).then(|| domain::HVMLOADER.to_owned()),
            pae: false,
            non_pae: false,
            ia64_be: false,
            features: features(kind, xen_version),
        }
    }
}

/// What a guest can turn on and off: of a fully virtualized one the APIC until Xen 3.1
/// made it permanent, hardware assisted paging from 3.3, Hyper-V's interface from 3.4.
fn features(kind: GuestType, xen_version: Option<(u32, u32)>) -> Vec<GuestFeature> {
    let feature = |name, default_on, toggle| GuestFeature {
        name,
        default_on,
        toggle,
    };
    let since = |version| xen_version.is_some_and(|xen| xen >= version);
    match kind {
        GuestType::Pv => return Vec::new(),
        GuestType::Pvh => return vec![feature("hap", true, true)],
        GuestType::Hvm => {}
    }
    let mut features = vec![
        feature("acpi", true, true),
        feature("apic", true, !since((3, 1))),
    ];
    if since((3, 3)) {
        features.push(feature("hap", true, true));
    }
    if since((3, 4)) {
        features.push(feature("viridian", false, true));
    }
    features
}
