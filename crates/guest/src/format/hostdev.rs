//! Devices of the host.
//!
//! Numbers of vendors, products and PCI functions are hexadecimal.

use super::info::{INFO, info, pci};
use super::writer::Writer;
use crate::{Hostdev, HostdevSource, UsbSource};

/// Writes `<hostdev>`.
pub(super) fn hostdev(hostdev: &Hostdev, writer: &mut Writer) {
    let kept = &hostdev.info.kept;
    let kind = match &hostdev.source {
        HostdevSource::Pci { .. } => "pci",
        HostdevSource::Usb(_) => "usb",
        HostdevSource::Other(element) => {
            writer.element(element);
            return;
        }
    };
    writer.open("hostdev");
    writer.attribute("mode", "subsystem");
    writer.attribute("type", kind);
    writer.yes_no("managed", hostdev.managed);
    if hostdev.no_strict_reset {
        writer.attribute("nostrictreset", "yes");
    }
    if hostdev.driver.is_some() || kept.has("driver") {
        writer.open("driver");
        writer.some("name", hostdev.driver.as_deref());
        writer.kept_attributes(kept, "driver");
        writer.close("driver");
    }
    writer.open("source");
    match &hostdev.source {
        HostdevSource::Pci {
            address,
            write_filtering,
            power_filtering,
        } => {
            writer.yes_no("writeFiltering", *write_filtering);
            writer.yes_no("powerManagementFiltering", *power_filtering);
            writer.open("address");
            pci(*address, writer);
            writer.close("address");
        }
        HostdevSource::Usb(usb) => {
            writer.kept_attributes(kept, "source");
            self::usb(*usb, writer);
        }
        HostdevSource::Other(_) => {}
    }
    writer.close("source");
    writer.kept_others(kept, "", INFO);
    info(&hostdev.info, writer);
    writer.close("hostdev");
}

fn usb(usb: UsbSource, writer: &mut Writer) {
    for (name, id) in [("vendor", usb.vendor), ("product", usb.product)] {
        if let Some(id) = id {
            writer.open(name);
            writer.shown("id", format_args!("{id:#06x}"));
            writer.close(name);
        }
    }
    if usb.bus.is_some() || usb.device.is_some() {
        writer.open("address");
        writer.some_shown("bus", usb.bus);
        writer.some_shown("device", usb.device);
        writer.close("address");
    }
}
