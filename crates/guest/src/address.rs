//! Where a device is: its address on a guest bus, and what all devices have.
//!
//! Addresses of host devices are made of the same [`PciAddress`]; which addresses
//! are free is decided in `defaults`.

use crate::{Attribute, Kept};
use std::fmt;
use std::str::FromStr;

/// What libvirt gives every device beside its own settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceInfo {
    /// Place in the boot order of single devices, from 1 (`<boot order=…>`).
    pub boot_order: Option<u32>,
    /// Name of the device while the guest runs; a user's own starts with `ua-`.
    pub alias: Option<String>,
    /// Address on the guest's bus.
    pub address: Option<Address>,
    /// Known parts without effect.
    pub kept: Kept,
}

/// An address on a bus of the guest.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// A place on a disk controller.
    Drive(DriveAddress),
    /// A PCI function.
    Pci {
        /// The function.
        address: PciAddress,
        /// Whether the slot has several functions.
        multifunction: Option<bool>,
    },
    /// A port of a USB controller.
    Usb {
        /// Index of the controller.
        bus: u32,
        /// Port, with hubs: `1.2`.
        port: Option<String>,
    },
    /// Any other bus: all attributes, `type` first.
    Other(Vec<Attribute>),
}

/// A place on a disk controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriveAddress {
    /// Index of the controller.
    pub controller: u32,
    /// Channel: 0 or 1 on IDE.
    pub bus: u32,
    /// SCSI target.
    pub target: u32,
    /// Device on the channel; SCSI logical unit.
    pub unit: u32,
}

/// A PCI function: `domain:bus:slot.function`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    /// Domain (segment), 16 bits on PCs; libvirt allows 32.
    pub domain: u32,
    /// Bus.
    pub bus: u8,
    /// Slot, 0 to 31.
    pub slot: u8,
    /// Function, 0 to 7.
    pub function: u8,
}

/// A text that is not a [`PciAddress`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed pci address '{text}': expected [domain:]bus:slot.function in hexadecimal")]
pub struct PciAddressError {
    /// The text as it was given.
    pub text: String,
}

impl FromStr for PciAddress {
    type Err = PciAddressError;

    /// Reads `0000:01:1a.1` or `01:1a.1`, Xen's and Linux' spelling.
    fn from_str(text: &str) -> Result<Self, PciAddressError> {
        read_pci(text).ok_or_else(|| PciAddressError {
            text: text.chars().take(80).collect(),
        })
    }
}

fn read_pci(text: &str) -> Option<PciAddress> {
    let (rest, function) = text.rsplit_once('.')?;
    let (rest, slot) = rest.rsplit_once(':')?;
    let (domain, bus) = rest.rsplit_once(':').unwrap_or(("0", rest));
    let hex = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let address = PciAddress {
        domain: hex(domain)?,
        bus: u8::try_from(hex(bus)?).ok()?,
        slot: u8::try_from(hex(slot)?).ok()?,
        function: u8::try_from(hex(function)?).ok()?,
    };
    (address.slot <= 31 && address.function <= 7).then_some(address)
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            domain,
            bus,
            slot,
            function,
        } = self;
        write!(f, "{domain:04x}:{bus:02x}:{slot:02x}.{function:x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pci_addresses_go_both_ways() {
        let address: PciAddress = "0001:0c:1b.2".parse().unwrap();
        assert_eq!(address.to_string(), "0001:0c:1b.2");
        assert_eq!("0c:1b.2".parse::<PciAddress>().unwrap().domain, 0);
        for bad in [
            "", "1", "0c:1b", "0c:20.0", "0c:1b.8", "100:00.0", "+c:1b.2",
        ] {
            assert!(bad.parse::<PciAddress>().is_err(), "{bad}");
        }
    }
}
