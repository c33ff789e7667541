//! What a Xen host can run: the model of libvirt's `<capabilities>` document.
//!
//! [`Capabilities::of_host`] builds it from facts that any channel can supply:
//! the text of `/sys/hypervisor/properties/capabilities` or XenD's `xen_caps`,
//! and the processor's flags from `/proc/cpuinfo` or XenD's `hw_caps`.
//! [`Capabilities::format`] writes the document. [`Capabilities::of_guests`] says more of
//! one kind of guest. Nothing here asks a host.

mod arch;
mod cpu;
mod devices;
mod domain;
mod format;
mod guest;
mod topology;

use crate::cpu_map::CpuDescription;
use guest::GuestWord;
use virtxen_guest::{MemoryKib, Uuid};

pub use arch::Arch;
pub use cpu::CpuFlags;
pub use devices::DeviceCapabilities;
pub use domain::{DomainCapabilities, DomainQuery, QueryError};
pub use guest::{GuestCapabilities, GuestFeature, GuestType};
pub use topology::parse_node_to_cpu;

/// The first release without XenD.
const NO_XEND: (u32, u32) = (4, 5);

/// What is known of a host.
#[derive(Clone, Debug)]
pub struct HostFacts<'a> {
    /// Guest types in Xen's words, separated by spaces: `xen-3.0-x86_64 hvm-3.0-x86_32p`.
    pub guest_types: &'a str,
    /// Flags of the processor.
    pub cpu: CpuFlags,
    /// Architecture of Domain-0.
    pub arch: Arch,
    /// Xen's version, major and minor, where known. Without it the features that
    /// only some releases have are left out.
    pub xen_version: Option<(u32, u32)>,
    /// Identifier of the machine, where known.
    pub uuid: Option<Uuid>,
    /// Schemes of URIs to which a guest can be migrated; XenD's is `xenmigr`.
    pub migration_transports: &'a [&'a str],
    /// NUMA nodes, empty where the host does not tell.
    pub cells: Vec<NumaCell>,
}

/// What a host can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The machine.
    pub host: HostCapabilities,
    /// Kinds of guests, in the order in which Xen tells them.
    pub guests: Vec<GuestCapabilities>,
    /// Xen's version, major and minor, where known.
    pub xen_version: Option<(u32, u32)>,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCapabilities {
    /// Its identifier, where known.
    pub uuid: Option<Uuid>,
    /// Its architecture.
    pub arch: Arch,
    /// Features of its processor, in libvirt's words.
    pub cpu_features: Vec<&'static str>,
    /// Schemes of URIs to which a guest can be migrated.
    pub migration_transports: Vec<String>,
    /// With what the names of backends begin that nobody chose, as libvirt's driver for
    /// libxl says.
    pub net_prefix: Option<&'static str>,
    /// NUMA nodes, empty where the host does not tell.
    pub cells: Vec<NumaCell>,
    /// Its processors by libvirt's names, where they are known.
    pub cpu_model: Option<HostCpuModel>,
    /// Whether guests can be given devices behind an IOMMU, where the host tells.
    pub has_iommu: Option<bool>,
}

/// The processors of a host by libvirt's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCpuModel {
    /// Model and features.
    pub description: CpuDescription,
    /// Sockets of the machine.
    pub sockets: u32,
    /// Cores of a socket.
    pub cores: u32,
    /// Threads of a core.
    pub threads: u32,
}

/// A NUMA node of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumaCell {
    /// Its number.
    pub id: u32,
    /// Its memory, where known.
    pub memory: Option<MemoryKib>,
    /// Its processors.
    pub cpus: Vec<HostCpu>,
}

/// A logical processor of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCpu {
    /// Its number.
    pub id: u32,
    /// Where it sits, where known.
    pub place: Option<CpuPlace>,
}

/// Where a logical processor sits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuPlace {
    /// Its socket.
    pub socket: u32,
    /// Its core within the socket.
    pub core: u32,
    /// All logical processors of that core, itself too.
    pub siblings: Vec<u32>,
}

