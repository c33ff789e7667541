//! A guest as a whole: `(vm …)` for XenD to create or define, and `(domain …)` as
//! XenD tells it.
//!
//! What the parts look like is in the file of each family; here are their order
//! and the lists that say nothing about the configuration.

use super::dialect::{ConfigVersion, Runtime, Source, Target};
use super::section::{Quiet, Section};
use super::{
    Sxpr, chardev, clock, cpu, disk, features, graphics, hostdev, input, interface, lifecycle, os,
    sound, video,
};
use crate::convert::{Converted, Error, Notes, excerpt};
use crate::spelling::emulator::note_stubdomain;
use virtxen_guest::{
    ControllerType, Devices, DomId, Guest, Memballoon, MemballoonModel, MemoryKib,
};

/// What XenD reports of a domain beside its configuration, and settings that
/// libvirt has other calls for (autostart) or that say nothing new.
const QUIET: &[Quiet] = &[
    ("cpu_cap", &["0"]),
    ("cpu_time", &[]),
    ("console_mfn", &[]),
    ("features", &[""]),
    ("on_xend_start", &[]),
    ("on_xend_stop", &["ignore"]),
    ("online_vcpus", &[]),
    ("pool_name", &["Pool-0", ""]),
    ("security", &[""]),
    ("shadow_memory", &[]),
    ("shutdown_reason", &[]),
    ("ssidref", &["0"]),
    ("start_time", &[]),
    ("state", &[]),
    ("status", &[]),
    ("store_mfn", &[]),
    ("target", &["0"]),
    ("up_time", &[]),
];

/// What XenD reports of an image or adds to it with the value it has anyway.
const QUIET_IMAGE: &[Quiet] = &[
    ("actmem", &["0"]),
    ("cpuid", &[""]),
    ("cpuid_check", &[""]),
    ("display", &[]),
    ("guest_os_type", &["default", ""]),
    ("isa", &["0"]),
    ("memory_sharing", &["0"]),
    ("monitor", &[]),
    ("nomigrate", &["0"]),
    ("notes", &[]),
    ("oos", &["1"]),
    ("opengl", &["0", "1"]),
    ("pci", &[]),
    ("pci_msitranslate", &["1"]),
    ("pci_power_mgmt", &["0"]),
    ("rtc_timeoffset", &["0"]),
    ("suppress_spurious_page_faults", &["0"]),
    ("superpages", &["0"]),
    ("timer_mode", &["1"]),
    ("usb", &[]),
    ("vcpu_avail", &[]),
    ("vcpus", &[]),
    ("vncconsole", &["0"]),
    ("vpt_align", &["1"]),
    ("xauthority", &[]),
    ("xen_extended_power_mgmt", &["0"]),
    ("xen_platform_pci", &["1"]),
];

/// What XenD says of its own console and of keyboards, which are always there.
const ALWAYS_THERE: &[&str] = &["console", "vkbd"];

/// Reads XenD's detail of a domain, active or not, or a file with `(vm …)` or
/// `(domain …)`.
///
/// # Errors
/// When it is no domain, has no name, or has an address or identifier that is
/// none. Everything else that is not understood becomes a note.
pub fn sxpr_to_guest(
    tree: &Sxpr,
    version: ConfigVersion,
    runtime: &Runtime,
) -> Result<Converted<Guest>, Error> {
    let kind = tree.name().unwrap_or("");
    if !matches!(kind, "domain" | "vm") {
        return Err(Error::Kind {
            expected: "(domain …) or (vm …)",
            found: excerpt(kind),
        });
    }
    let mut notes = Notes::default();
    let mut domain = Section::new(tree, kind.to_owned());
    let domid = domain.number("domid", &mut notes);
    let mut found = image_of(&mut domain, &mut notes);
    let source = Source {
        version,
        runtime,
        hvm: found.as_ref().is_some_and(|(hvm, _)| *hvm),
        domid: domid.and_then(|id| u32::try_from(id).ok()).map(DomId),
    };
    let mut image = found.as_mut().map(|(_, image)| image);
    let mut guest = read_general(&mut domain, &source, &mut notes)?;
    guest.os = os::read(&mut domain, image.as_deref_mut(), &source, &mut notes);
    guest.clock = clock::read(&mut domain, image.as_deref_mut(), &source, &mut notes);
    guest.devices = read_devices(&mut domain, image.as_deref_mut(), &source, &mut notes)?;
    if let Some(image) = image {
        guest.devices.emulator = image
            .text("device_model")
            .map(|path| path.to_owned().into());
        if source.hvm {
            guest.features = features::read(image, &mut notes);
        }
    }
    if let Some((_, image)) = found {
        image.finish(&mut notes, QUIET_IMAGE);
    }
    domain.finish(&mut notes, QUIET);
    Ok(notes.into_converted(guest))
}

