//! Which driver of Domain-0's kernel has a PCI device: taken from one and given to the
//! one that keeps devices for guests, given back, reset. By `/sys/bus/pci`, which the
//! kernels of all releases have; whether a guest has a device is not known here.

use super::NodeFiles;
use crate::{Error, Result};
use std::io::ErrorKind;
use std::time::Duration;
use virtxen_guest::PciAddress;

const DEVICES: &str = "/sys/bus/pci/devices";
const DRIVERS: &str = "/sys/bus/pci/drivers";

/// Drivers that keep devices for guests: the first one is what Linux calls it, whatever
/// the module is called.
const KEEPERS: [&str; 2] = ["pciback", "xen-pciback"];

/// Longest time for one device: a driver may have to finish what its device does, and
/// some devices take seconds to come back from a reset.
const DEADLINE: Duration = Duration::from_secs(45);

/// What clears `driver_override`.
const NO_DRIVER: &str = "\n";

/// How messages call what is done here.
pub(crate) const KEEP: &str = "nodedev-detach";
pub(crate) const GIVE_BACK: &str = "nodedev-reattach";
pub(crate) const RESET: &str = "nodedev-reset";

impl NodeFiles {
    /// Takes a device from its driver for guests.
    pub(crate) async fn keep_pci_device(&self, address: PciAddress) -> Result<()> {
        self.within(DEADLINE, KEEP, move |files| {
            let Some(device) = files.to_keep(address)? else {
                return Ok(());
            };
            if let Err(error) = device.bind_to_keeper() {
                // Why it could not be kept is the error that is told.
                let _ = device.give_to_host();
                return Err(error);
            }
            Ok(())
        })
        .await
    }

    /// Whether a device is to be taken from its driver yet: it is there, and so is the
    /// driver for it.
    pub(crate) async fn is_pci_device_to_keep(&self, address: PciAddress) -> Result<bool> {
        self.with(KEEP, move |files| Ok(files.to_keep(address)?.is_some()))
            .await
    }

    /// Whether a device is kept for guests.
    pub(crate) async fn is_pci_device_kept(&self, address: PciAddress) -> Result<bool> {
        self.with(GIVE_BACK, move |files| {
            let device = Device::find(files, address, GIVE_BACK)?;
            Ok(device.is_kept())
        })
        .await
    }

    /// Gives a device to the host's drivers, unless one of them has it.
    pub(crate) async fn give_back_pci_device(&self, address: PciAddress) -> Result<()> {
        self.within(DEADLINE, GIVE_BACK, move |files| {
            let device = Device::find(files, address, GIVE_BACK)?;
            match device.driver.is_none() || device.is_kept() {
                true => device.give_to_host(),
                false => Ok(()),
            }
        })
        .await
    }

    /// Resets a device in the way that the kernel knows for it.
    pub(crate) async fn reset_pci_device(&self, address: PciAddress) -> Result<()> {
        self.within(DEADLINE, RESET, move |files| {
            let device = Device::find(files, address, RESET)?;
            let path = device.file("reset");
            match device.write(&path, "1")? {
                Some(()) => Ok(()),
                None => Err(Error::Unsupported {
                    operation: RESET,
                    reason: format!(
                        "PCI device {address} cannot be reset by itself: the kernel knows no \
                         way, {path} is not there"
                    ),
                }),
            }
        })
        .await
    }

    /// A device that a driver for guests is there for and does not have yet.
    fn to_keep(&self, address: PciAddress) -> Result<Option<Device<'_>>> {
        let mut device = Device::find(self, address, KEEP)?;
        if device.is_kept() {
            return Ok(None);
        }
        let is_there = |keeper: &&&str| self.names(&format!("{DRIVERS}/{keeper}")).is_ok();
        let Some(keeper) = KEEPERS.iter().find(is_there) else {
            return Err(Error::Unsupported {
                operation: KEEP,
                reason: format!(
                    "the kernel of Domain-0 has no driver that keeps PCI device {address} for \
                     guests, {DRIVERS}/{} is not there: load it with 'modprobe xen-pciback'",
                    KEEPERS[0]
                ),
            });
        };
        device.keeper = keeper;
        Ok(Some(device))
    }
}

/// A PCI device of the machine.
struct Device<'a> {
    files: &'a NodeFiles,
    address: PciAddress,
    operation: &'static str,
    /// The driver that has it.
    driver: Option<String>,
    /// The driver that is to keep it, or does.
    keeper: &'static str,
}

