//! The list of devices.
//!
//! What is kept as markup has its place between the families.

use super::writer::Writer;
use super::{
    chardev, controller, disk, emulator, graphics, hostdev, input, interface, memballoon, sound,
    video,
};
use crate::{Device, Devices};

/// Writes `<devices>`, the families in libvirt's order.
pub(super) fn devices(devices: &Devices, writer: &mut Writer) {
    let others = |names: &[&str], writer: &mut Writer| {
        for element in &devices.others {
            if names.contains(&element.name.as_str()) {
                writer.element(element);
            }
        }
    };
    writer.open("devices");
    // libvirt has no short form of an empty list.
    writer.end_tag();
    if let Some(device_model) = &devices.emulator {
        emulator::emulator(device_model, writer);
    }
    each(&devices.disks, disk::disk, writer);
    each(&devices.controllers, controller::controller, writer);
    others(&["lease", "filesystem"], writer);
    each(&devices.interfaces, interface::interface, writer);
    others(&["smartcard"], writer);
    for (name, list) in [
        ("serial", &devices.serials),
        ("parallel", &devices.parallels),
        ("console", &devices.consoles),
        ("channel", &devices.channels),
    ] {
        for device in list {
            chardev::chardev(name, device, writer);
        }
    }
    each(&devices.inputs, input::input, writer);
    others(&["tpm"], writer);
    each(&devices.graphics, graphics::graphics, writer);
    each(&devices.sounds, sound::sound, writer);
    others(&["audio"], writer);
    each(&devices.videos, video::video, writer);
    each(&devices.hostdevs, hostdev::hostdev, writer);
    others(&["redirdev", "redirfilter", "hub", "watchdog"], writer);
    if let Some(balloon) = &devices.memballoon {
        memballoon::memballoon(balloon, writer);
    }
    others(LAST, writer);
    writer.close("devices");
}

/// Writes one device.
pub(super) fn device(device: &Device, writer: &mut Writer) {
    match device {
        Device::Disk(device) => disk::disk(device, writer),
        Device::Controller(device) => controller::controller(device, writer),
        Device::Interface(device) => interface::interface(device, writer),
        Device::Serial(port)
        | Device::Parallel(port)
        | Device::Console(port)
        | Device::Channel(port) => chardev::chardev(device.element_name(), port, writer),
        Device::Input(device) => input::input(device, writer),
        Device::Graphics(device) => graphics::graphics(device, writer),
        Device::Sound(device) => sound::sound(device, writer),
        Device::Video(device) => video::video(device, writer),
        Device::Hostdev(device) => hostdev::hostdev(device, writer),
        Device::Memballoon(device) => memballoon::memballoon(device, writer),
        Device::Other(element) => writer.element(element),
    }
}

fn each<T>(list: &[T], write: impl Fn(&T, &mut Writer), writer: &mut Writer) {
    for device in list {
        write(device, writer);
    }
}

const LAST: &[&str] = &[
    "rng", "nvram", "panic", "shmem", "memory", "crypto", "iommu", "vsock", "pstore",
];
