//! PCI functions of the host: `pcidevs`. USB devices are in `usb`.

use super::section::Section;
use super::write::Writer;
use crate::convert::Notes;
use crate::spelling::device::note_info;
use virtxen_guest::{Hostdev, HostdevSource, InterfaceSource, PciAddress};

/// Writes the functions, network cards before the others as libvirt counts them.
pub(super) fn write(writer: &mut Writer<'_>) {
    let devices = &writer.guest.devices;
    let mut functions = Vec::new();
    for (i, interface) in devices.interfaces.iter().enumerate() {
        let InterfaceSource::Hostdev { address, managed } = &interface.source else {
            continue;
        };
        let path = format!("/domain/devices/interface[{}]", i + 1);
        functions.push(function(*address, &path, writer).into_value());
        note_managed(*managed, &path, &mut writer.notes);
        if interface.mac.is_some() {
            let reason = "libxl passes the card through as it is";
            writer.notes.setting(format!("{path}/mac"), reason);
        }
        note_info(&interface.info, &path, "libxl", &mut writer.notes);
    }
    for (i, hostdev) in devices.hostdevs.iter().enumerate() {
        let path = format!("/domain/devices/hostdev[{}]", i + 1);
        match &hostdev.source {
            HostdevSource::Pci {
                address,
                write_filtering,
                power_filtering,
            } => {
                let mut function = function(*address, &path, writer);
                if *write_filtering == Some(false) {
                    function.set("permissive", true);
                }
                if *power_filtering == Some(false) {
                    function.set("power_mgmt", true);
                }
                functions.push(function.into_value());
                note_settings(hostdev, &path, &mut writer.notes);
            }
            HostdevSource::Usb(_) => {}
            HostdevSource::Other(_) => {
                writer
                    .notes
                    .essential(path, "libxl does not pass it through");
            }
        }
    }
    writer.list("pcidevs", functions, "/domain/devices/hostdev");
}

fn function(address: PciAddress, path: &str, writer: &mut Writer<'_>) -> super::write::Out {
    let mut out = writer.out("device_pci");
    match i32::try_from(address.domain) {
        Ok(domain) => out.set("domain", domain),
        Err(_) => {
            let reason = "no domain of PCI has so high a number";
            writer.notes.essential(format!("{path}/source"), reason);
        }
    }
    out.set("bus", address.bus);
    out.set("dev", address.slot);
    out.set("func", address.function);
    out
}

fn note_settings(hostdev: &Hostdev, path: &str, notes: &mut Notes) {
    note_managed(hostdev.managed, path, notes);
    if hostdev.no_strict_reset {
        let reason = "libxl goes on when a reset fails, but tells of it";
        notes.setting(format!("{path}/@nostrictreset"), reason);
    }
    let driver = hostdev.driver.as_deref();
    if driver.is_some_and(|driver| driver != "xen") {
        let path = format!("{path}/driver/@name");
        notes.setting(path, "Xen passes it through itself");
    }
    note_info(&hostdev.info, path, "libxl", notes);
}

fn note_managed(managed: Option<bool>, path: &str, notes: &mut Notes) {
    if managed == Some(true) {
        let reason = "libxl does not take it from its driver: detach it before";
        notes.setting(format!("{path}/@managed"), reason);
    }
}

/// Reads the functions.
pub(super) fn read(config: &mut Section<'_>, notes: &mut Notes) -> Vec<Hostdev> {
    let list = config.list("pcidevs", notes);
    list.into_iter()
        .filter_map(|function| read_one(function, notes))
        .collect()
}

fn read_one(mut function: Section<'_>, notes: &mut Notes) -> Option<Hostdev> {
    let address = PciAddress {
        domain: function.count("domain", notes).unwrap_or(0),
        bus: function.count("bus", notes).unwrap_or(0),
        slot: function.count("dev", notes).unwrap_or(0),
        function: function.count("func", notes).unwrap_or(0),
    };
    let permissive = function.flag("permissive", notes) == Some(true);
    let power = function.flag("power_mgmt", notes) == Some(true);
    if address.slot > 31 || address.function > 7 {
        let reason = format!("{address} is no function of PCI");
        notes.essential(function.place("dev"), reason);
        return None;
    }
    function.finish(notes);
    let mut hostdev = Hostdev::new(HostdevSource::Pci {
        address,
        write_filtering: permissive.then_some(false),
        power_filtering: power.then_some(false),
    });
    hostdev.managed = Some(false);
    Some(hostdev)
}