impl<'a> Device<'a> {
    fn find(files: &'a NodeFiles, address: PciAddress, operation: &'static str) -> Result<Self> {
        let folder = format!("{DEVICES}/{address}");
        match files.names(&folder) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::NoPciDevice { address });
            }
            Err(error) => return Err(failed(operation, address, &folder, &error)),
        }
        let path = format!("{folder}/driver");
        let driver = files.link(&path);
        let driver = driver.map_err(|error| failed(operation, address, &path, &error))?;
        let keeper = KEEPERS.into_iter().find(|it| driver.as_deref() == Some(it));
        Ok(Self {
            files,
            address,
            operation,
            driver,
            keeper: keeper.unwrap_or(KEEPERS[0]),
        })
    }

    fn is_kept(&self) -> bool {
        self.driver.as_deref() == Some(self.keeper)
    }

    /// Takes it from its driver. The driver for guests takes only what was announced to
    /// it; where the kernel can be told that no other one may have a device, none comes in
    /// between.
    fn bind_to_keeper(&self) -> Result<()> {
        let only = self.file("driver_override");
        self.write(&only, self.keeper)?;
        let slots = format!("{DRIVERS}/{}/slots", self.keeper);
        if !self.is_in(&slots)? {
            self.tell_driver(self.keeper, "new_slot")?;
        }
        if let Some(driver) = &self.driver {
            self.tell_driver(driver, "unbind")?;
        }
        self.tell_driver(self.keeper, "bind")?;
        // Left there, it would keep others (xl, the host) from giving the device back.
        self.write(&only, NO_DRIVER)?;
        Ok(())
    }

    /// Lets the host's drivers have it. That none of them wants it is no error: before, none
    /// had it either.
    fn give_to_host(&self) -> Result<()> {
        let path = format!("{DEVICES}/{}/driver", self.address);
        let driver = self.files.link(&path);
        let driver = driver.map_err(|error| self.failed(&path, &error))?;
        if driver.as_deref() == Some(self.keeper) {
            self.tell_driver(self.keeper, "unbind")?;
        }
        self.write(&self.file("driver_override"), NO_DRIVER)?;
        // Otherwise it would take the device again.
        if self.is_in(&format!("{DRIVERS}/{}/slots", self.keeper))? {
            self.tell_driver(self.keeper, "remove_slot")?;
        }
        match driver {
            Some(driver) if driver != self.keeper => Ok(()),
            _ => self.probe(),
        }
    }

    /// Has the kernel look for a driver; kernels before 2.6.21 look for none, so that each
    /// driver is asked.
    fn probe(&self) -> Result<()> {
        let address = self.address.to_string();
        if self
            .write("/sys/bus/pci/drivers_probe", &address)?
            .is_some()
        {
            return Ok(());
        }
        let drivers = self.files.names(DRIVERS);
        let drivers = drivers.map_err(|error| self.failed(DRIVERS, &error))?;
        for driver in drivers.iter().filter(|it| !KEEPERS.contains(&it.as_str())) {
            // A driver of other devices refuses.
            if let Ok(Some(())) = self
                .files
                .put(&format!("{DRIVERS}/{driver}/bind"), &address)
            {
                break;
            }
        }
        Ok(())
    }

    /// Whether a list of devices has it; one that is not there has nothing.
    fn is_in(&self, path: &str) -> Result<bool> {
        let address = self.address.to_string();
        match self.files.text(path) {
            Ok(text) => Ok(text.lines().any(|line| line.trim() == address)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed(path, &error)),
        }
    }

    /// Writes the address to a file of a driver.
    fn tell_driver(&self, driver: &str, file: &str) -> Result<()> {
        let path = format!("{DRIVERS}/{driver}/{file}");
        match self.write(&path, &self.address.to_string())? {
            Some(()) => Ok(()),
            None => Err(self.failed(&path, &ErrorKind::NotFound.into())),
        }
    }

    /// `None` when the kernel has no such file.
    fn write(&self, path: &str, text: &str) -> Result<Option<()>> {
        let written = self.files.put(path, text);
        written.map_err(|error| self.failed(path, &error))
    }

    fn file(&self, name: &str) -> String {
        format!("{DEVICES}/{}/{name}", self.address)
    }

    fn failed(&self, path: &str, error: &std::io::Error) -> Error {
        failed(self.operation, self.address, path, error)
    }
}

fn failed(
    operation: &'static str,
    address: PciAddress,
    path: &str,
    error: &std::io::Error,
) -> Error {
    let reason = format!("PCI device {address}: {path}: {error}");
    Error::Refused { operation, reason }
}
