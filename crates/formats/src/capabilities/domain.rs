//! What guests of one kind can be made of: the model of libvirt's
//! `<domainCapabilities>` document.
//!
//! [`Capabilities::of_guests`] picks the kind that a client asks for; which devices it
//! can have is in `devices`, and the document is written in `format`.

use super::devices::{self, DeviceCapabilities};
use super::{Arch, Capabilities, GuestCapabilities, GuestType};

/// Release of Xen, major and minor.
pub(super) type Release = (u32, u32);

/// First release without XenD: guests are built by libxl, their devices are emulated by
/// an unchanged QEMU, and hvmloader can hand over to OVMF.
pub(super) const WITHOUT_XEND: Release = (4, 5);

/// Most vcpus of a guest: those of the first shared page before Xen 4.0, since then
/// what HVM's tables have room for. PV guests could have more than anybody has tried:
/// 512 is what libvirt tells of them.
const VCPUS: &[(Release, GuestType, u32)] = &[
    ((4, 0), GuestType::Pv, 512),
    ((4, 0), GuestType::Hvm, 128),
    ((4, 0), GuestType::Pvh, 128),
];
const VCPUS_BEFORE: u32 = 32;

/// Firmware of fully virtualized guests.
pub(super) const HVMLOADER: &str = "/usr/lib/xen/boot/hvmloader";
const OVMF: &str = "/usr/lib/xen/boot/ovmf.bin";

/// The guests that a client asks about; what it leaves open is chosen for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DomainQuery<'a> {
    /// Program that emulates devices; told as it is asked.
    pub emulator: Option<&'a str>,
    /// Architecture, else that of the host.
    pub arch: Option<&'a str>,
    /// Machine, else `xenpv` where the host has it.
    pub machine: Option<&'a str>,
    /// Kind of hypervisor, which can only be `xen`.
    pub virt_type: Option<&'a str>,
}

/// Why there are no such guests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The hypervisor is another one.
    #[error("unknown virttype: {0}; this host runs guests of Xen ('xen')")]
    VirtType(String),
    /// Nobody has heard of such processors on Xen.
    #[error("unknown architecture: {0}")]
    Arch(String),
    /// Xen has no such machine.
    #[error("Xen only supports 'xenpv', 'xenpvh' and 'xenfv' machines, not '{0}'")]
    Machine(String),
    /// The host has no such guests.
    #[error("the host runs no {machine} guests of {arch}, but {known}", known = known(.guests))]
    Guests {
        /// The machine that was asked for, or `Xen`.
        machine: &'static str,
        /// The architecture.
        arch: &'static str,
        /// What the host runs: machine and architecture.
        guests: Vec<(&'static str, &'static str)>,
    },
}

/// What guests of one kind can be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCapabilities {
    /// Program that emulates devices.
    pub emulator: String,
    /// Kind of guest.
    pub guest_type: GuestType,
    /// Architecture.
    pub arch: Arch,
    /// Most vcpus.
    pub max_vcpus: u32,
    /// Firmware, the best first; empty where it cannot be chosen.
    pub loaders: Vec<&'static str>,
    /// How firmware can be mapped, in libvirt's words.
    pub loader_types: Vec<&'static str>,
    /// Devices with what can be chosen of them.
    pub devices: Vec<DeviceCapabilities>,
}

impl Capabilities {
    /// What the guests that a client asks for can be made of.
    ///
    /// # Errors
    /// When Xen has no such guests, or this host has not.
    pub fn of_guests(&self, query: &DomainQuery<'_>) -> Result<DomainCapabilities, QueryError> {
        if let Some(other) = query.virt_type.filter(|name| *name != "xen") {
            return Err(QueryError::VirtType(other.to_owned()));
        }
        let arch = query.arch.map_or(Ok(self.host.arch), |name| {
            Arch::from_name(name).ok_or_else(|| QueryError::Arch(name.to_owned()))
        })?;
        let machine = |name: &str| {
            GuestType::from_machine(name).ok_or_else(|| QueryError::Machine(name.to_owned()))
        };
        let wanted = query.machine.map(machine).transpose()?;
        let fits = |guest: &&GuestCapabilities| {
            guest.arch == arch && wanted.is_none_or(|wanted| guest.guest_type == wanted)
        };
        // The kinds are in the order in which one is chosen.
        let guest = self
            .guests
            .iter()
            .filter(fits)
            .min_by_key(|it| it.guest_type);
        let guest = guest.ok_or_else(|| self.no_guests(wanted, arch))?;
        Ok(self.of_guest(guest, query.emulator))
    }

