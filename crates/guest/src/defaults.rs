//! What a document leaves unsaid and libvirt fills in.
//!
//! A pass of its own that callers run; reading a document never invents. What was
//! filled in differs between libvirt's two Xen drivers, so it is told by [`Rules`].

use crate::{
    Address, BootDevice, Chardev, ChardevSource, ChardevTarget, ChardevTargetType, Controller,
    ControllerType, Disk, DiskBus, DiskDevice, DiskSource, DriveAddress, GraphicsListen,
    GraphicsServer, Guest, Input, InputBus, InputType, MacAddress, Memballoon, MemballoonModel,
    OsType, Uuid, Video, VideoModel,
};

/// What is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A fully virtualized guest boots a hard disk.
    pub boot: bool,
    /// A disk has a format: `raw`.
    pub disk_format: bool,
    /// The controllers that disks are on.
    pub controllers: bool,
    /// The bus that all paravirtual devices are on.
    pub xenbus: bool,
    /// Mouse and keyboard of a guest without a graphical console.
    pub headless_inputs: bool,
    /// `<listen type='address'/>` of a graphical console.
    pub listen: bool,
    /// A graphics card for a graphical console.
    pub video: bool,
    /// The console of a paravirtualized guest.
    pub console: bool,
}

impl Rules {
    /// As libvirt's XenD driver did (until 4.2).
    pub const XEND: Self = Self {
        boot: false,
        disk_format: false,
        controllers: false,
        xenbus: false,
        headless_inputs: false,
        listen: false,
        video: false,
        console: false,
    };

    /// As libvirt's libxl driver does.
    pub const LIBXL: Self = Self {
        boot: true,
        disk_format: true,
        controllers: true,
        xenbus: true,
        headless_inputs: true,
        listen: true,
        video: true,
        console: true,
    };
}

impl Guest {
    /// Fills in what the guest leaves unsaid. A second time changes nothing.
    pub fn fill_defaults(&mut self, rules: &Rules) {
        if self
            .current_memory
            .is_none_or(|memory| memory > self.memory)
        {
            self.current_memory = Some(self.memory);
        }
        let cells = self.cpu.iter_mut().flat_map(|cpu| &mut cpu.numa);
        for (index, cell) in (0..).zip(cells) {
            cell.id.get_or_insert(index);
        }
        if rules.boot && self.is_hvm() && self.os.boot.is_empty() && !self.has_boot_order() {
            self.os.boot.push(BootDevice::Hd);
        }
        for disk in &mut self.devices.disks {
            fill_disk(disk, rules);
        }
        fill_controllers(self, rules);
        fill_ports(self, rules);
        fill_inputs(self, rules);
        fill_graphics(self, rules);
        self.devices
            .memballoon
            .get_or_insert_with(|| Memballoon::new(MemballoonModel::Xen));
    }

    /// Gives the guest an identifier and its interfaces hardware addresses, random
    /// ones, where they have none.
    pub fn fill_identities(&mut self) {
        self.uuid.get_or_insert_with(Uuid::random);
        for interface in &mut self.devices.interfaces {
            interface.mac.get_or_insert_with(MacAddress::random);
        }
    }

    fn has_boot_order(&self) -> bool {
        let devices = &self.devices;
        let disks = devices.disks.iter().map(|device| &device.info);
        let interfaces = devices.interfaces.iter().map(|device| &device.info);
        let hostdevs = devices.hostdevs.iter().map(|device| &device.info);
        (disks.chain(interfaces).chain(hostdevs)).any(|info| info.boot_order.is_some())
    }
}

impl MacAddress {
    /// A random address of the range that Xen's tools use.
    #[must_use]
    pub fn random() -> Self {
        let Uuid(random) = Uuid::random();
        let [a, b, c] = Self::XEN;
        // libvirt and xend keep the highest bit of the fourth byte clear.
        let [x, y, z, ..] = random;
        Self([a, b, c, x & 0x7f, y, z])
    }
}

impl Disk {
    /// The address that follows from the disk's name, on buses that have one.
    #[must_use]
    pub fn address_by_name(&self) -> Option<DriveAddress> {
        let (bus, number) = split_target(&self.target)?;
        drive_address(self.bus.unwrap_or(bus), number)
    }
}

impl DiskBus {
    /// The bus that a name in the guest belongs to.
    #[must_use]
    pub fn of_target(target: &str) -> Option<Self> {
        split_target(target).map(|(bus, _)| bus)
    }
}

const PREFIXES: &[(&str, DiskBus)] = &[
    ("xvd", DiskBus::Xen),
    ("ubd", DiskBus::Uml),
    ("hd", DiskBus::Ide),
    ("sd", DiskBus::Scsi),
    ("vd", DiskBus::Virtio),
    ("fd", DiskBus::Fdc),
];

