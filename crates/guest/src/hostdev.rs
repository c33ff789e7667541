//! Devices of the host that are passed through.
//!
//! Which of them a host has, and what uses them now, is not known here.

use crate::{DeviceInfo, Element, PciAddress};

/// A device of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Hostdev {
    /// Which one.
    pub source: HostdevSource,
    /// Whether it is taken from the host's driver at the start and given back at the end.
    pub managed: Option<bool>,
    /// A reset that fails does not keep it from the guest (`nostrictreset`, Qubes OS).
    pub no_strict_reset: bool,
    /// What passes it through: `xen`.
    pub driver: Option<String>,
    /// Boot order, alias, address in the guest, known parts without effect.
    pub info: DeviceInfo,
}

/// Which device of the host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostdevSource {
    /// A PCI function.
    Pci {
        /// Its address on the host.
        address: PciAddress,
        /// Whether writes to its configuration space are filtered; `Some(false)` is
        /// Xen's `permissive`.
        write_filtering: Option<bool>,
        /// Whether the guest is kept from the function's power management
        /// (`powerManagementFiltering`, Qubes OS); `Some(false)` is Xen's `power_mgmt`.
        power_filtering: Option<bool>,
    },
    /// A USB device.
    Usb(UsbSource),
    /// Another kind (`scsi`, `mdev`, capabilities): the whole element as it is written.
    Other(Element),
}

/// A USB device, by place, by product, or by both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsbSource {
    /// Vendor number.
    pub vendor: Option<u16>,
    /// Product number.
    pub product: Option<u16>,
    /// Number of the bus.
    pub bus: Option<u32>,
    /// Number of the device on the bus.
    pub device: Option<u32>,
}

impl HostdevSource {
    /// Whether both may be the same device of the host, however the guest is to get it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pci { address, .. }, Self::Pci { address: other, .. }) => address == other,
            (Self::Usb(usb), Self::Usb(other)) => usb.is_same(other),
            _ => false,
        }
    }
}

impl UsbSource {
    /// Whether both may be the same device: they are in one place, or one of them says no
    /// place and they are of one product.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.bus, other.bus) {
            (Some(_), Some(_)) => (self.bus, self.device) == (other.bus, other.device),
            _ => {
                self.product.is_some()
                    && (self.vendor, self.product) == (other.vendor, other.product)
            }
        }
    }
}

impl Hostdev {
    /// A PCI function with nothing else said.
    #[must_use]
    pub fn pci(address: PciAddress) -> Self {
        Self::new(HostdevSource::Pci {
            address,
            write_filtering: None,
            power_filtering: None,
        })
    }

    /// A device with nothing else said.
    #[must_use]
    pub fn new(source: HostdevSource) -> Self {
        Self {
            source,
            managed: None,
            no_strict_reset: false,
            driver: None,
            info: DeviceInfo::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pci_devices_are_known_by_their_address() {
        let address = PciAddress::default();
        let function = |address, write_filtering| HostdevSource::Pci {
            address,
            write_filtering,
            power_filtering: None,
        };
        let permissive = function(address, Some(false));
        assert!(permissive.is_same(&function(address, None)));
        let other = PciAddress { slot: 3, ..address };
        assert!(!permissive.is_same(&function(other, Some(false))));
        assert!(!permissive.is_same(&HostdevSource::Usb(UsbSource::default())));
    }

    #[test]
    fn usb_devices_are_known_by_place_or_product() {
        let place = UsbSource {
            bus: Some(3),
            device: Some(2),
            ..UsbSource::default()
        };
        let product = UsbSource {
            vendor: Some(0x627),
            product: Some(1),
            ..UsbSource::default()
        };
        let both = UsbSource {
            bus: place.bus,
            device: place.device,
            ..product
        };
        let elsewhere = UsbSource {
            device: Some(4),
            ..both
        };
        assert!(both.is_same(&place) && both.is_same(&product) && product.is_same(&elsewhere));
        assert!(!place.is_same(&product) && !both.is_same(&elsewhere));
        assert!(!UsbSource::default().is_same(&UsbSource::default()));
    }
}
