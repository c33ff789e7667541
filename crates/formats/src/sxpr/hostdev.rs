//! Devices of the host: `(pci (dev …) (dev …))`, one list for all functions.
//!
//! XenD does not take a function from its driver; that has to be done before.

use super::Sxpr;
use super::device::note_info;
use super::section::{Quiet, Section};
use crate::convert::{Error, Notes};
use virtxen_guest::{Hostdev, HostdevSource, PciAddress};

/// What XenD says of all functions without being asked.
const QUIET: &[Quiet] = &[("uuid", &[]), ("backend", &["0"]), ("devid", &[])];
/// What XenD says of a function without being asked: where the guest sees it.
const QUIET_DEV: &[Quiet] = &[
    ("uuid", &[]),
    ("vslot", &[]),
    ("vdevfn", &[]),
    ("requested_vslot", &[]),
    ("requested_vdevfn", &[]),
    ("key", &[]),
    ("opts", &[""]),
    ("driver", &[]),
];

/// Reads all functions of one list.
pub(super) fn read(mut node: Section<'_>, notes: &mut Notes) -> Result<Vec<Hostdev>, Error> {
    let mut hostdevs = Vec::new();
    for dev in node.children("dev") {
        let mut dev = Section::new(dev, format!("{}/dev", node.path()));
        let mut part = |name: &str, most: i64| -> Result<u32, Error> {
            let number = dev.number(name, notes).filter(|n| (0..=most).contains(n));
            let number = number.and_then(|n| u32::try_from(n).ok());
            number.ok_or_else(|| dev.malformed(name, "", "a number of a pci address"))
        };
        let address = PciAddress {
            domain: part("domain", 0xffff)?,
            bus: part("bus", 0xff)? as u8,
            slot: part("slot", 0x1f)? as u8,
            function: part("func", 7)? as u8,
        };
        dev.finish(notes, QUIET_DEV);
        let mut hostdev = Hostdev::pci(address);
        hostdev.managed = Some(false);
        hostdevs.push(hostdev);
    }
    node.finish(notes, QUIET);
    Ok(hostdevs)
}

/// Writes all functions as one device.
pub(super) fn write_all(hostdevs: &[Hostdev], out: &mut Vec<Sxpr>, notes: &mut Notes) {
    let mut functions = Vec::new();
    for (i, hostdev) in hostdevs.iter().enumerate() {
        let path = format!("/domain/devices/hostdev[{}]", i + 1);
        functions.extend(function(hostdev, &path, notes));
    }
    if !functions.is_empty() {
        out.push(Sxpr::named("device", vec![Sxpr::named("pci", functions)]));
    }
}

/// Writes one function for plugging (`Initialising`) or unplugging (`Closing`).
pub(super) fn write_one(
    hostdev: &Hostdev,
    state: &str,
    path: &str,
    notes: &mut Notes,
) -> Option<Sxpr> {
    let function = function(hostdev, path, notes)?;
    let state = Sxpr::quoted_pair("state", state);
    Some(Sxpr::named("pci", vec![function, state]))
}

fn function(hostdev: &Hostdev, path: &str, notes: &mut Notes) -> Option<Sxpr> {
    let (address, filtering) = match &hostdev.source {
        HostdevSource::Pci {
            address,
            write_filtering,
            power_filtering,
        } => {
            if *power_filtering == Some(false) {
                let place = format!("{path}/source/@powerManagementFiltering");
                notes.setting(place, "XenD keeps guests from power management");
            }
            (*address, *write_filtering)
        }
        HostdevSource::Usb(_) => {
            notes.essential(path, "XenD passes pci functions through, no usb devices");
            return None;
        }
        HostdevSource::Other(_) => {
            notes.essential(path, "XenD passes pci functions through, nothing else");
            return None;
        }
    };
    if hostdev.managed == Some(true) {
        let reason = "XenD does not take it from its driver: detach it before";
        notes.setting(format!("{path}/@managed"), reason);
    }
    if hostdev.no_strict_reset {
        let place = format!("{path}/@nostrictreset");
        notes.setting(place, "XenD does not reset it");
    }
    if filtering == Some(false) {
        let reason = "XenD's pciback filters, unless it is told otherwise on the host";
        notes.setting(format!("{path}/source/@writeFiltering"), reason);
    }
    if hostdev
        .driver
        .as_deref()
        .is_some_and(|driver| driver != "xen")
    {
        notes.setting(
            format!("{path}/driver/@name"),
            "Xen passes it through itself",
        );
    }
    note_info(&hostdev.info, path, notes);
    let PciAddress {
        domain,
        bus,
        slot,
        function,
    } = address;
    Some(Sxpr::named(
        "dev",
        vec![
            Sxpr::pair("domain", format!("0x{domain:04x}")),
            Sxpr::pair("bus", format!("0x{bus:02x}")),
            Sxpr::pair("slot", format!("0x{slot:02x}")),
            Sxpr::pair("func", format!("0x{function:x}")),
        ],
    ))
}
