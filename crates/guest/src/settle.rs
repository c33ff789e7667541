//! What libvirt makes of a document once, when it is taken: disks in the order of their
//! names, distances between nodes both ways, old spellings in today's words, the parts
//! of a device that follow from others.
//!
//! What is filled in each time that a guest is written is in `defaults`.

use crate::defaults::split_target;
use crate::{
    Attribute, Chardev, ChardevSource, ChardevTarget, ChardevTargetType, Controller, Disk,
    DiskSource, Guest, HypervMode, IpFamily, NumaCell, NumaDistance, TcpProtocol, Uuid,
};

/// Distance of a node to itself.
const LOCAL: u32 = 10;

impl Guest {
    /// Settles what a document leaves open, as libvirt with libxl does.
    pub fn settle(&mut self) {
        if let Some(cpu) = &mut self.cpu {
            distances(&mut cpu.numa);
        }
        if let Some(hyperv) = &mut self.features.hyperv {
            hyperv.mode.get_or_insert(HypervMode::Custom);
        }
        let devices = &mut self.devices;
        Controller::number(&mut devices.controllers);
        for disk in &mut devices.disks {
            modernize(disk);
        }
        devices.disks = sorted(std::mem::take(&mut devices.disks));
        for interface in &mut devices.interfaces {
            for ip in &mut interface.ips {
                ip.family.get_or_insert(match ip.address.contains(':') {
                    true => IpFamily::Ipv6,
                    false => IpFamily::Ipv4,
                });
            }
            if let Some(port) = &mut interface.virtual_port
                && port.kind.as_deref() == Some("openvswitch")
                && !port.parameters.iter().any(|it| it.name == "interfaceid")
            {
                port.parameters.push(Attribute {
                    name: "interfaceid".to_owned(),
                    value: Uuid::random().to_string(),
                });
            }
        }
        let ports = devices.serials.iter_mut().chain(&mut devices.parallels);
        for port in ports.chain(&mut devices.consoles) {
            if let ChardevSource::Tcp { protocol, .. } = &mut port.source {
                protocol.get_or_insert(TcpProtocol::Raw);
            }
        }
        self.settle_console();
    }

    /// The console of a fully virtualized guest is its first serial port.
    fn settle_console(&mut self) {
        let is_hvm = self.is_hvm();
        let devices = &mut self.devices;
        let Some(console) = devices.consoles.first() else {
            return;
        };
        let is_serial = matches!(console.target.kind, None | Some(ChardevTargetType::Serial));
        if is_hvm && is_serial && devices.serials.is_empty() {
            devices.serials.push(Chardev {
                source: console.source.clone(),
                target: ChardevTarget {
                    port: console.target.port,
                    ..ChardevTarget::default()
                },
                ..Chardev::default()
            });
        }
    }
}

/// Words of Xen 3.0 that libvirt understands and does not write; an empty drive is none
/// of a block device.
fn modernize(disk: &mut Disk) {
    if matches!(disk.source, DiskSource::Block { path: None }) {
        disk.source = DiskSource::File { path: None };
    }
    if let Some(target) = disk.target.strip_prefix("ioemu:") {
        disk.target = target.to_owned();
    }
    if disk.driver.format.as_deref() == Some("aio") {
        disk.driver.format = Some("raw".to_owned());
    }
}

/// The disks of each bus by their number, buses in the order of their first disk. Disks
/// that name no bus are taken for those of one.
fn sorted(disks: Vec<Disk>) -> Vec<Disk> {
    let number = |disk: &Disk| split_target(&disk.target).map_or(0, |(_, number)| number);
    let mut placed: Vec<Disk> = Vec::with_capacity(disks.len());
    for disk in disks {
        let of_bus = |known: &Disk| known.bus == disk.bus;
        let later = |known: &Disk| of_bus(known) && number(known) > number(&disk);
        let before = placed.iter().position(later);
        let behind = placed.iter().rposition(of_bus).map(|place| place + 1);
        let place = before.or(behind).unwrap_or(placed.len());
        placed.insert(place, disk);
    }
    placed
}

