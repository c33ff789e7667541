//! Input devices on the emulated USB: `(usbdevice tablet)` in the image.
//!
//! Mouse and keyboard of the kind of guest are always there and not said.

use super::Sxpr;
use super::device::note_info;
use super::section::Section;
use crate::convert::{Notes, excerpt};
use virtxen_guest::{Input, InputBus, InputType};

/// Reads the devices.
pub(super) fn read(image: &mut Section<'_>, notes: &mut Notes) -> Vec<Input> {
    let path = format!("{}/usbdevice", image.path());
    let mut inputs = Vec::new();
    for node in image.children("usbdevice") {
        let words = node
            .rest()
            .iter()
            .flat_map(|n| n.as_list().unwrap_or(std::slice::from_ref(n)));
        for word in words
            .filter_map(Sxpr::as_atom)
            .filter(|word| !word.is_empty())
        {
            let kind = match word {
                "tablet" => InputType::Tablet,
                "mouse" => InputType::Mouse,
                "keyboard" => InputType::Keyboard,
                other => {
                    let reason = format!("'{}' is no input device", excerpt(other));
                    notes.setting_at(path.clone(), node.at(), reason);
                    continue;
                }
            };
            inputs.push(Input::new(kind, InputBus::Usb));
        }
    }
    inputs
}

/// Writes the devices of a fully virtualized guest and notes those that no XenD has.
pub(super) fn write(inputs: &[Input], hvm: bool, image: &mut Vec<Sxpr>, notes: &mut Notes) {
    for (i, input) in inputs.iter().enumerate() {
        let path = format!("/domain/devices/input[{}]", i + 1);
        note_info(&input.info, &path, notes);
        let bus = input.bus.unwrap_or(match input.kind {
            InputType::Tablet => InputBus::Usb,
            _ if hvm => InputBus::Ps2,
            _ => InputBus::Xen,
        });
        match (input.kind, bus) {
            (InputType::Mouse | InputType::Keyboard | InputType::Tablet, InputBus::Usb) if hvm => {
                image.push(Sxpr::pair("usbdevice", input.kind.as_str()));
            }
            // Always there, or there with the frame buffer.
            (InputType::Mouse | InputType::Keyboard, InputBus::Ps2 | InputBus::Xen) => {}
            (kind, bus) => {
                notes.setting(path, format!("XenD has no {kind} on {bus} for this guest"));
            }
        }
    }
}