/// Bus and number of a disk by its name: `hdc` is IDE disk 2, `xvdaa1` is on disk 26.
pub(crate) fn split_target(target: &str) -> Option<(DiskBus, u32)> {
    // Xen 3.0.2 took the emulated disk's name with this prefix.
    let name = target.strip_prefix("ioemu:").unwrap_or(target);
    let (letters, bus) = PREFIXES
        .iter()
        .find_map(|(prefix, bus)| Some((name.strip_prefix(prefix)?, *bus)))?;
    let letters = letters.trim_end_matches(|c: char| c.is_ascii_digit());
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let mut number = 0;
    for letter in letters.bytes() {
        if !letter.is_ascii_lowercase() {
            return None;
        }
        number = number * 26 + u32::from(letter - b'a') + 1;
    }
    Some((bus, number - 1))
}

fn fill_disk(disk: &mut Disk, rules: &Rules) {
    if disk.device == DiskDevice::Cdrom {
        disk.readonly = true;
    }
    if disk.bus.is_none() {
        disk.bus = DiskBus::of_target(&disk.target);
    }
    if disk.info.address.is_none() {
        disk.info.address = disk.address_by_name().map(Address::Drive);
    }
    if rules.disk_format {
        if matches!(disk.source, DiskSource::Network(_)) {
            disk.driver.name.get_or_insert_with(|| "qemu".to_owned());
        }
        disk.driver.format.get_or_insert_with(|| "raw".to_owned());
    }
}

fn drive_address(bus: DiskBus, number: u32) -> Option<DriveAddress> {
    // Disks of a channel, and channels of a controller.
    let (disks, channels) = match bus {
        DiskBus::Ide => (2, 2),
        DiskBus::Scsi => (7, 1),
        DiskBus::Fdc => (2, 1),
        DiskBus::Sata => (6, 1),
        _ => return None,
    };
    Some(DriveAddress {
        controller: number / (disks * channels),
        bus: number / disks % channels,
        target: 0,
        unit: number % disks,
    })
}

fn fill_controllers(guest: &mut Guest, rules: &Rules) {
    let controllers = &mut guest.devices.controllers;
    let has = |controllers: &[Controller], kind, index| {
        controllers
            .iter()
            .any(|known| known.kind == kind && known.index.unwrap_or(0) == index)
    };
    if rules.xenbus
        && !controllers
            .iter()
            .any(|known| known.kind == ControllerType::Xenbus)
    {
        controllers.push(Controller::new(ControllerType::Xenbus, 0));
    }
    let disks = guest.devices.disks.iter().filter(|_| rules.controllers);
    for disk in disks {
        let kind = match disk.bus {
            Some(DiskBus::Ide) => ControllerType::Ide,
            Some(DiskBus::Scsi) => ControllerType::Scsi,
            Some(DiskBus::Fdc) => ControllerType::Fdc,
            Some(DiskBus::Sata) => ControllerType::Sata,
            _ => continue,
        };
        if let Some(Address::Drive(address)) = &disk.info.address
            && !has(controllers, kind, address.controller)
        {
            controllers.push(Controller::new(kind, address.controller));
        }
    }
}

fn fill_ports(guest: &mut Guest, rules: &Rules) {
    let hvm = guest.is_hvm();
    let devices = &mut guest.devices;
    for list in [&mut devices.serials, &mut devices.parallels] {
        for (index, port) in (0..).zip(list) {
            port.target.port.get_or_insert(index);
        }
    }
    if devices.consoles.is_empty() {
        let source = match devices.serials.first() {
            // The first serial port of such a guest is its console.
            Some(serial) if hvm => Some((serial.source.clone(), serial.target.port)),
            _ if rules.console && !hvm => Some((ChardevSource::default(), None)),
            _ => None,
        };
        devices
            .consoles
            .extend(source.map(|(source, port)| Chardev {
                source,
                target: ChardevTarget {
                    port,
                    ..ChardevTarget::default()
                },
                ..Chardev::default()
            }));
    }
    let usual = if hvm {
        ChardevTargetType::Serial
    } else {
        ChardevTargetType::Xen
    };
    for (index, console) in (0..).zip(&mut devices.consoles) {
        let ChardevTarget { kind, port, .. } = &mut console.target;
        kind.get_or_insert(usual);
        port.get_or_insert(index);
    }
}

fn fill_inputs(guest: &mut Guest, rules: &Rules) {
    if guest.devices.graphics.is_empty() && !rules.headless_inputs {
        return;
    }
    let bus = if guest.is_hvm() {
        InputBus::Ps2
    } else {
        InputBus::Xen
    };
    let inputs = &mut guest.devices.inputs;
    for kind in [InputType::Mouse, InputType::Keyboard] {
        let is_same = |input: &Input| input.kind == kind && input.bus == Some(bus);
        if !inputs.iter().any(is_same) {
            inputs.push(Input::new(kind, bus));
        }
    }
}

