//! The PCI devices of the machine and the drivers of Domain-0's kernel that have them.
//!
//! How the kernel shows it is in `files`; which guest has a device is its own matter.

/// The driver that keeps devices for guests.
pub(crate) const KEEPER: &str = "pciback";

/// Devices: address, the driver of the host that is made for it, whether it can be reset
/// by itself.
const TABLE: [(&str, &str, bool); 2] = [
    ("0000:00:1b.0", "snd_hda_intel", false),
    ("0000:03:00.0", "igb", true),
];

/// A PCI device.
#[derive(Clone, Debug)]
pub(crate) struct PciDevice {
    pub(crate) address: &'static str,
    /// The driver that is made for it.
    own: &'static str,
    /// The driver that has it.
    pub(crate) driver: Option<&'static str>,
    /// The only driver that may have it.
    pub(crate) only: Option<String>,
    /// The driver for guests was told of it.
    pub(crate) is_announced: bool,
    pub(crate) can_be_reset: bool,
    /// libxl took it from its own driver.
    pub(crate) is_noted: bool,
}

/// What the kernel says no with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchDevice;

/// The devices of a machine that was just started.
pub(crate) fn devices() -> Vec<PciDevice> {
    let device = |(address, own, can_be_reset)| PciDevice {
        address,
        own,
        driver: Some(own),
        only: None,
        is_announced: false,
        can_be_reset,
        is_noted: false,
    };
    TABLE.into_iter().map(device).collect()
}

/// The drivers of the kernel.
pub(crate) fn drivers() -> impl Iterator<Item = &'static str> {
    TABLE.into_iter().map(|(_, own, _)| own).chain([KEEPER])
}

impl PciDevice {
    /// Gives it to a driver.
    pub(crate) fn bind(&mut self, driver: &str) -> Result<(), NoSuchDevice> {
        let mut takers = [self.own, KEEPER].into_iter();
        match takers.find(|it| *it == driver && self.fits(it)) {
            Some(driver) if self.driver.is_none() => {
                self.driver = Some(driver);
                Ok(())
            }
            _ => Err(NoSuchDevice),
        }
    }

    /// Takes it from a driver.
    pub(crate) fn unbind(&mut self, driver: &str) -> Result<(), NoSuchDevice> {
        match self.driver {
            Some(has) if has == driver => {
                self.driver = None;
                Ok(())
            }
            _ => Err(NoSuchDevice),
        }
    }

    /// Looks for a driver: the one that keeps devices comes first.
    pub(crate) fn probe(&mut self) {
        for driver in [KEEPER, self.own] {
            // What has a driver keeps it.
            let _ = self.bind(driver);
        }
    }

    fn fits(&self, driver: &str) -> bool {
        let only = self.only.as_deref();
        match driver == KEEPER {
            true => only == Some(KEEPER) || only.is_none() && self.is_announced,
            false => only.is_none_or(|it| it == driver),
        }
    }
}
