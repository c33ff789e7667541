//! The device model: `device_model`, `device_model_version`, and its stub domain:
//! `device_model_stubdomain`, `stubdomain_memkb` and their sisters.

use super::guest::Parts;
use super::write::Writer;
use crate::convert::Notes;
use crate::spelling::emulator::{is_traditional, traditional};
use virtxen_guest::{Emulator, EmulatorType, MemoryKib};

const PATH: &str = "/domain/devices/emulator";

/// Writes the device model.
pub(super) fn write(writer: &mut Writer<'_>) {
    let Some(emulator) = &writer.guest.devices.emulator else {
        return;
    };
    if !writer.is_hvm() {
        let reason = "a paravirtualized guest has the host's, if it needs one";
        writer.notes.setting(PATH, reason);
        return;
    }
    let old = match emulator.kind {
        Some(EmulatorType::Stubdom) => true,
        Some(EmulatorType::StubdomLinux) => false,
        Some(EmulatorType::Qemu) | None => is_traditional(emulator.path.as_deref()),
    };
    let word = if old {
        "qemu_xen_traditional"
    } else {
        "qemu_xen"
    };
    if emulator.path.is_some() || emulator.is_stubdomain() {
        writer.build.set("device_model_version", word);
    }
    writer.build.some("device_model", emulator.path.clone());
    if let Some(cmdline) = &emulator.cmdline {
        let words: Vec<&str> = cmdline.split(' ').filter(|word| !word.is_empty()).collect();
        if !words.is_empty() {
            writer.build.set("extra_hvm", words);
        }
    }
    let (build, notes) = (&mut writer.build, &mut writer.notes);
    if !emulator.is_stubdomain() {
        for (name, said) in [
            ("memory", emulator.memory.is_some()),
            ("kernel", emulator.kernel.is_some()),
            ("ramdisk", emulator.ramdisk.is_some()),
        ] {
            if said {
                let reason = "it is of a stub domain, which this guest has not";
                notes.setting(format!("{PATH}/@{name}"), reason);
            }
        }
        return;
    }
    build.flag("device_model_stubdomain", true);
    if let Some(MemoryKib(kib)) = emulator.memory.filter(|memory| memory.0 > 0) {
        build.try_set("stubdomain_memkb", kib, &format!("{PATH}/@memory"), notes);
    }
    for (key, name, path) in [
        ("stubdomain_kernel", "kernel", &emulator.kernel),
        ("stubdomain_ramdisk", "ramdisk", &emulator.ramdisk),
    ] {
        if let Some(path) = path {
            build.need(key, path.clone(), &format!("{PATH}/@{name}"), notes);
        }
    }
}

/// Reads the device model, if anything is said of it.
pub(super) fn read(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Option<Emulator> {
    let build = &mut *parts.build;
    let version = build.word("device_model_version", notes);
    let mut emulator = Emulator {
        path: build.text("device_model", notes),
        ..Emulator::default()
    };
    if build.flag("device_model_stubdomain", notes) == Some(true) {
        emulator.kind = Some(match traditional(version, emulator.path.as_deref()) {
            true => EmulatorType::Stubdom,
            false => EmulatorType::StubdomLinux,
        });
        let memory = build.count("stubdomain_memkb", notes).map(MemoryKib);
        emulator.memory = memory.filter(|memory| memory.0 > 0);
        emulator.kernel = build.text("stubdomain_kernel", notes);
        emulator.ramdisk = build.text("stubdomain_ramdisk", notes);
    } else if let Some(version) = version {
        let path = emulator.path.as_deref();
        let old = traditional(Some(version), path);
        if path.is_some() && old != is_traditional(path) {
            let reason = format!("a document does not say that it is {version}");
            notes.setting(build.place("device_model_version"), reason);
        }
    }
    let words = build.texts("extra_hvm", notes);
    emulator.cmdline = (!words.is_empty()).then(|| words.join(" "));
    (emulator != Emulator::default()).then_some(emulator)
}