    fn of_guest(&self, guest: &GuestCapabilities, emulator: Option<&str>) -> DomainCapabilities {
        let release = self.xen_version.unwrap_or_default();
        let kind = guest.guest_type;
        let (loaders, loader_types) = match kind {
            GuestType::Hvm if release >= WITHOUT_XEND => {
                (vec![OVMF, HVMLOADER], vec!["rom", "pflash"])
            }
            GuestType::Hvm => (vec![HVMLOADER], vec!["rom"]),
            GuestType::Pv | GuestType::Pvh => Default::default(),
        };
        DomainCapabilities {
            emulator: emulator.unwrap_or(&guest.emulator).to_owned(),
            guest_type: kind,
            arch: guest.arch,
            max_vcpus: max_vcpus(kind, release),
            loaders,
            loader_types,
            devices: devices::of_guest(kind, release),
        }
    }

    fn no_guests(&self, wanted: Option<GuestType>, arch: Arch) -> QueryError {
        let of = |guest: &GuestCapabilities| (guest.guest_type.machine(), guest.arch.name());
        QueryError::Guests {
            machine: wanted.map_or("Xen", GuestType::machine),
            arch: arch.name(),
            guests: self.guests.iter().map(of).collect(),
        }
    }
}

fn max_vcpus(kind: GuestType, release: Release) -> u32 {
    let mut rows = VCPUS.iter();
    let row = rows.find(|(since, of, _)| *of == kind && *since <= release);
    row.map_or(VCPUS_BEFORE, |(_, _, count)| *count)
}

fn known(guests: &[(&'static str, &'static str)]) -> String {
    if guests.is_empty() {
        return "none at all".to_owned();
    }
    let each = guests
        .iter()
        .map(|(machine, arch)| format!("{machine} of {arch}"));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::{CpuFlags, HostFacts};
    use super::*;

    const TYPES: &str = "xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_64";

    fn host(guest_types: &str, xen_version: Option<Release>) -> Capabilities {
        Capabilities::of_host(HostFacts {
            guest_types,
            cpu: CpuFlags::default(),
            arch: Arch::X86_64,
            xen_version,
            uuid: None,
            migration_transports: &[],
            cells: Vec::new(),
        })
    }

    fn query<'a>(machine: &'a str, arch: &'a str) -> DomainQuery<'a> {
        DomainQuery {
            machine: Some(machine).filter(|name| !name.is_empty()),
            arch: Some(arch).filter(|name| !name.is_empty()),
            ..DomainQuery::default()
        }
    }

    #[test]
    fn what_is_left_open_is_what_the_host_has() {
        let kind = |types: &str, machine: &str, arch: &str| {
            let found = host(types, Some((4, 17))).of_guests(&query(machine, arch));
            found.map(|it| (it.guest_type.machine(), it.arch.name()))
        };
        assert_eq!(kind(TYPES, "", ""), Ok(("xenpv", "x86_64")));
        assert_eq!(kind("hvm-3.0-x86_64", "", ""), Ok(("xenfv", "x86_64")));
        assert_eq!(kind(TYPES, "", "i686"), Ok(("xenpv", "i686")));
        assert_eq!(kind(TYPES, "xenpvh", ""), Ok(("xenpvh", "x86_64")));
        assert_eq!(
            kind(TYPES, "xenfv", "i686").unwrap_err().to_string(),
            "the host runs no xenfv guests of i686, but xenpv of x86_64, xenpv of i686, \
             xenfv of x86_64, xenpvh of x86_64"
        );
        assert!(
            kind("", "", "")
                .unwrap_err()
                .to_string()
                .ends_with("none at all")
        );
    }

    #[test]
    fn what_xen_does_not_have_is_said_in_libvirts_words() {
        let message = |query: DomainQuery<'_>| {
            let found = host(TYPES, Some((4, 1))).of_guests(&query);
            found.map(|it| it.guest_type).unwrap_err().to_string()
        };
        let kvm = DomainQuery {
            virt_type: Some("kvm"),
            ..DomainQuery::default()
        };
        assert!(message(kvm).starts_with("unknown virttype: kvm"));
        assert!(message(query("", "vax")).starts_with("unknown architecture: vax"));
        let message = message(query("pc", ""));
        assert!(message.starts_with("Xen only supports 'xenpv', 'xenpvh' and 'xenfv' machines"));
    }

    #[test]
    fn the_release_decides() {
        let of = |machine, version| host(TYPES, version).of_guests(&query(machine, ""));
        let vcpus = |machine, version| of(machine, version).unwrap().max_vcpus;
        assert_eq!(vcpus("xenpv", None), 32);
        assert_eq!(vcpus("xenfv", Some((3, 4))), 32);
        assert_eq!(vcpus("xenfv", Some((4, 0))), 128);
        assert_eq!(vcpus("xenpv", Some((4, 22))), 512);
        assert!(of("xenpvh", Some((4, 9))).is_err());
        assert_eq!(vcpus("xenpvh", Some((4, 10))), 128);
        assert_eq!(of("xenfv", Some((4, 4))).unwrap().loaders, [HVMLOADER]);
        assert_eq!(
            of("xenfv", Some((4, 5))).unwrap().loaders,
            [OVMF, HVMLOADER]
        );
        assert_eq!(of("xenpv", Some((4, 5))).unwrap().loaders, [""; 0]);
    }
}
