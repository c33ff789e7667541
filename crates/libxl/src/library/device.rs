//! Devices of guests that run: which of libxl's functions and structures each kind has,
//! and what libxl wants to know of one that is taken away.

use super::call::Arguments;
use super::context::Context;
use super::structure::{Structure, to_c};
use crate::protocol::Outcome;
use crate::{Device, Failure, LogLevel};
use serde_json::Value;
use std::ffi::CString;

/// Adds a device, and says what libxl chose for it.
pub(super) fn attach(
    context: &Context<'_>,
    domid: u32,
    device: Device,
    config: &str,
) -> Result<Outcome, Failure> {
    let functions = functions_of(device);
    let mut structure = Structure::read(context, functions.structure, config)?;
    if let Err(failure) = context.call(functions.add, Arguments::Structure(domid, &mut structure)) {
        // What libxl has made by then it leaves to the guest, which could not use it.
        if let Some(destroy) = functions.destroy.filter(|_| failure.is_half_made()) {
            context.is_given_up();
            let _ = context.call(destroy, Arguments::Structure(domid, &mut structure));
        }
        return Err(failure);
    }
    let text = structure.text()?;
    Ok(Outcome::Answer { text })
}

/// Takes a device away.
pub(super) fn detach(
    context: &Context<'_>,
    domid: u32,
    device: Device,
    config: &str,
    force: bool,
) -> Result<Outcome, Failure> {
    let functions = functions_of(device);
    let function = match (force, functions.destroy) {
        (true, Some(destroy)) => destroy,
        (true, None) => {
            let text = format!("libxl has no force for {}", functions.structure);
            context.note(LogLevel::Warning, text);
            functions.remove
        }
        (false, _) => functions.remove,
    };
    let mut structure = match known_by(device, config)? {
        None => Structure::read(context, functions.structure, config)?,
        Some((lookup, text)) => {
            let mut structure = Structure::new(context, functions.structure)?;
            let arguments = Arguments::Lookup(domid, &text, &mut structure);
            context.call(lookup, arguments)?;
            structure
        }
    };
    context.call(function, Arguments::Structure(domid, &mut structure))?;
    Ok(Outcome::Done)
}

/// libxl takes devices away by what it chose for them when it added them. Where that is
/// not said, it is looked up: the function for it, and by which text.
fn known_by(device: Device, config: &str) -> Result<Option<(&'static str, CString)>, Failure> {
    let (chosen, key, function) = match device {
        Device::Disk => ("backend", "vdev", "vdev_to_device_disk"),
        Device::Nic => ("devid", "mac", "mac_to_device_nic"),
        _ => return Ok(None),
    };
    let config: Value = serde_json::from_str(config)
        .map_err(|error| Failure::request(format!("the device: {error}")))?;
    match config.get(key).and_then(Value::as_str) {
        Some(text) if config.get(chosen).is_none() => Ok(Some((function, to_c(text)?))),
        _ => Ok(None),
    }
}

/// libxl's functions for a kind of device.
struct Functions {
    structure: &'static str,
    add: &'static str,
    remove: &'static str,
    /// Without asking the guest.
    destroy: Option<&'static str>,
}

fn functions_of(device: Device) -> Functions {
    let (structure, add, remove, destroy) = match device {
        Device::Disk => (
            "device_disk",
            "device_disk_add",
            "device_disk_remove",
            Some("device_disk_destroy"),
        ),
        Device::Medium => ("device_disk", "cdrom_insert", "device_disk_remove", None),
        Device::Nic => (
            "device_nic",
            "device_nic_add",
            "device_nic_remove",
            Some("device_nic_destroy"),
        ),
        Device::Pci => (
            "device_pci",
            "device_pci_add",
            "device_pci_remove",
            Some("device_pci_destroy"),
        ),
        Device::UsbController => (
            "device_usbctrl",
            "device_usbctrl_add",
            "device_usbctrl_remove",
            None,
        ),
        Device::UsbDevice => (
            "device_usbdev",
            "device_usbdev_add",
            "device_usbdev_remove",
            None,
        ),
        Device::Keyboard => (
            "device_vkb",
            "device_vkb_add",
            "device_vkb_remove",
            Some("device_vkb_destroy"),
        ),
        Device::Framebuffer => (
            "device_vfb",
            "device_vfb_add",
            "device_vfb_remove",
            Some("device_vfb_destroy"),
        ),
    };
    Functions {
        structure,
        add,
        remove,
        destroy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_looked_up_when_libxl_chose() {
        let by = |device, config| known_by(device, config).unwrap();
        let disk = by(Device::Disk, r#"{"vdev": "xvdb"}"#).unwrap();
        assert_eq!(disk, ("vdev_to_device_disk", c"xvdb".to_owned()));
        assert_eq!(
            by(Device::Disk, r#"{"vdev": "xvdb", "backend": "phy"}"#),
            None
        );
        assert!(by(Device::Nic, r#"{"mac": "00:16:3e:00:00:01"}"#).is_some());
        assert_eq!(by(Device::Nic, r#"{"mac": "x", "devid": 0}"#), None);
        assert_eq!(by(Device::Pci, "{}"), None);
        assert!(known_by(Device::Nic, "{").is_err());
    }
}