/// The inside of `(image (KIND …))` and whether the kind is fully virtualized.
fn image_of<'a>(domain: &mut Section<'a>, notes: &mut Notes) -> Option<(bool, Section<'a>)> {
    let node = domain.child("image")?;
    let inside = node.rest().iter().find(|node| node.name().is_some())?;
    let name = inside.name().unwrap_or("");
    let path = format!("{}/image/{}", domain.path(), excerpt(name));
    let hvm = matches!(name, "hvm" | "vmx");
    if !hvm && name != "linux" {
        notes.setting_at(path.clone(), inside.at(), "read as a paravirtualized guest");
    }
    Some((hvm, Section::new(inside, path)))
}

fn read_general(
    domain: &mut Section<'_>,
    source: &Source<'_>,
    notes: &mut Notes,
) -> Result<Guest, Error> {
    let name = domain.text("name").ok_or_else(|| Error::Missing {
        path: format!("{}/name", domain.path()),
        at: None,
    })?;
    if name.contains('/') {
        let path = format!("{}/name", domain.path());
        notes.setting(path, "domain documents do not take a name with a slash");
    }
    let mut guest = Guest::new(name);
    guest.id = source.domid;
    if let Some(text) = domain.text("uuid") {
        let uuid = text
            .parse()
            .map_err(|_| domain.malformed("uuid", text, "a uuid"))?;
        guest.uuid = Some(uuid);
    }
    guest.description = domain.text("description").map(str::to_owned);
    let mut mib = |name: &str| {
        let number = domain.number(name, notes)?;
        u64::try_from(number)
            .ok()
            .filter(|mib| *mib > 0)
            .map(MemoryKib::from_mib)
    };
    let (memory, most) = (mib("memory"), mib("maxmem"));
    guest.memory = most.or(memory).unwrap_or_default();
    guest.current_memory = memory.map(|memory| memory.min(guest.memory));
    (guest.vcpus, guest.cpu_tune) = cpu::read(domain, notes);
    guest.lifecycle = lifecycle::read(domain, notes);
    Ok(guest)
}

fn read_devices(
    domain: &mut Section<'_>,
    mut image: Option<&mut Section<'_>>,
    source: &Source<'_>,
    notes: &mut Notes,
) -> Result<Devices, Error> {
    let mut devices = Devices::default();
    let mut framebuffers = Vec::new();
    let path = format!("{}/device", domain.path());
    for node in domain.children("device") {
        for inside in node.rest() {
            let class = inside.name().unwrap_or("");
            let path = format!("{path}/{}", excerpt(class));
            let section = Section::new(inside, path.clone());
            match class {
                _ if disk::CLASSES.contains(&class) => {
                    if let Some((disk, bootable)) = disk::read(section, class, notes) {
                        let at = if bootable { 0 } else { devices.disks.len() };
                        devices.disks.insert(at, disk);
                    }
                }
                "vif" => {
                    let index = devices.interfaces.len();
                    devices
                        .interfaces
                        .push(interface::read(section, source, index, notes)?);
                }
                "vfb" => framebuffers.push(section),
                "pci" => devices.hostdevs.extend(hostdev::read(section, notes)?),
                _ if ALWAYS_THERE.contains(&class) => {}
                _ => notes.essential(path, "a device that has no place in the domain document"),
            }
        }
    }
    devices.graphics = graphics::read(image.as_deref_mut(), framebuffers, source, notes);
    chardev::read(image.as_deref_mut(), source, &mut devices, notes);
    if let Some(image) = image.filter(|_| source.hvm) {
        disk::read_image(image, source, &mut devices.disks);
        devices.inputs = input::read(image, notes);
        devices.sounds = sound::read(image, notes);
        devices.videos = video::read(image, notes).into_iter().collect();
    }
    devices.memballoon = Some(Memballoon::new(MemballoonModel::Xen));
    Ok(devices)
}

/// Writes the expression with which XenD creates or defines the guest.
///
/// # Errors
/// When the guest has no name or an interface is on a network without a known
/// bridge. What XenD cannot carry becomes a note.
pub fn guest_to_sxpr(guest: &Guest, target: &Target) -> Result<Converted<Sxpr>, Error> {
    if guest.name.is_empty() {
        return Err(Error::Missing {
            path: "/domain/name".to_owned(),
            at: None,
        });
    }
    let dialect = target.dialect;
    let hvm = guest.is_hvm();
    let mut notes = Notes::default();
    let mut out = Vec::new();
    write_general(guest, target, &mut out, &mut notes);
    let time = clock::words(&guest.clock, hvm, dialect.version, &mut notes);
    let localtime = Sxpr::pair("localtime", if time.localtime { "1" } else { "0" });
    let mut image = Vec::new();
    write_image(guest, target, &mut image, &mut notes);
    if dialect.version >= ConfigVersion::Xen310 {
        let offset = time.rtc_timeoffset;
        image.extend(offset.map(|offset| Sxpr::pair("rtc_timeoffset", offset.to_string())));
        image.push(localtime.clone());
    }
    if guest.os.bootloader.is_none() || !image.is_empty() || hvm {
        let kind = match (hvm, dialect.vmx_image) {
            (true, true) => "vmx",
            (true, false) => "hvm",
            (false, _) => "linux",
        };
        out.push(Sxpr::named("image", vec![Sxpr::named(kind, image)]));
    }
    out.push(localtime);
    write_devices(guest, target, &mut out, &mut notes)?;
    note_rest(guest, &mut notes);
    Ok(notes.into_converted(Sxpr::named("vm", out)))
}

