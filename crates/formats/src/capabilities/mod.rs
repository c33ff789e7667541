//! What a Xen host can run: the model of libvirt's `<capabilities>` document.
//!
//! [`Capabilities::of_host`] builds it from facts that any channel can supply:
//! the text of `/sys/hypervisor/properties/capabilities` or XenD's `xen_caps`,
//! and the processor's flags from `/proc/cpuinfo` or XenD's `hw_caps`.
//! [`Capabilities::format`] writes the document. [`Capabilities::of_guests`] says more of
//! one kind of guest. Nothing here asks a host.

mod devices;
mod domain;
mod format;
mod topology;

use virtxen_guest::{MemoryKib, Uuid};

pub use devices::DeviceCapabilities;
pub use domain::{DomainCapabilities, DomainQuery, QueryError};
pub use topology::parse_node_to_cpu;

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

/// The flags of the processor that matter to a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuFlags {
    /// Intel's hardware virtualization.
    pub vmx: bool,
    /// AMD's hardware virtualization.
    pub svm: bool,
    /// Physical addresses beyond 4 GiB in 32-bit mode.
    pub pae: bool,
}

/// Word and bit of a feature.
type Place = (usize, u32);

/// Where Xen has vmx, svm and pae, from a release on: in the order of Linux'
/// `x86_capability` of old (word 0 is EDX of CPUID leaf 1, 4 its ECX, 6 is ECX of leaf
/// 0x80000001), then in that of Xen's own feature sets (0 and 1 are EDX and ECX of leaf
/// 1, 2 and 3 those of leaf 0x80000001).
const HW_CAPS: [((u32, u32), [Place; 3]); 2] = [
    ((0, 0), [(4, 5), (6, 2), (0, 6)]),
    ((4, 7), [(1, 5), (3, 2), (0, 6)]),
];

impl CpuFlags {
    /// From `/proc/cpuinfo`. Without a `flags` line (Itanium, PowerPC) none is set.
    #[must_use]
    pub fn from_cpuinfo(text: &str) -> Self {
        let mut flags = Self::default();
        for line in text.lines() {
            let Some((key, words)) = line.split_once(':') else {
                continue;
            };
            if key.trim_end() != "flags" {
                continue;
            }
            for word in words.split_ascii_whitespace() {
                match word {
                    "vmx" => flags.vmx = true,
                    "svm" => flags.svm = true,
                    "pae" => flags.pae = true,
                    _ => {}
                }
            }
        }
        flags
    }

    /// From the words of the processors' features as Xen has them and XenD prints
    /// them: hexadecimal, between colons. Their order depends on the release, major
    /// and minor. Words that are not there or not numbers count as zero.
    #[must_use]
    pub fn from_hw_caps(text: &str, xen: (u32, u32)) -> Self {
        let places = HW_CAPS.iter().rev().find(|(from, _)| *from <= xen);
        let [vmx, svm, pae] = places.map_or(HW_CAPS[0].1, |(_, places)| *places);
        let is_set = |(word, bit): (usize, u32)| {
            let digits = text.trim().split(':').nth(word);
            let word = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            word.unwrap_or(0) >> bit & 1 == 1
        };
        Self {
            vmx: is_set(vmx),
            svm: is_set(svm),
            pae: is_set(pae),
        }
    }
}

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

impl Capabilities {
    /// Builds the capabilities of a host. Guest types of an architecture that is
    /// not known here are left out, as libvirt does.
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
                cpu_features: cpu_features(facts.cpu),
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
            },
            guests,
            xen_version: facts.xen_version,
        }
    }
}

/// libvirt names `pae` only of a processor without hardware virtualization;
/// tools compare these lists, so it stays so.
fn cpu_features(flags: CpuFlags) -> Vec<&'static str> {
    if flags.vmx {
        vec!["vmx"]
    } else if flags.svm {
        vec!["svm"]
    } else if flags.pae {
        vec!["pae"]
    } else {
        Vec::new()
    }
}

/// One word of Xen's list: `TYPE-VERSION-ARCH`, with `p` for PAE or `be` for
/// big-endian at the end.
struct GuestWord {
    guest_type: GuestType,
    arch: Arch,
    pae: bool,
    big_endian: bool,
}

impl GuestWord {
    fn parse(word: &str) -> Option<Self> {
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

    fn identity(&self) -> (GuestType, Arch) {
        (self.guest_type, self.arch)
    }

    /// Kinds of guests that a word stands for.
    fn kinds(&self, xen_version: Option<(u32, u32)>) -> &'static [GuestType] {
        match self.guest_type {
            GuestType::Hvm if xen_version.is_some_and(|xen| xen >= PVH) => {
                &[GuestType::Hvm, GuestType::Pvh]
            }
            GuestType::Hvm => &[GuestType::Hvm],
            GuestType::Pv | GuestType::Pvh => &[GuestType::Pv],
        }
    }

    fn guest(
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
    fn flags_are_the_same_from_both_sources() {
        // A Core 2 of the recorded hosts: EDX has pae, ECX of leaf 1 has vmx.
        let hw = CpuFlags::from_hw_caps(
            "0febfbff:20100800:00000000:00000140:0000e3bd:00000000:00000001:00000000",
            (4, 4),
        );
        let cpuinfo = CpuFlags::from_cpuinfo("processor : 0\nflags\t\t: fpu pae vmx lm\n");
        assert_eq!(hw, cpuinfo);
        let amd = CpuFlags::from_hw_caps("178bfbff:ebd3fbff:0:10:2001:0:1f", (3, 1));
        assert!(amd.svm && amd.pae && !amd.vmx);
        assert_eq!(CpuFlags::from_hw_caps("zz::", (4, 17)), CpuFlags::default());
        // The same processors as Xen 4.7 tells them.
        let new = "0febfbff:0000e3bd:20100800:00000001:00000000:00000000:00000000:00000000";
        for release in [(4, 7), (4, 22), (5, 0)] {
            assert_eq!(CpuFlags::from_hw_caps(new, release), cpuinfo);
        }
        let amd = CpuFlags::from_hw_caps("178bfbff:2001:ebd3fbff:1f:0:0:0:0", (4, 17));
        assert!(amd.svm && amd.pae && !amd.vmx);
        // The last word of a line counts too, a part of a word does not.
        assert!(CpuFlags::from_cpuinfo("flags : vmx").vmx);
        assert!(!CpuFlags::from_cpuinfo("flags : novmx\nbugs: vmx").vmx);
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
