//! A guest as a whole: the order of its names, and names that say nothing about it.
//!
//! What the parts look like is in the file of each family.

use super::settings::Quiet;
use super::{
    Bridges, Dialect, Host, Out, Settings, chardev, clock, cpu, emulator, features, graphics,
    hostdev, input, interface, lifecycle, os, sound, video,
};
use crate::config::Document;
use crate::convert::{Converted, Error, Notes};
use crate::{xl, xm};
use virtxen_guest::{
    ControllerType, Devices, Guest, Memballoon, MemballoonModel, MemoryKib, OsType,
};

/// Names with which a file says what is so anyway.
const QUIET: &[Quiet] = &[
    ("usb", &[]),
    ("xen_platform_pci", &["1"]),
    ("opengl", &["0"]),
    ("vncconsole", &["0"]),
    ("spicevdagent", &[]),
    ("timer_mode", &["1"]),
    ("cpu_cap", &["0"]),
    ("device_model_version", &["qemu-xen"]),
];

/// Memory of a guest whose file does not say it, in MiB: xm's and xl's default.
const NORMAL_MEMORY: u64 = 128;

/// Reads a file.
pub(crate) fn read(
    document: &Document,
    dialect: Dialect,
    host: &Host,
) -> Result<Converted<Guest>, Error> {
    let mut notes = Notes::default();
    let mut file = Settings::new(document);
    let mut guest = read_general(&mut file, &mut notes)?;
    let kind = os::kind(&mut file, &mut notes);
    let hvm = kind == OsType::Hvm;
    (guest.vcpus, guest.cpu_tune) = cpu::read(&mut file, dialect, &mut notes);
    guest.lifecycle = lifecycle::read(&mut file, dialect, &mut notes);
    guest.os = os::read(&mut file, kind, dialect, host, &mut notes);
    guest.features = features::read(&mut file, hvm, dialect, &mut notes);
    guest.clock = clock::read(&mut file, hvm, dialect, &mut notes);
    guest.devices = read_devices(&mut file, hvm, dialect, &mut notes)?;
    if dialect.xl {
        guest.cpu = xl::cpu::read(&mut file, hvm, &mut guest.vcpus, &mut notes);
        let args = file.entries("device_model_args", &mut notes);
        guest.commandline = args.into_iter().map(|entry| entry.text).collect();
    }
    file.finish(&mut notes, QUIET);
    Ok(notes.into_converted(guest))
}

fn read_general(file: &mut Settings<'_>, notes: &mut Notes) -> Result<Guest, Error> {
    let name = file.filled("name", notes);
    let name = name.ok_or_else(|| Error::Missing {
        path: "name".to_owned(),
        at: None,
    })?;
    if name.contains('/') {
        let reason = "domain documents do not take a name with a slash";
        notes.setting_at("name", file.at("name"), reason);
    }
    let mut guest = Guest::new(name);
    if let Some(text) = file.filled("uuid", notes) {
        let uuid = text.parse();
        guest.uuid = Some(uuid.map_err(|_| file.malformed("uuid", &text, "a uuid"))?);
    }
    let mut mib = |name| {
        let number = file.number(name, notes)?;
        u64::try_from(number).ok().filter(|mib| *mib > 0)
    };
    let memory = mib("memory").unwrap_or(NORMAL_MEMORY);
    let most = mib("maxmem").unwrap_or(memory).max(memory);
    guest.memory = MemoryKib::from_mib(most);
    guest.current_memory = Some(MemoryKib::from_mib(memory));
    Ok(guest)
}

