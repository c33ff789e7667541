//! The device model: `device_model_override`, and xl's names for stub domains:
//! `device_model_stubdomain_override`, `stubdomain_memory` and their sisters.

use super::{Dialect, Out, Settings};
use crate::convert::Notes;
use crate::spelling::emulator::{is_traditional, note_stubdomain, traditional};
use virtxen_guest::{Emulator, EmulatorType, MemoryKib};

const PATH: &str = "/domain/devices/emulator";

/// Reads the device model.
pub(super) fn read(
    file: &mut Settings<'_>,
    dialect: Dialect,
    notes: &mut Notes,
) -> Option<Emulator> {
    let older = file.filled("device_model", notes);
    let path = file.filled("device_model_override", notes).or(older);
    let mut emulator = Emulator {
        path,
        ..Emulator::default()
    };
    if dialect.xl && file.switch("device_model_stubdomain_override", notes) == Some(true) {
        let version = file.filled("device_model_version", notes);
        let old = traditional(version.as_deref(), emulator.path.as_deref());
        emulator.kind = Some(match old {
            true => EmulatorType::Stubdom,
            false => EmulatorType::StubdomLinux,
        });
        let memory = file.count("stubdomain_memory", notes);
        emulator.memory = memory.map(|mib| MemoryKib::from_mib(mib.into()));
        emulator.kernel = file.filled("stubdomain_kernel", notes);
        emulator.ramdisk = file.filled("stubdomain_ramdisk", notes);
    }
    (emulator != Emulator::default()).then_some(emulator)
}

/// Writes the device model.
pub(super) fn write(
    emulator: Option<&Emulator>,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    let Some(emulator) = emulator else { return };
    let name = if dialect.newest {
        "device_model_override"
    } else {
        "device_model"
    };
    out.optional(name, emulator.path.as_ref());
    if !dialect.xl || !emulator.is_stubdomain() {
        note_stubdomain(emulator, dialect.tool(), notes);
        return;
    }
    out.switch("device_model_stubdomain_override", true);
    let old = emulator.kind == Some(EmulatorType::Stubdom);
    if old != is_traditional(emulator.path.as_deref()) {
        let word = if old {
            "qemu-xen-traditional"
        } else {
            "qemu-xen"
        };
        out.text("device_model_version", word);
    }
    if let Some(memory) = emulator.memory {
        let mib = memory.to_mib_rounded_up();
        if MemoryKib::from_mib(mib) != memory {
            let reason = format!("xl counts in MiB, {mib} MiB are written");
            notes.setting(format!("{PATH}/@memory"), reason);
        }
        out.number("stubdomain_memory", i64::try_from(mib).unwrap_or(i64::MAX));
    }
    out.optional("stubdomain_kernel", emulator.kernel.as_ref());
    out.optional("stubdomain_ramdisk", emulator.ramdisk.as_ref());
    if emulator.cmdline.is_some() {
        let reason = "xl's device_model_args_hvm is not written; use xen:commandline";
        notes.setting(format!("{PATH}/@cmdline"), reason);
    }
}
