//! Which device model a guest has, and what only libxl's stub domains have.
//!
//! The names that it is said with are in each language's folder.

use crate::convert::Notes;
use virtxen_guest::{Emulator, EmulatorType};

/// Whether a program is XenD's device model, which Xen ≥ 4.2 calls traditional.
pub(crate) fn is_traditional(path: Option<&str>) -> bool {
    let name = path.and_then(|path| path.rsplit('/').next());
    name == Some("qemu-dm")
}

/// Whether the device model is the traditional one, by its version if that is said
/// (`qemu-xen-traditional` in files, with underscores in libxl).
pub(crate) fn traditional(version: Option<&str>, path: Option<&str>) -> bool {
    match version {
        Some(version) => version.ends_with("traditional"),
        None => is_traditional(path),
    }
}

/// Notes what a tool without stub domains cannot carry.
pub(crate) fn note_stubdomain(emulator: &Emulator, tool: &str, notes: &mut Notes) {
    let path = "/domain/devices/emulator";
    if emulator.is_stubdomain() {
        let reason = format!("{tool} runs the device model in Domain-0");
        notes.essential(format!("{path}/@type"), reason);
    }
    for (name, said) in [
        ("memory", emulator.memory.is_some()),
        ("kernel", emulator.kernel.is_some()),
        ("ramdisk", emulator.ramdisk.is_some()),
        ("cmdline", emulator.cmdline.is_some()),
        ("type", emulator.kind == Some(EmulatorType::Qemu)),
    ] {
        if said {
            notes.setting(
                format!("{path}/@{name}"),
                format!("{tool} does not take it"),
            );
        }
    }
}
