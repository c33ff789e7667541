//! Rules that a guest has to keep, whatever it was made from.
//!
//! They are libvirt's: what its Xen drivers refuse to define is refused here.
//! What a certain Xen release cannot do is the converters' part.

use crate::{
    BootDevice, CpuSet, Disk, DiskDevice, DiskSource, Guest, InterfaceSource, Lifecycle,
    LifecycleAction, MemoryKib, NumaCell,
};
use std::collections::{BTreeMap, BTreeSet};

/// A part of a guest, to find its place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The guest as a whole.
    Guest,
    /// Its name.
    Name,
    /// Its title.
    Title,
    /// Its memory.
    Memory,
    /// The memory that it starts with.
    CurrentMemory,
    /// Its vcpus.
    Vcpus,
    /// The virtual NUMA nodes.
    Numa,
    /// What it boots.
    Os,
    /// Its devices as a whole.
    Devices,
    /// What happens when it powers off.
    OnPoweroff,
    /// What happens when it asks for a reboot.
    OnReboot,
    /// A device: family and number in it.
    Device(&'static str, usize),
}

/// A rule that a guest breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{rule}")]
pub struct Violation {
    /// Where.
    pub part: Part,
    /// Whether the guest can be used nevertheless.
    pub tolerable: bool,
    /// Which one.
    pub rule: Rule,
}

/// What a guest has to keep.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// A guest has a name.
    #[error("a guest needs a name")]
    NameEmpty,
    /// A name becomes a file name.
    #[error("the name '{0}' has a '/' or a line break in it")]
    NameCharacters(String),
    /// A title is one line.
    #[error("a title is one line")]
    TitleLines,
    /// A guest has memory.
    #[error("a guest needs memory")]
    NoMemory,
    /// It starts with no more than it may have.
    #[error("current memory of {0} KiB is more than the {1} KiB that the guest may have")]
    CurrentMemory(u64, u64),
    /// A guest has vcpus.
    #[error("a guest needs at least one vcpu")]
    NoVcpu,
    /// It starts with no more than it may have.
    #[error("{0} vcpus online are not possible with at most {1}")]
    CurrentVcpus(u32, u32),
    /// Nodes are numbered from 0 without a gap.
    #[error("numa cell ids have to be 0 to {0}, each once")]
    NumaIds(usize),
    /// A vcpu is in one node.
    #[error("vcpu {0} is in more than one numa cell")]
    NumaTwice(u32),
    /// Nodes have vcpus that the guest has.
    #[error("vcpu {0} of a numa cell is beyond the {1} vcpus of the guest")]
    NumaVcpu(u32, u32),
    /// A core is dumped of a guest that crashed.
    #[error("'{0}' is for on_crash: libvirt's schema refuses it here")]
    CoreDump(LifecycleAction),
    /// A file has the same name everywhere.
    #[error("'{0}' is not an absolute path: libvirt's schema refuses it")]
    RelativePath(String),
    /// A disk has a target.
    #[error("a disk needs a target")]
    DiskTarget,
    /// A target is one disk's.
    #[error("target '{0}' is another disk's already")]
    DiskTargetTwice(String),
    /// Floppies are `fd*`.
    #[error("'{0}' is no name for a floppy drive: expected fda, fdb, …")]
    FloppyName(String),
    /// Disks have names that the guest's kernel knows.
    #[error("'{0}' is no name for a disk: expected xvda, hda, sda, …")]
    DiskName(String),
    /// Only removable media can be missing.
    #[error("a disk needs a source; only cdrom and floppy drives can be empty")]
    DiskSource,
    /// libvirt wants to know which bridge; XenD takes the host's first.
    #[error("an interface on a bridge needs <source bridge='…'/>")]
    BridgeName,
    /// An interface's address is its own.
    #[error("{0} is a group address, an interface needs one of its own")]
    Multicast(String),
    /// The order is said in one way.
    #[error("a boot order of devices and <boot dev=…> of <os> exclude each other")]
    BootTwice,
    /// Orders count from 1.
    #[error("a boot order counts from 1")]
    BootOrderZero,
    /// Each number is one device's.
    #[error("boot order {0} is another device's already")]
    BootOrderTwice(u32),
}

impl Guest {
    /// All rules that this guest breaks.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Found(Vec::new());
        names(self, &mut found);
        sizes(self, &mut found);
        if let Some(cpu) = &self.cpu {
            numa(&cpu.numa, self.vcpus.max, &mut found);
        }
        disks(&self.devices.disks, &mut found);
        for (index, interface) in self.devices.interfaces.iter().enumerate() {
            if interface.source == (InterfaceSource::Bridge { bridge: None }) {
                found.tolerate(Part::Device("interface", index), Rule::BridgeName);
            }
            if let Some(mac) = interface.mac.filter(|mac| mac.is_multicast()) {
                found.add(
                    Part::Device("interface", index),
                    Rule::Multicast(mac.to_string()),
                );
            }
        }
        core_dumps(&self.lifecycle, &mut found);
        paths(self, &mut found);
        boot_order(self, &self.os.boot, &mut found);
        found.0
    }
}

struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, part: Part, rule: Rule) {
        self.0.push(Violation {
            part,
            tolerable: false,
            rule,
        });
    }

    fn tolerate(&mut self, part: Part, rule: Rule) {
        self.0.push(Violation {
            part,
            tolerable: true,
            rule,
        });
    }
}

fn names(guest: &Guest, found: &mut Found) {
    if guest.name.is_empty() {
        found.add(Part::Name, Rule::NameEmpty);
    } else if guest.name.contains(['/', '\n']) {
        found.add(Part::Name, Rule::NameCharacters(guest.name.clone()));
    }
    if guest
        .title
        .as_ref()
        .is_some_and(|title| title.contains('\n'))
    {
        found.add(Part::Title, Rule::TitleLines);
    }
}