fn write_general(guest: &Guest, target: &Target, out: &mut Vec<Sxpr>, notes: &mut Notes) {
    out.push(Sxpr::quoted_pair("name", &guest.name));
    let current = guest
        .current_memory
        .unwrap_or(guest.memory)
        .min(guest.memory);
    for (name, element, memory) in [
        ("memory", "currentMemory", current),
        ("maxmem", "memory", guest.memory),
    ] {
        let mib = memory.to_mib_rounded_up();
        if MemoryKib::from_mib(mib) != memory {
            let path = format!("/domain/{element}");
            notes.setting(path, format!("XenD counts in MiB, {mib} MiB are written"));
        }
        out.push(Sxpr::pair(name, mib.to_string()));
    }
    cpu::write(guest, target.dialect, out, notes);
    out.extend(
        guest
            .uuid
            .map(|uuid| Sxpr::quoted_pair("uuid", uuid.to_string())),
    );
    out.extend(
        guest
            .description
            .iter()
            .map(|text| Sxpr::quoted_pair("description", text)),
    );
    if guest.description.is_some() && target.dialect.version < ConfigVersion::Xen310 {
        notes.setting("/domain/description", "XenD before 3.1 does not keep it");
    }
    if !guest.is_hvm() {
        os::write_bootloader(&guest.os, target.dialect, out, notes);
    }
    lifecycle::write(&guest.lifecycle, out);
}

fn write_image(guest: &Guest, target: &Target, image: &mut Vec<Sxpr>, notes: &mut Notes) {
    let (dialect, devices) = (target.dialect, &guest.devices);
    let version = dialect.version;
    let hvm = guest.is_hvm();
    if hvm {
        os::write_hvm(&guest.os, dialect, image, notes);
        cpu::write_count(&guest.vcpus, image, &mut Notes::default());
        os::write_boot(&guest.os, image);
        disk::write_image(&disk::in_order(&devices.disks), version, image, notes);
    } else {
        os::write_pv(&guest.os, image, notes);
    }
    features::write(&guest.features, hvm, image, notes);
    if hvm {
        image.push(Sxpr::pair("usb", "1"));
    }
    input::write(&devices.inputs, hvm, image, notes);
    if hvm {
        chardev::write_ports(devices, version, image, notes);
        sound::write(&devices.sounds, image, notes);
    } else {
        chardev::note_ports_of_pv(devices, notes);
        sound::note_of_pv(&devices.sounds, notes);
    }
    video::write(&devices.videos, hvm, image, notes);
    match &devices.emulator {
        Some(emulator) if hvm || version >= ConfigVersion::Xen304 => {
            let path = emulator.path.as_deref();
            image.extend(path.map(|path| Sxpr::quoted_pair("device_model", path)));
            note_stubdomain(emulator, "XenD", notes);
        }
        Some(_) => {
            let reason = "XenD before 3.0.4 has no device model for paravirtualized guests";
            notes.setting("/domain/devices/emulator", reason);
        }
        None => {}
    }
    clock::write_timers(&guest.clock, hvm, version, image, notes);
    if hvm && dialect.timer_mode {
        image.push(Sxpr::pair("timer_mode", "1"));
    }
    if graphics::is_in_image(hvm, dialect) {
        graphics::write_image(&devices.graphics, dialect, image, notes);
    }
}

fn write_devices(
    guest: &Guest,
    target: &Target,
    out: &mut Vec<Sxpr>,
    notes: &mut Notes,
) -> Result<(), Error> {
    let (devices, hvm) = (&guest.devices, guest.is_hvm());
    let version = target.dialect.version;
    let device = |inside| Sxpr::named("device", vec![inside]);
    for (index, one) in disk::in_order(&devices.disks) {
        if !disk::is_in_image(one, hvm, version) {
            let path = format!("/domain/devices/disk[{}]", index + 1);
            out.extend(disk::write(one, &path, hvm, version, notes).map(device));
        }
    }
    for (index, one) in devices.interfaces.iter().enumerate() {
        let path = format!("/domain/devices/interface[{}]", index + 1);
        out.extend(interface::write(one, &path, hvm, target, notes)?.map(device));
    }
    hostdev::write_all(&devices.hostdevs, out, notes);
    if !graphics::is_in_image(hvm, target.dialect) {
        graphics::write_devices(&devices.graphics, out, notes);
    }
    Ok(())
}

