//! A guest as a whole: what it is called, its memory, the order of its parts, and
//! what of a guest no libxl knows.
//!
//! What the parts look like is in the file of each family.

use super::section::Section;
use super::write::{Writer, word_of};
use super::{
    Release, Target, channel, chardev, clock, controller, cpu, disk, emulator, features,
    filesystem, graphics, hostdev, input, interface, lifecycle, numa, os, sound, usb, video,
};
use crate::convert::{Converted, Error, Notes, excerpt};
use serde_json::{Value, json};
use virtxen_guest::{
    Devices, DomId, Guest, KeptContent, Memballoon, MemballoonModel, MemoryKib, OsType, Rules,
    Seclabel, SeclabelType,
};

/// What a document leaves unsaid and a configuration says.
const IMPLICIT: Rules = Rules {
    controllers: false,
    xenbus: false,
    headless_inputs: false,
    console: false,
    ..Rules::LIBXL
};

/// The first release that has PVH guests as they are today.
const FIRST_PVH: Option<Release> = Release::new(4, 10);

/// A guest as `libxl_domain_config`, in the JSON that a release reads.
///
/// # Errors
/// When the guest has no name, or an interface is on a network without a known
/// bridge. What the release cannot carry becomes a note.
pub fn guest_to_libxl(guest: &Guest, target: &Target) -> Result<Converted<Value>, Error> {
    if guest.name.is_empty() {
        return Err(Error::Missing {
            path: "/domain/name".to_owned(),
            at: None,
        });
    }
    let mut filled = guest.clone();
    filled.fill_defaults(&IMPLICIT);
    let lacks_pvh = FIRST_PVH.is_some_and(|first| target.release < first);
    let kind = match guest.os.kind {
        OsType::XenPvh if lacks_pvh => OsType::Xen,
        kind => kind,
    };
    let mut writer = Writer::new(&filled, kind, target);
    if kind != guest.os.kind {
        let reason = format!(
            "libxl of Xen {} has no PVH guests, a paravirtualized one is written",
            target.release
        );
        writer.notes.essential("/domain/os/type", reason);
    }
    write_name(&mut writer);
    cpu::write(&mut writer);
    numa::write(&mut writer);
    clock::write(&mut writer);
    write_memory(&mut writer);
    controller::write(&mut writer);
    features::write(&mut writer);
    os::write(&mut writer);
    emulator::write(&mut writer);
    chardev::write(&mut writer);
    input::write(&mut writer);
    sound::write(&mut writer);
    video::write(&mut writer);
    disk::write(&mut writer);
    interface::write(&mut writer)?;
    graphics::write(&mut writer);
    hostdev::write(&mut writer);
    usb::write(&mut writer);
    channel::write(&mut writer);
    filesystem::write(&mut writer);
    lifecycle::write(&mut writer);
    note_rest(&mut writer);
    Ok(writer.finish())
}

fn write_name(writer: &mut Writer<'_>) {
    let guest = writer.guest;
    writer.create.set("type", word_of(writer.kind));
    writer.create.set("name", guest.name.clone());
    writer
        .create
        .some("uuid", guest.uuid.map(|uuid| uuid.to_string()));
    for (i, label) in guest.seclabels.iter().enumerate() {
        let is_flask = label.model.as_deref().is_none_or(|model| model == "flask");
        let text = label.label.clone().filter(|_| i == 0 && is_flask);
        match text.filter(|_| label.kind != Some(SeclabelType::None)) {
            Some(text) => writer.create.set("ssid_label", text),
            None => {
                let path = format!("/domain/seclabel[{}]", i + 1);
                writer.notes.setting(path, "libxl takes one label of FLASK");
            }
        }
    }
    if !guest.commandline.is_empty() {
        writer.build.set("extra", guest.commandline.clone());
    }
}