/// Where a node says how far another is, the other is as far from it, and both are
/// near themselves.
fn distances(cells: &mut [NumaCell]) {
    let id = |(index, cell): (u32, &NumaCell)| cell.id.unwrap_or(index);
    let ids: Vec<u32> = (0..).zip(&*cells).map(id).collect();
    let said: Vec<(u32, NumaDistance)> = ids
        .iter()
        .zip(&*cells)
        .flat_map(|(id, cell)| cell.distances.iter().map(|distance| (*id, *distance)))
        .collect();
    for (id, cell) in ids.iter().zip(cells) {
        let known = &mut cell.distances;
        let back = said.iter().filter(|(_, distance)| distance.id == *id);
        for (from, distance) in back {
            if !known.iter().any(|it| it.id == *from) {
                known.push(NumaDistance {
                    id: *from,
                    value: distance.value,
                });
            }
        }
        if !known.is_empty() && !known.iter().any(|it| it.id == *id) {
            known.push(NumaDistance {
                id: *id,
                value: LOCAL,
            });
        }
        known.sort_by_key(|distance| distance.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DiskBus, MemoryKib, OsType};

    #[test]
    fn disks_are_sorted_within_their_bus() {
        let disk = |(target, bus): &(&str, Option<DiskBus>)| Disk {
            target: (*target).to_owned(),
            bus: *bus,
            ..Disk::default()
        };
        let order = |disks: &[(&str, Option<DiskBus>)]| {
            let disks = sorted(disks.iter().map(disk).collect());
            disks
                .into_iter()
                .map(|disk| disk.target)
                .collect::<Vec<_>>()
        };
        let (ide, xen) = (Some(DiskBus::Ide), Some(DiskBus::Xen));
        let mixed = [("hdc", ide), ("xvdb", xen), ("hda", ide), ("xvda", xen)];
        assert_eq!(order(&mixed), ["hda", "hdc", "xvda", "xvdb"]);
        let unsaid = [("hdc", None), ("xvda", None), ("hdb", None)];
        assert_eq!(order(&unsaid), ["xvda", "hdb", "hdc"]);
        let numbers = [("xvda2", xen), ("xvda1", xen)];
        assert_eq!(
            order(&numbers),
            ["xvda2", "xvda1"],
            "one disk's partitions stay"
        );
    }

    #[test]
    fn nodes_are_as_far_from_each_other() {
        let cell = |distances: &[(u32, u32)]| NumaCell {
            id: None,
            cpus: None,
            memory: MemoryKib(0),
            distances: distances
                .iter()
                .map(|&(id, value)| NumaDistance { id, value })
                .collect(),
            kept: crate::Kept::default(),
        };
        let mut cells = [cell(&[(1, 21), (2, 31)]), cell(&[]), cell(&[]), cell(&[])];
        distances(&mut cells);
        let found = cells.map(|cell| {
            let pairs = cell.distances.iter().map(|it| (it.id, it.value));
            pairs.collect::<Vec<_>>()
        });
        assert_eq!(found[0], [(0, 10), (1, 21), (2, 31)]);
        assert_eq!(found[1], [(0, 21), (1, 10)]);
        assert_eq!(found[2], [(0, 31), (2, 10)]);
        assert_eq!(found[3], []);
    }

    #[test]
    fn settling_twice_changes_nothing() {
        let mut guest = Guest::new("a");
        guest.os = crate::Os::new(OsType::Hvm);
        guest.devices.consoles.push(Chardev::default());
        guest.devices.disks.push(Disk {
            target: "ioemu:hda".to_owned(),
            ..Disk::default()
        });
        guest.settle();
        assert_eq!(guest.devices.serials.len(), 1);
        assert_eq!(guest.devices.disks[0].target, "hda");
        let settled = guest.clone();
        guest.settle();
        assert_eq!(guest, settled);
    }
}
