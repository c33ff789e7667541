//! What all devices have: boot order, alias, address.
//!
//! Addresses of PCI functions are hexadecimal, all others decimal.

use super::writer::Writer;
use crate::{Address, DeviceInfo, PciAddress};

/// Writes what stands at the end of a device.
pub(super) fn info(info: &DeviceInfo, writer: &mut Writer) {
    if let Some(order) = info.boot_order {
        writer.open("boot");
        writer.shown("order", order);
        writer.kept_attributes(&info.kept, "boot");
        writer.close("boot");
    }
    // A running guest's generated names mean nothing to the next one.
    let alias = info.alias.as_deref();
    let alias = alias.filter(|alias| !writer.options.inactive || alias.starts_with("ua-"));
    writer.only("alias", "name", alias);
    writer.kept_named(&info.kept, "", INFO);
    if let Some(address) = &info.address {
        writer.open("address");
        address_attributes(address, writer);
        writer.close("address");
    }
}

/// Names of kept elements that [`info`] writes.
pub(super) const INFO: &[&str] = &["rom", "acpi"];

/// Writes the attributes of a PCI function.
pub(super) fn pci(address: PciAddress, writer: &mut Writer) {
    writer.shown("domain", format_args!("{:#06x}", address.domain));
    writer.shown("bus", format_args!("{:#04x}", address.bus));
    writer.shown("slot", format_args!("{:#04x}", address.slot));
    writer.shown("function", format_args!("{:#x}", address.function));
}

fn address_attributes(address: &Address, writer: &mut Writer) {
    match address {
        Address::Drive(drive) => {
            writer.attribute("type", "drive");
            writer.shown("controller", drive.controller);
            writer.shown("bus", drive.bus);
            writer.shown("target", drive.target);
            writer.shown("unit", drive.unit);
        }
        Address::Pci {
            address,
            multifunction,
        } => {
            writer.attribute("type", "pci");
            pci(*address, writer);
            writer.on_off("multifunction", *multifunction);
        }
        Address::Usb { bus, port } => {
            writer.attribute("type", "usb");
            writer.shown("bus", bus);
            writer.some("port", port.as_deref());
        }
        Address::Other(attributes) => {
            for attribute in attributes {
                writer.attribute(&attribute.name, &attribute.value);
            }
        }
    }
}
