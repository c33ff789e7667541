//! `/sys/bus/pci`: which driver has a device, and the files that change it.
//!
//! | kernel | of Xen | files |
//! | --- | --- | --- |
//! | 2.6.18 | to 4.0 | `bind`, `unbind`, `new_slot`, `remove_slot`, `slots` |
//! | 2.6.32 | to 4.4 | and `drivers_probe`, `reset` |
//! | 3.16 | later | and `driver_override` |

use std::io;
use virtxen_hypercall::Release;

use crate::state::State;
use crate::state::pci::{KEEPER, NoSuchDevice, PciDevice, drivers};

const BUS: &str = "/sys/bus/pci";

/// What Linux calls ENODEV.
const NO_SUCH_DEVICE: i32 = 19;

/// What is in a file.
pub(super) fn file(state: &State, path: &str) -> Option<String> {
    let rest = path.strip_prefix(BUS)?.strip_prefix("/drivers/")?;
    if rest != format!("{KEEPER}/slots") {
        return None;
    }
    let announced = state.pci.iter().filter(|it| it.is_announced);
    Some(announced.map(|it| format!("{}\n", it.address)).collect())
}

/// What is in a folder.
pub(super) fn folder(state: &State, path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix(BUS)?.strip_prefix('/')?;
    let names = |names: &[&str]| Some(names.iter().map(|it| (*it).to_owned()).collect());
    match path.split_once('/') {
        None if path == "devices" => {
            names(&state.pci.iter().map(|it| it.address).collect::<Vec<_>>())
        }
        None if path == "drivers" => names(&drivers().collect::<Vec<_>>()),
        Some(("devices", address)) => {
            let device = state.pci.iter().find(|it| it.address == address)?;
            names(device.driver.map_or(&[], |_| &["driver"]))
        }
        Some(("drivers", name)) if drivers().any(|it| it == name) => names(&["bind", "unbind"]),
        _ => None,
    }
}

/// The driver to which a device's link leads.
pub(super) fn driver(state: &State, path: &str) -> Option<String> {
    let rest = path.strip_prefix(BUS)?.strip_prefix("/devices/")?;
    let address = rest.strip_suffix("/driver")?;
    let device = state.pci.iter().find(|it| it.address == address)?;
    device.driver.map(str::to_owned)
}

/// Writes to a file.
pub(super) fn write(state: &mut State, xen: &Release, path: &str, text: &str) -> io::Result<()> {
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let kernel = (xen.major, xen.minor);
    let path = path.strip_prefix(BUS).ok_or_else(missing)?;
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let place = match parts[..] {
        ["devices", address, _] => address,
        _ => text,
    };
    let device = state.pci.iter_mut().find(|it| it.address == place);
    let no_device = || io::Error::from_raw_os_error(NO_SUCH_DEVICE);
    match parts[..] {
        ["drivers_probe"] if kernel >= (4, 1) => {
            device.ok_or_else(no_device)?.probe();
            Ok(())
        }
        ["devices", _, "driver_override"] if kernel >= (4, 5) => {
            let only = (!text.is_empty()).then(|| text.to_owned());
            device.ok_or_else(missing)?.only = only;
            Ok(())
        }
        ["devices", _, "reset"] if kernel >= (4, 1) => {
            let device = device.filter(|it| it.can_be_reset);
            device.map(drop).ok_or_else(missing)
        }
        ["drivers", driver, file] if drivers().any(|it| it == driver) => {
            let device = device.ok_or_else(no_device)?;
            let told = tell(device, driver, file).ok_or_else(missing)?;
            told.map_err(|NoSuchDevice| no_device())
        }
        _ => Err(missing()),
    }
}

/// Tells a driver something about a device; `None` when it has no such file.
fn tell(device: &mut PciDevice, driver: &str, file: &str) -> Option<Result<(), NoSuchDevice>> {
    match file {
        "bind" => Some(device.bind(driver)),
        "unbind" => Some(device.unbind(driver)),
        "new_slot" | "remove_slot" if driver == KEEPER => {
            device.is_announced = file == "new_slot";
            Some(Ok(()))
        }
        _ => None,
    }
}