fn sizes(guest: &Guest, found: &mut Found) {
    let MemoryKib(memory) = guest.memory;
    if memory == 0 {
        found.add(Part::Memory, Rule::NoMemory);
    } else if let Some(MemoryKib(current)) = guest.current_memory.filter(|m| m.0 > memory) {
        found.tolerate(Part::CurrentMemory, Rule::CurrentMemory(current, memory));
    }
    let max = guest.vcpus.max;
    let current = guest.vcpus.current.unwrap_or(max);
    if max == 0 || current == 0 {
        found.add(Part::Vcpus, Rule::NoVcpu);
    } else if current > max {
        found.add(Part::Vcpus, Rule::CurrentVcpus(current, max));
    }
}

fn numa(cells: &[NumaCell], vcpus: u32, found: &mut Found) {
    let Some(last) = cells.len().checked_sub(1) else {
        return;
    };
    let ids: BTreeSet<u32> = (0..)
        .zip(cells)
        .map(|(index, cell)| cell.id.unwrap_or(index))
        .collect();
    if ids.len() != cells.len() || ids.last().is_some_and(|id| *id as usize != last) {
        found.add(Part::Numa, Rule::NumaIds(last));
    }
    let mut placed = BTreeSet::new();
    for cpu in cells
        .iter()
        .flat_map(|cell| cell.cpus.iter().flat_map(CpuSet::iter))
    {
        if !placed.insert(cpu) {
            found.add(Part::Numa, Rule::NumaTwice(cpu));
            return;
        }
    }
    if let Some(cpu) = placed.last().filter(|cpu| **cpu >= vcpus) {
        found.add(Part::Numa, Rule::NumaVcpu(*cpu, vcpus));
    }
}

fn disks(disks: &[Disk], found: &mut Found) {
    let mut targets = BTreeSet::new();
    for (index, disk) in disks.iter().enumerate() {
        let part = Part::Device("disk", index);
        if disk.target.is_empty() {
            found.add(part, Rule::DiskTarget);
        } else if !targets.insert(disk.target.as_str()) {
            found.add(part, Rule::DiskTargetTwice(disk.target.clone()));
        } else if let Some(rule) = wrong_name(disk) {
            found.add(part, rule);
        }
        let removable = matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy);
        if disk.is_empty() && !removable {
            found.add(part, Rule::DiskSource);
        }
    }
}

fn paths(guest: &Guest, found: &mut Found) {
    let os = &guest.os;
    let loader = os.loader.as_ref().and_then(|loader| loader.path.as_ref());
    let tables = os.acpi_tables.iter().map(|table| &table.path);
    let booted = [&os.kernel, &os.initrd, &os.root].into_iter().flatten();
    let booted = booted.chain(loader).chain(tables);
    let emulator = guest.devices.emulator.iter();
    let emulator =
        emulator.flat_map(|it| [&it.path, &it.kernel, &it.ramdisk].into_iter().flatten());
    let all = booted
        .map(|path| (Part::Os, path))
        .chain(emulator.map(|path| (Part::Devices, path)));
    let disks = guest.devices.disks.iter().enumerate();
    let disks = disks.filter_map(|(index, disk)| match &disk.source {
        DiskSource::File { path: Some(path) } | DiskSource::Dir { path: Some(path) } => {
            Some((Part::Device("disk", index), path))
        }
        _ => None,
    });
    for (part, path) in all.chain(disks) {
        if !path.starts_with('/') || path.len() < 2 {
            found.tolerate(part, Rule::RelativePath(path.clone()));
        }
    }
}

fn core_dumps(lifecycle: &Lifecycle, found: &mut Found) {
    for (part, action) in [
        (Part::OnPoweroff, lifecycle.on_poweroff),
        (Part::OnReboot, lifecycle.on_reboot),
    ] {
        if action.dumps_core() {
            found.tolerate(part, Rule::CoreDump(action));
        }
    }
}

fn wrong_name(disk: &Disk) -> Option<Rule> {
    // Xen 3.0.2 took the emulated disk's name with this prefix.
    let name = disk.target.strip_prefix("ioemu:").unwrap_or(&disk.target);
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if disk.device == DiskDevice::Floppy {
        (!starts(&["fd"])).then(|| Rule::FloppyName(disk.target.clone()))
    } else {
        (!starts(&["xvd", "hd", "sd", "vd", "ubd"])).then(|| Rule::DiskName(disk.target.clone()))
    }
}

fn boot_order(guest: &Guest, boot: &[BootDevice], found: &mut Found) {
    let devices = &guest.devices;
    let disks = devices.disks.iter().map(|device| &device.info);
    let interfaces = devices.interfaces.iter().map(|device| &device.info);
    let hostdevs = devices.hostdevs.iter().map(|device| &device.info);
    let all = (disks.enumerate().map(|(i, info)| ("disk", i, info)))
        .chain(
            interfaces
                .enumerate()
                .map(|(i, info)| ("interface", i, info)),
        )
        .chain(hostdevs.enumerate().map(|(i, info)| ("hostdev", i, info)));
    let mut orders = BTreeMap::new();
    for (family, index, info) in all {
        let Some(order) = info.boot_order else {
            continue;
        };
        let part = Part::Device(family, index);
        if order == 0 {
            found.add(part, Rule::BootOrderZero);
        } else if orders.insert(order, ()).is_some() {
            found.add(part, Rule::BootOrderTwice(order));
        } else if !boot.is_empty() {
            found.add(part, Rule::BootTwice);
        }
    }
}