fn fill_graphics(guest: &mut Guest, rules: &Rules) {
    let hvm = guest.os.kind == OsType::Hvm;
    let devices = &mut guest.devices;
    if rules.listen {
        for graphics in &mut devices.graphics {
            let listens = match &mut graphics.server {
                GraphicsServer::Vnc(vnc) => &mut vnc.listens,
                GraphicsServer::Spice(spice) => &mut spice.listens,
                GraphicsServer::Sdl(_) | GraphicsServer::Qubes(_) | GraphicsServer::Other(_) => {
                    continue;
                }
            };
            if listens.is_empty() {
                listens.push(GraphicsListen::Address { address: None });
            }
        }
    }
    if rules.video && devices.videos.is_empty() && !devices.graphics.is_empty() {
        let model = if hvm {
            VideoModel::Cirrus
        } else {
            VideoModel::Xen
        };
        devices.videos.push(Video::new(model));
    }
    for (index, video) in devices.videos.iter_mut().enumerate() {
        // qemu-xen's standard card needs more than that of XenD's device model.
        let memory = match video.model {
            VideoModel::Xen if hvm && rules.video => 16 << 10,
            VideoModel::Xen => 4 << 10,
            VideoModel::Vga if rules.video => 16 << 10,
            VideoModel::Cirrus | VideoModel::Vga => 8 << 10,
            VideoModel::Qxl if rules.video => 128 << 10,
            _ => continue,
        };
        video.vram.get_or_insert(memory);
        video.heads.get_or_insert(1);
        if index == 0 {
            video.primary.get_or_insert(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_bus_and_number() {
        assert_eq!(split_target("hdc"), Some((DiskBus::Ide, 2)));
        assert_eq!(split_target("ioemu:hda"), Some((DiskBus::Ide, 0)));
        assert_eq!(split_target("sda1"), Some((DiskBus::Scsi, 0)));
        assert_eq!(split_target("xvdaa"), Some((DiskBus::Xen, 26)));
        for bad in ["", "hd", "hd1", "xvdA", "sdaaaa", "nvme0n1"] {
            assert_eq!(split_target(bad), None, "{bad}");
        }
    }

    #[test]
    fn disks_stand_where_libvirt_puts_them() {
        let place = |bus, number| {
            let address = drive_address(bus, number).unwrap();
            (address.controller, address.bus, address.unit)
        };
        assert_eq!(place(DiskBus::Ide, 2), (0, 1, 0));
        assert_eq!(place(DiskBus::Ide, 5), (1, 0, 1));
        assert_eq!(place(DiskBus::Scsi, 8), (1, 0, 1));
        assert_eq!(place(DiskBus::Fdc, 1), (0, 0, 1));
        assert_eq!(drive_address(DiskBus::Xen, 0), None);
    }

    #[test]
    fn drivers_differ_in_what_they_fill_in() {
        let mut guest = Guest::new("a");
        guest.os = crate::Os::new(OsType::Hvm);
        guest.devices.disks.push(Disk {
            device: DiskDevice::Cdrom,
            target: "hdc".to_owned(),
            ..Disk::default()
        });
        let cards = [VideoModel::Vga, VideoModel::Qxl, VideoModel::Cirrus];
        guest.devices.videos = cards.map(Video::new).into();
        let filled = |rules: &Rules| {
            let mut guest = guest.clone();
            guest.fill_defaults(rules);
            let videos = guest.devices.videos.iter();
            let memory: Vec<_> = videos.map(|video| video.vram).collect();
            let format = guest.devices.disks[0].driver.format.clone();
            (guest.os.boot, format, memory)
        };
        let (boot, format, memory) = filled(&Rules::LIBXL);
        assert_eq!(
            (boot, format),
            (vec![BootDevice::Hd], Some("raw".to_owned()))
        );
        assert_eq!(memory, [Some(16_384), Some(131_072), Some(8_192)]);
        let (boot, format, memory) = filled(&Rules::XEND);
        assert_eq!((boot, format), (vec![], None));
        assert_eq!(memory, [Some(8_192), None, Some(8_192)]);
    }

    #[test]
    fn identities_are_kept_once_given() {
        let mut guest = Guest::new("a");
        guest.devices.interfaces.push(crate::Interface::default());
        guest.fill_identities();
        let given = guest.clone();
        guest.fill_identities();
        assert_eq!(guest, given);
        let mac = given.devices.interfaces[0].mac.unwrap();
        assert_eq!(mac.0[..3], MacAddress::XEN);
    }
}
