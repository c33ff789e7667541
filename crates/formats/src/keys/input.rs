//! Input devices on the emulated USB: `usb = 1`, `usbdevice = "tablet"`, with xl
//! also a list.
//!
//! Mouse and keyboard of the kind of guest are always there and not said.

use super::{Dialect, Out, Settings};
use crate::convert::{Notes, excerpt};
use crate::spelling::device::note_info;
use virtxen_guest::{Input, InputBus, InputType};

/// Reads the devices of a fully virtualized guest.
pub(super) fn read(file: &mut Settings<'_>, notes: &mut Notes) -> Vec<Input> {
    let mut inputs = Vec::new();
    for entry in file.entries("usbdevice", notes) {
        let kind = match entry.text.as_str() {
            "" => continue,
            "tablet" => InputType::Tablet,
            "mouse" => InputType::Mouse,
            "keyboard" => InputType::Keyboard,
            other => {
                let reason = format!("'{}' is no input device", excerpt(other));
                notes.essential_at(entry.path, entry.at, reason);
                continue;
            }
        };
        inputs.push(Input::new(kind, InputBus::Usb));
    }
    inputs
}

/// Writes the devices and notes those that the guest cannot have.
pub(super) fn write(
    inputs: &[Input],
    hvm: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    let tool = dialect.tool();
    let mut words = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let path = format!("/domain/devices/input[{}]", i + 1);
        note_info(&input.info, &path, tool, notes);
        let bus = input.bus.unwrap_or(match input.kind {
            InputType::Tablet => InputBus::Usb,
            _ if hvm => InputBus::Ps2,
            _ => InputBus::Xen,
        });
        match (input.kind, bus) {
            (InputType::Mouse | InputType::Keyboard | InputType::Tablet, InputBus::Usb) if hvm => {
                if dialect.xl || words.is_empty() {
                    words.push(input.kind.as_str().to_owned());
                } else {
                    notes.setting(path, "xm gives a guest one USB device");
                }
            }
            // Always there, or there with the frame buffer.
            (InputType::Mouse | InputType::Keyboard, InputBus::Ps2 | InputBus::Xen) => {}
            (kind, bus) => {
                notes.setting(
                    path,
                    format!("{tool} has no {kind} on {bus} for this guest"),
                );
            }
        }
    }
    if words.is_empty() {
        return;
    }
    out.switch("usb", true);
    match words.as_slice() {
        [only] => out.text("usbdevice", only),
        _ => out.texts("usbdevice", words),
    }
}