fn write_memory(writer: &mut Writer<'_>) {
    let guest = writer.guest;
    let current = guest.current_memory.unwrap_or(guest.memory);
    let mut rounded = |element: &str, memory: MemoryKib| {
        let MemoryKib(kib) = MemoryKib::from_mib(memory.to_mib_rounded_up());
        if kib != memory.0 {
            let reason = format!("Xen counts in MiB, {kib} KiB are written");
            writer.notes.setting(format!("/domain/{element}"), reason);
        }
        kib
    };
    let max = rounded("memory", guest.memory);
    let current = rounded("currentMemory", current.min(guest.memory));
    writer.build.set("max_memkb", max);
    writer.build.set("target_memkb", current);
    // Memory that is plugged later needs its share from the start (Qubes OS).
    let MemoryKib(most) = guest.max_memory().unwrap_or(MemoryKib(max));
    let shadow = writer.target.shadow.map(|shadow| shadow.0);
    let shadow = shadow.unwrap_or_else(|| shadow_of(most.max(max), guest.vcpus.max));
    writer.build.set("shadow_memkb", shadow);
}

/// What libxl's `libxl_get_required_shadow_memory` says since Xen 4.0: a page for
/// each MiB and another one for its tables, and 256 for each vcpu.
fn shadow_of(memory: u64, vcpus: u32) -> u64 {
    4 * (256 * u64::from(vcpus) + 2 * (memory / 1024))
}

/// Notes the parts of a guest for which libxl has no keys.
fn note_rest(writer: &mut Writer<'_>) {
    const UNKNOWN: &str = "libxl does not know it";
    let guest = writer.guest;
    let notes = &mut writer.notes;
    for (element, said) in [
        ("title", guest.title.is_some()),
        ("description", guest.description.is_some()),
        ("metadata", guest.metadata.is_some()),
    ] {
        if said {
            notes.setting(format!("/domain/{element}"), UNKNOWN);
        }
    }
    for item in guest.kept.items() {
        match &item.content {
            KeptContent::Element(element) if element.name == "maxMemory" => {}
            KeptContent::Element(element) => {
                notes.setting(format!("/domain/{}", element.name), UNKNOWN);
            }
            KeptContent::Attribute(attribute) => {
                let path = format!("/domain/{}/@{}", item.within, attribute.name);
                notes.setting(path, UNKNOWN);
            }
        }
    }
    let devices = &guest.devices;
    let balloon = devices.memballoon.as_ref().map(|balloon| balloon.model);
    if balloon.is_some_and(|model| model != MemballoonModel::Xen) {
        let path = "/domain/devices/memballoon/@model";
        notes.setting(path, "Xen's guests have Xen's balloon");
    }
    for element in &devices.others {
        if element.name != filesystem::ELEMENT {
            let path = format!("/domain/devices/{}", element.name);
            notes.setting(path, "libxl has no such device");
        }
    }
}

/// A guest of `libxl_domain_config`, or of what `xl list -l` and `xl create -n` print
/// for one domain: `{"domid": 1, "config": {…}}`.
///
/// # Errors
/// When it is no configuration, or the guest has no name. What has no place in a
/// domain document becomes a note.
pub fn libxl_to_guest(value: &Value) -> Result<Converted<Guest>, Error> {
    let (domid, config, path) = match value.get("config") {
        Some(config) if value.get("c_info").is_none() => (value.get("domid"), config, "config"),
        _ => (None, value, ""),
    };
    if !config.is_object() || config.get("c_info").is_none() {
        return Err(Error::Kind {
            expected: "a configuration of libxl with c_info and b_info",
            found: excerpt(&value.to_string()),
        });
    }
    let mut notes = Notes::default();
    let mut config = Section::new("domain_config", config, path.to_owned());
    let mut create = config.section("c_info", &mut notes);
    let mut guest = read_name(&mut create, &mut notes)?;
    let domid = domid.and_then(Value::as_u64);
    guest.id = domid.and_then(|id| u32::try_from(id).ok()).map(DomId);
    let mut build = config.section("b_info", &mut notes);
    let kind = kind_of(&mut create, &build, &mut notes);
    guest.os.kind = kind;
    let key = match kind {
        OsType::Xen => "type.pv",
        OsType::Hvm => "type.hvm",
        OsType::XenPvh => "type.pvh",
    };
    let mut own = build.section(key, &mut notes);
    let mut parts = Parts {
        config: &mut config,
        create: &mut create,
        build: &mut build,
        own: &mut own,
        kind,
    };
    read_parts(&mut parts, &mut guest, &mut notes);
    for section in [create, own, build, config] {
        section.finish(&mut notes);
    }
    Ok(notes.into_converted(guest))
}