/// Notes the parts of a guest for which XenD has no words at all.
fn note_rest(guest: &Guest, notes: &mut Notes) {
    os::note_rest(&guest.os, notes);
    if guest.title.is_some() {
        notes.setting("/domain/title", "XenD does not know it");
    }
    if guest.metadata.is_some() {
        notes.setting("/domain/metadata", "XenD does not keep it");
    }
    for i in 1..=guest.seclabels.len() {
        notes.setting(format!("/domain/seclabel[{i}]"), "XenD does not know it");
    }
    if !guest.commandline.is_empty() {
        notes.setting("/domain/xen:commandline", "XenD passes no arguments on");
    }
    notes.kept("/domain", &guest.kept, "XenD does not know it");
    chardev::note_channels(&guest.devices, notes);
    for (i, controller) in guest.devices.controllers.iter().enumerate() {
        let path = format!("/domain/devices/controller[{}]", i + 1);
        let implied = matches!(
            controller.kind,
            ControllerType::Ide
                | ControllerType::Fdc
                | ControllerType::Scsi
                | ControllerType::Xenbus
        );
        let limits = controller
            .max_event_channels
            .or(controller.max_grant_frames);
        if !implied || limits.is_some() || controller.model.is_some() {
            notes.setting(
                path,
                format!("XenD has no {} controller to choose", controller.kind),
            );
        }
    }
    let balloon = guest
        .devices
        .memballoon
        .as_ref()
        .map(|balloon| balloon.model);
    if balloon.is_some_and(|model| model != MemballoonModel::Xen) {
        notes.setting(
            "/domain/devices/memballoon/@model",
            "XenD's guests have Xen's balloon",
        );
    }
    for (i, element) in guest.devices.others.iter().enumerate() {
        let path = format!("/domain/devices/{}", element.name);
        notes.setting(
            path,
            format!("XenD has no such device ({} of those kept)", i + 1),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sxpr::{Limits, read};

    fn guest(text: &str, version: ConfigVersion) -> Converted<Guest> {
        let tree = read(text, Limits::default()).unwrap();
        sxpr_to_guest(&tree, version, &Runtime::default()).unwrap()
    }

    #[test]
    fn root_devices_said_twice_are_said_once() {
        let text = "(domain (name a)(memory 64)(cpus (0 3))(cpus (0 3))(image (linux (kernel /k)\
                    (root '/dev/xvda1 ro')(args 'root=/dev/xvda1 ro quiet'))))";
        let Converted { value, notes } = guest(text, ConfigVersion::Xen304);
        assert_eq!(value.os.root, None);
        assert_eq!(
            value.os.cmdline.as_deref(),
            Some("root=/dev/xvda1 ro quiet")
        );
        assert_eq!(value.vcpus.cpuset, "0,3".parse().ok());
        assert_eq!(notes, []);
    }

    #[test]
    fn functions_of_all_releases_are_read() {
        let text = "(domain (name a)(memory 64)(image (linux (kernel /k)(pci ((0 6 2 0)))))\
                    (device (pci (uuid u)(dev (slot 0x02)(uuid v)(bus 0x06)(domain 0x0000)(func 0x1)\
                    (vdevfn 0x100)(opts ())))))";
        let Converted { value, notes } = guest(text, ConfigVersion::Xen310);
        let written = guest_to_sxpr(&value, &Target::new(ConfigVersion::Xen310)).unwrap();
        let pci = written
            .value
            .children("device")
            .find_map(|device| device.child("pci"));
        let dev = pci.and_then(|pci| pci.child("dev")).unwrap();
        assert_eq!(
            (dev.value("slot"), dev.value("func")),
            (Some("0x02"), Some("0x1"))
        );
        assert_eq!(notes, []);
    }

    #[test]
    fn what_has_no_place_is_noted() {
        let text = "(domain (name a/b)(memory 64)(cpu_cap 50)(odd (thing))\
                    (image (linux (kernel /k)(superpages 1)))(device (vtpm (instance 1))))";
        let notes = guest(text, ConfigVersion::Xen310).notes;
        let paths: Vec<_> = notes
            .iter()
            .map(|note| (note.path.as_str(), note.essential))
            .collect();
        assert_eq!(
            paths,
            [
                ("domain/name", false),
                ("domain/device/vtpm", true),
                ("domain/image/linux/superpages", false),
                ("domain/cpu_cap", false),
                ("domain/odd", false),
            ]
        );
        assert!(notes.iter().skip(2).all(|note| note.at.is_some()));
    }
}
