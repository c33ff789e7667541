//! All devices of a guest, by family.
//!
//! libvirt writes devices by family, so their order across families has no
//! meaning; inside a family it has.

use crate::{
    Chardev, Controller, Disk, Element, Emulator, Graphics, Hostdev, Input, Interface, Memballoon,
    Sound, Video,
};

/// All devices of a guest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Devices {
    /// The device model.
    pub emulator: Option<Emulator>,
    /// Disks.
    pub disks: Vec<Disk>,
    /// Controllers.
    pub controllers: Vec<Controller>,
    /// Network interfaces.
    pub interfaces: Vec<Interface>,
    /// Serial ports.
    pub serials: Vec<Chardev>,
    /// Parallel ports.
    pub parallels: Vec<Chardev>,
    /// Text consoles.
    pub consoles: Vec<Chardev>,
    /// Channels between host and guest.
    pub channels: Vec<Chardev>,
    /// Mice, tablets, keyboards.
    pub inputs: Vec<Input>,
    /// Graphical consoles.
    pub graphics: Vec<Graphics>,
    /// Sound cards.
    pub sounds: Vec<Sound>,
    /// Graphics cards.
    pub videos: Vec<Video>,
    /// Devices of the host.
    pub hostdevs: Vec<Hostdev>,
    /// The balloon.
    pub memballoon: Option<Memballoon>,
    /// Devices that no Xen toolstack uses (`watchdog`, `rng`, `tpm`, …), as they are written.
    pub others: Vec<Element>,
}

/// One device of a guest.
#[derive(Clone, Debug, PartialEq)]
pub enum Device {
    /// A disk.
    Disk(Box<Disk>),
    /// A controller.
    Controller(Controller),
    /// A network interface.
    Interface(Box<Interface>),
    /// A serial port.
    Serial(Chardev),
    /// A parallel port.
    Parallel(Chardev),
    /// A text console.
    Console(Chardev),
    /// A channel.
    Channel(Chardev),
    /// A mouse, tablet or keyboard.
    Input(Input),
    /// A graphical console.
    Graphics(Box<Graphics>),
    /// A sound card.
    Sound(Sound),
    /// A graphics card.
    Video(Video),
    /// A device of the host.
    Hostdev(Hostdev),
    /// The balloon.
    Memballoon(Memballoon),
    /// A device that no Xen toolstack uses.
    Other(Element),
}

impl Device {
    /// Name of the device's element.
    #[must_use]
    pub fn element_name(&self) -> &str {
        match self {
            Self::Disk(_) => "disk",
            Self::Controller(_) => "controller",
            Self::Interface(_) => "interface",
            Self::Serial(_) => "serial",
            Self::Parallel(_) => "parallel",
            Self::Console(_) => "console",
            Self::Channel(_) => "channel",
            Self::Input(_) => "input",
            Self::Graphics(_) => "graphics",
            Self::Sound(_) => "sound",
            Self::Video(_) => "video",
            Self::Hostdev(_) => "hostdev",
            Self::Memballoon(_) => "memballoon",
            Self::Other(element) => &element.name,
        }
    }
}

impl Devices {
    /// Adds a device at the end of its family; the balloon replaces the one that is there.
    pub fn push(&mut self, device: Device) {
        match device {
            Device::Disk(disk) => self.disks.push(*disk),
            Device::Controller(controller) => self.controllers.push(controller),
            Device::Interface(interface) => self.interfaces.push(*interface),
            Device::Serial(serial) => self.serials.push(serial),
            Device::Parallel(parallel) => self.parallels.push(parallel),
            Device::Console(console) => self.consoles.push(console),
            Device::Channel(channel) => self.channels.push(channel),
            Device::Input(input) => self.inputs.push(input),
            Device::Graphics(graphics) => self.graphics.push(*graphics),
            Device::Sound(sound) => self.sounds.push(sound),
            Device::Video(video) => self.videos.push(video),
            Device::Hostdev(hostdev) => self.hostdevs.push(hostdev),
            Device::Memballoon(memballoon) => self.memballoon = Some(memballoon),
            Device::Other(element) => self.others.push(element),
        }
    }
}