/// The structures of a configuration while it is read.
pub(super) struct Parts<'p, 'a> {
    pub(super) config: &'p mut Section<'a>,
    pub(super) create: &'p mut Section<'a>,
    pub(super) build: &'p mut Section<'a>,
    /// `type.hvm` and its sisters.
    pub(super) own: &'p mut Section<'a>,
    pub(super) kind: OsType,
}

impl<'a> Parts<'_, 'a> {
    pub(super) fn is_hvm(&self) -> bool {
        self.kind == OsType::Hvm
    }

    /// The section with a key that moved from the kind of guest to `b_info`.
    pub(super) fn place_of(&mut self, key: &'static str) -> &mut Section<'a> {
        if self.build.has(key) || !self.own.has(key) {
            self.build
        } else {
            self.own
        }
    }
}

fn read_parts(parts: &mut Parts<'_, '_>, guest: &mut Guest, notes: &mut Notes) {
    read_memory(parts.build, guest, notes);
    cpu::read(parts, guest, notes);
    guest.clock = clock::read(parts, notes);
    guest.features = features::read(parts, notes);
    os::read(parts, guest, notes);
    guest.commandline = parts.build.texts("extra", notes);
    guest.lifecycle = lifecycle::read(parts.config, notes);
    let mut devices = Devices {
        emulator: emulator::read(parts, notes),
        disks: disk::read(parts, notes),
        interfaces: interface::read(parts, notes),
        ..Devices::default()
    };
    graphics::read(parts, &mut devices, notes);
    chardev::read(parts, &mut devices, notes);
    devices.inputs = input::read(parts, notes);
    devices.sounds = sound::read(parts, notes);
    devices.videos = video::read(parts, &devices, notes);
    devices.hostdevs = hostdev::read(parts.config, notes);
    usb::read(parts.config, &mut devices, notes);
    devices.channels = channel::read(parts.config, notes);
    controller::read(parts.build, &mut devices, notes);
    filesystem::read(parts.config, &mut devices, notes);
    devices.memballoon = Some(Memballoon::new(MemballoonModel::Xen));
    guest.devices = devices;
}

fn read_name(create: &mut Section<'_>, notes: &mut Notes) -> Result<Guest, Error> {
    let name = create.text("name", notes).ok_or_else(|| Error::Missing {
        path: create.place("name"),
        at: None,
    })?;
    let mut guest = Guest::new(name);
    if let Some(text) = create.text("uuid", notes) {
        match text.parse() {
            Ok(uuid) => guest.uuid = Some(uuid),
            Err(_) => {
                let said = json!(text);
                create.wrong("uuid", &said, "a uuid", notes);
            }
        }
    }
    if let Some(label) = create.text("ssid_label", notes) {
        guest.seclabels.push(Seclabel {
            kind: Some(SeclabelType::Static),
            model: Some("flask".to_owned()),
            label: Some(label),
            ..Seclabel::default()
        });
    }
    Ok(guest)
}

fn kind_of(create: &mut Section<'_>, build: &Section<'_>, notes: &mut Notes) -> OsType {
    match create.word("type", notes) {
        Some("hvm") => OsType::Hvm,
        Some("pvh") => OsType::XenPvh,
        Some(_) => OsType::Xen,
        None if build.has("type.hvm") => OsType::Hvm,
        None if build.has("type.pvh") => OsType::XenPvh,
        None => {
            if !build.has("type.pv") {
                let reason = "not said, a paravirtualized guest is read";
                notes.essential(create.place("type"), reason);
            }
            OsType::Xen
        }
    }
}

fn read_memory(build: &mut Section<'_>, guest: &mut Guest, notes: &mut Notes) {
    let max = build.count("max_memkb", notes).map(MemoryKib);
    let current = build.count("target_memkb", notes).map(MemoryKib);
    if max.is_none() && current.is_none() {
        notes.essential(build.place("max_memkb"), "the guest has no memory");
    }
    guest.memory = max.or(current).unwrap_or_default();
    guest.current_memory = Some(current.or(max).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadow_memory_grows_with_memory_and_vcpus() {
        assert_eq!(shadow_of(1 << 20, 1), 9216);
        assert_eq!(shadow_of(1 << 20, 4), 12_288);
    }
}
