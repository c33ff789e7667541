//! Input devices on the emulated USB: `usbdevice_list`; and one of Xen's for a guest that
//! runs: `vkbs`.
//!
//! Mouse and keyboard of the kind of guest are always there; a paravirtual keyboard
//! with a pointer comes with each frame buffer, which is in `graphics`.

use super::Target;
use super::device::{DeviceConfig, unsupported};
use super::guest::Parts;
use super::write::{Out, Writer};
use crate::convert::{Converted, Error, Notes, excerpt};
use crate::spelling::device::note_info;
use virtxen_guest::{Input, InputBus, InputType};

/// Writes the devices and notes those that the guest cannot have.
pub(super) fn write(writer: &mut Writer<'_>) {
    let hvm = writer.is_hvm();
    let mut words = Vec::new();
    for (i, input) in writer.guest.devices.inputs.iter().enumerate() {
        let path = format!("/domain/devices/input[{}]", i + 1);
        note_info(&input.info, &path, "libxl", &mut writer.notes);
        let bus = input.bus.unwrap_or(match input.kind {
            InputType::Tablet => InputBus::Usb,
            _ if hvm => InputBus::Ps2,
            _ => InputBus::Xen,
        });
        match (input.kind, bus) {
            (InputType::Mouse | InputType::Keyboard | InputType::Tablet, InputBus::Usb) if hvm => {
                words.push(input.kind.as_str());
            }
            (InputType::Mouse | InputType::Keyboard, InputBus::Ps2 | InputBus::Xen) => {}
            (kind, bus) => {
                let reason = format!("libxl has no {kind} on {bus} for this guest");
                writer.notes.setting(path, reason);
            }
        }
    }
    if !words.is_empty() {
        writer.own.set("usbdevice_list", words);
    }
}

/// A keyboard or a pointer of Xen's for a guest that runs: a device that has nothing else.
pub(super) fn plugged(
    input: &Input,
    path: &str,
    target: &Target,
) -> Result<Converted<DeviceConfig>, Error> {
    let mut out = Out::new("device_vkb", target.release);
    let without: &[&str] = match (input.kind, input.bus) {
        (InputType::Keyboard, Some(InputBus::Xen)) => &["feature_disable_pointer"],
        (InputType::Mouse, Some(InputBus::Xen)) => &["feature_disable_keyboard"],
        (InputType::Tablet, Some(InputBus::Xen)) => {
            &["feature_disable_keyboard", "feature_abs_pointer"]
        }
        (kind, _) => {
            let reason =
                format!("libxl plugs keyboards and pointers of the bus xen, not this {kind}");
            return Err(unsupported(path.to_owned(), reason));
        }
    };
    let mut notes = Notes::default();
    for key in ["backend_type"].iter().chain(without) {
        if !out.has(key) {
            let reason = format!("libxl of Xen {} has no {key}", target.release);
            return Err(unsupported(path.to_owned(), reason));
        }
    }
    out.set("backend_type", "qemu");
    without.iter().for_each(|key| out.set(key, true));
    note_info(&input.info, path, "libxl", &mut notes);
    Ok(notes.into_converted(DeviceConfig {
        list: "vkbs",
        value: out.into_value(),
    }))
}

/// Reads the devices of a fully virtualized guest.
pub(super) fn read(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Vec<Input> {
    if !parts.is_hvm() {
        return Vec::new();
    }
    let mut words = parts.own.texts("usbdevice_list", notes);
    words.extend(parts.own.text("usbdevice", notes));
    let mut inputs = Vec::new();
    for word in words {
        let kind = match word.as_str() {
            "tablet" => InputType::Tablet,
            "mouse" => InputType::Mouse,
            "keyboard" => InputType::Keyboard,
            other => {
                let reason = format!("'{}' is no input device", excerpt(other));
                notes.essential(parts.own.place("usbdevice_list"), reason);
                continue;
            }
        };
        inputs.push(Input::new(kind, InputBus::Usb));
    }
    inputs
}