fn read_devices(
    file: &mut Settings<'_>,
    hvm: bool,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<Devices, Error> {
    let mut devices = Devices {
        emulator: emulator::read(file, dialect, notes),
        ..Devices::default()
    };
    devices.disks = if dialect.xl {
        xl::disk::read(file, hvm, notes)?
    } else {
        xm::disk::read(file, hvm, dialect.version, notes)
    };
    devices.interfaces = interface::read(file, notes)?;
    devices.hostdevs = hostdev::read(file, notes)?;
    devices.graphics = graphics::read(file, hvm, dialect, notes);
    chardev::read(file, hvm, &mut devices, notes);
    if hvm {
        devices.inputs = input::read(file, notes);
        devices.sounds = sound::read(file, notes);
        devices.videos = video::read(file, notes).into_iter().collect();
    }
    if dialect.xl {
        xl::usb::read(file, &mut devices, notes);
        devices.channels = xl::channel::read(file, notes);
        xl::xenbus::read(file, &mut devices, notes);
    }
    devices.memballoon = Some(Memballoon::new(MemballoonModel::Xen));
    Ok(devices)
}

/// Writes the names of a guest's file.
pub(crate) fn write(
    guest: &Guest,
    dialect: Dialect,
    bridges: &Bridges,
) -> Result<Converted<Out>, Error> {
    if guest.name.is_empty() {
        return Err(Error::Missing {
            path: "/domain/name".to_owned(),
            at: None,
        });
    }
    let mut notes = Notes::default();
    let mut out = Out::default();
    let hvm = guest.is_hvm();
    let devices = &guest.devices;
    write_general(guest, &mut out, &mut notes);
    cpu::write(guest, dialect, &mut out, &mut notes);
    features::write(&guest.features, hvm, dialect, &mut out, &mut notes);
    clock::write_timers(&guest.clock, hvm, dialect, &mut out, &mut notes);
    clock::write(&guest.clock, hvm, dialect, &mut out, &mut notes);
    lifecycle::write(&guest.lifecycle, &mut out);
    emulator::write(devices.emulator.as_ref(), dialect, &mut out, &mut notes);
    graphics::write(&devices.graphics, hvm, dialect, &mut out, &mut notes);
    let interfaces = &devices.interfaces;
    interface::write(interfaces, hvm, dialect, bridges, &mut out, &mut notes)?;
    hostdev::write(&devices.hostdevs, dialect, &mut out, &mut notes);
    chardev::write(devices, hvm, dialect, &mut out, &mut notes);
    sound::write(&devices.sounds, hvm, dialect, &mut out, &mut notes);
    video::write(&devices.videos, hvm, dialect, &mut out, &mut notes);
    os::write(&guest.os, dialect, &mut out, &mut notes);
    if dialect.xl {
        write_xl(guest, &mut out, &mut notes);
    } else {
        xm::disk::write(&devices.disks, hvm, dialect.version, &mut out, &mut notes);
        note_of_xm(guest, &mut notes);
    }
    input::write(&devices.inputs, hvm, dialect, &mut out, &mut notes);
    note_rest(guest, dialect, &mut notes);
    Ok(notes.into_converted(out))
}

fn write_general(guest: &Guest, out: &mut Out, notes: &mut Notes) {
    out.text("name", &guest.name);
    out.optional("uuid", guest.uuid.map(|uuid| uuid.to_string()).as_ref());
    let current = guest.current_memory.unwrap_or(guest.memory);
    let current = current.min(guest.memory);
    for (name, element, memory) in [
        ("maxmem", "memory", guest.memory),
        ("memory", "currentMemory", current),
    ] {
        let mib = memory.to_mib_rounded_up();
        if MemoryKib::from_mib(mib) != memory {
            let reason = format!("Xen's tools count in MiB, {mib} MiB are written");
            notes.setting(format!("/domain/{element}"), reason);
        }
        out.number(name, i64::try_from(mib).unwrap_or(i64::MAX));
    }
}

fn write_xl(guest: &Guest, out: &mut Out, notes: &mut Notes) {
    let devices = &guest.devices;
    xl::cpu::write(guest, out, notes);
    xl::xenbus::write(&devices.controllers, out);
    xl::disk::write(&devices.disks, out, notes);
    xl::usb::write(devices, out, notes);
    xl::channel::write(&devices.channels, out, notes);
    out.texts("device_model_args", guest.commandline.clone());
}

/// Notes what xl has names for and xm has not.
fn note_of_xm(guest: &Guest, notes: &mut Notes) {
    if guest.cpu.is_some() {
        notes.setting("/domain/cpu", "xm's guests see the host's processor");
    }
    for i in 1..=guest.devices.channels.len() {
        let path = format!("/domain/devices/channel[{i}]");
        notes.essential(path, "xm has no channels");
    }
    if !guest.commandline.is_empty() {
        notes.setting("/domain/xen:commandline", "xm passes no arguments on");
    }
}

/// Notes the parts of a guest for which neither tool has names.
fn note_rest(guest: &Guest, dialect: Dialect, notes: &mut Notes) {
    let tool = dialect.tool();
    let unknown = format!("{tool} does not know it");
    for (element, said) in [
        ("title", guest.title.is_some()),
        ("description", guest.description.is_some()),
        ("metadata", guest.metadata.is_some()),
        ("seclabel", !guest.seclabels.is_empty()),
    ] {
        if said {
            notes.setting(format!("/domain/{element}"), unknown.clone());
        }
    }
    notes.kept("/domain", &guest.kept, &unknown);
    let devices = &guest.devices;
    for (i, controller) in devices.controllers.iter().enumerate() {
        let limits = controller
            .max_event_channels
            .or(controller.max_grant_frames);
        let written = match controller.kind {
            ControllerType::Usb => dialect.xl,
            ControllerType::Xenbus => dialect.xl || limits.is_none(),
            // They come with the disks that need them.
            ControllerType::Ide | ControllerType::Fdc | ControllerType::Scsi => {
                controller.model.is_none()
            }
            _ => false,
        };
        if !written {
            let path = format!("/domain/devices/controller[{}]", i + 1);
            let reason = format!("{tool} has no {} controller to choose", controller.kind);
            notes.setting(path, reason);
        }
    }
    let balloon = devices.memballoon.as_ref().map(|balloon| balloon.model);
    if balloon.is_some_and(|model| model != MemballoonModel::Xen) {
        let path = "/domain/devices/memballoon/@model";
        notes.setting(path, "Xen's guests have Xen's balloon");
    }
    for element in &devices.others {
        let path = format!("/domain/devices/{}", element.name);
        notes.setting(path, format!("{tool} has no such device"));
    }
}