impl Capabilities {
    /// Builds the capabilities of a host. Guest types of an architecture that is
    /// not known here are left out, as libvirt does. The model of the processors and the
    /// IOMMU are the caller's to add.
    #[must_use]
    pub fn of_host(facts: HostFacts<'_>) -> Self {
        let mut guests: Vec<GuestCapabilities> = Vec::new();
        for word in facts.guest_types.lines().next().unwrap_or("").split(' ') {
            let Some(found) = GuestWord::parse(word) else {
                continue;
            };
            let same =
                |guest: &GuestCapabilities| (guest.guest_type, guest.arch) == found.identity();
            let index = guests.iter().position(same).unwrap_or_else(|| {
                let index = guests.len();
                let kinds = found.kinds(facts.xen_version).iter();
                guests.extend(kinds.map(|kind| found.guest(*kind, facts.arch, facts.xen_version)));
                index
            });
            if let Some(guest) = guests.get_mut(index) {
                // One line for each flavour, one guest for all flavours.
                guest.pae |= found.pae;
                guest.non_pae |= found.arch == Arch::I686 && !found.pae;
                guest.ia64_be |= found.big_endian;
            }
        }
        Self {
            host: HostCapabilities {
                uuid: facts.uuid,
                arch: facts.arch,
                cpu_features: facts.cpu.features(facts.xen_version),
                migration_transports: facts
                    .migration_transports
                    .iter()
                    .map(|s| (*s).to_owned())
                    .collect(),
                net_prefix: facts
                    .xen_version
                    .filter(|version| *version >= NO_XEND)
                    .map(|_| "vif"),
                cells: facts.cells,
                cpu_model: None,
                has_iommu: None,
            },
            guests,
            xen_version: facts.xen_version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(guest_types: &str) -> HostFacts<'_> {
        HostFacts {
            guest_types,
            cpu: CpuFlags::default(),
            arch: Arch::X86_64,
            xen_version: None,
            uuid: None,
            migration_transports: &[],
            cells: Vec::new(),
        }
    }

    #[test]
    fn words_of_one_kind_become_one_guest() {
        let caps = Capabilities::of_host(facts(
            "xen-3.0-ia64 xen-3.0-ia64be hvm-3.0-ia64 hvm-3.0-x86_32 hvm-3.0-x86_32p xen-x-y z\nhvm-3.0-x86_64",
        ));
        let kinds: Vec<_> = caps
            .guests
            .iter()
            .map(|g| (g.guest_type, g.arch, g.pae, g.non_pae, g.ia64_be))
            .collect();
        assert_eq!(
            kinds,
            [
                (GuestType::Pv, Arch::Ia64, false, false, true),
                (GuestType::Hvm, Arch::Ia64, false, false, false),
                (GuestType::Hvm, Arch::I686, true, true, false),
            ]
        );
    }

    #[test]
    fn kinds_follow_the_release() {
        let kinds = |version| {
            let caps = Capabilities::of_host(HostFacts {
                xen_version: Some(version),
                ..facts("xen-3.0-x86_64 hvm-3.0-x86_32p hvm-3.0-x86_64")
            });
            let names = caps.guests.iter().map(|it| it.guest_type.machine());
            (
                names.collect::<Vec<_>>().join(" "),
                caps.guests[0].emulator.clone(),
            )
        };
        assert_eq!(
            kinds((4, 4)),
            (
                "xenpv xenfv xenfv".into(),
                "/usr/lib64/xen/bin/qemu-dm".into()
            )
        );
        let qemu = "/usr/lib/xen/bin/qemu-system-i386";
        assert_eq!(kinds((4, 9)), ("xenpv xenfv xenfv".into(), qemu.into()));
        let all = "xenpv xenfv xenpvh xenfv xenpvh";
        assert_eq!(kinds((4, 10)), (all.into(), qemu.into()));
    }

    #[test]
    fn features_follow_the_release() {
        let names = |version| {
            let caps = Capabilities::of_host(HostFacts {
                xen_version: version,
                ..facts("hvm-3.0-x86_64")
            });
            caps.guests[0].features.clone()
        };
        assert!(names(None)[1].toggle);
        assert!(!names(Some((3, 1)))[1].toggle);
        let count = |version| names(Some(version)).len();
        assert_eq!([count((3, 2)), count((3, 3)), count((4, 1))], [2, 3, 4]);
    }
}
