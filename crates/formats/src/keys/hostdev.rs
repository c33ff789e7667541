//! PCI functions of the host: `pci = [ "0000:01:1a.1,permissive=1" ]`.
//!
//! USB devices, which only xl passes through, are in `xl/usb.rs`.

use super::{Dialect, Entry, Out, Settings, Words};
use crate::convert::{Error, Notes, excerpt};
use crate::spelling::device::note_info;
use virtxen_guest::{Hostdev, HostdevSource};

/// Reads the functions.
pub(super) fn read(file: &mut Settings<'_>, notes: &mut Notes) -> Result<Vec<Hostdev>, Error> {
    let entries = file.entries("pci", notes);
    entries.iter().map(|entry| read_one(entry, notes)).collect()
}

fn read_one(entry: &Entry, notes: &mut Notes) -> Result<Hostdev, Error> {
    let (place, options) = entry.text.split_once(',').unwrap_or((&entry.text, ""));
    // The slot that the guest is to see it at.
    let (place, slot) = match place.split_once('@') {
        Some((place, slot)) => (place, Some(slot)),
        None => (place, None),
    };
    let address = place.trim().parse().map_err(|_| Error::Malformed {
        path: entry.path.clone(),
        at: Some(entry.at),
        value: excerpt(place),
        expected: "a pci address",
    })?;
    if let Some(slot) = slot {
        let reason = format!("slot '{}' of the guest is not kept", excerpt(slot));
        notes.setting_at(entry.path.clone(), entry.at, reason);
    }
    let options = Entry {
        text: options.to_owned(),
        ..entry.clone()
    };
    let mut words = Words::new(&options);
    let permissive = words.number("permissive", 10, notes);
    let power_mgmt = words.number("power_mgmt", 10, notes);
    words.finish(notes);
    let mut hostdev = Hostdev::new(HostdevSource::Pci {
        address,
        write_filtering: permissive.map(|on| on == 0),
        power_filtering: power_mgmt.map(|on| on == 0),
    });
    hostdev.managed = Some(false);
    Ok(hostdev)
}

/// Writes the functions; other devices are noted where the tool has none.
pub(super) fn write(hostdevs: &[Hostdev], dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    let tool = dialect.tool();
    let mut functions = Vec::new();
    for (i, hostdev) in hostdevs.iter().enumerate() {
        let path = format!("/domain/devices/hostdev[{}]", i + 1);
        match &hostdev.source {
            HostdevSource::Pci {
                address,
                write_filtering,
                power_filtering,
            } => {
                let permissive = match write_filtering {
                    Some(false) => ",permissive=1",
                    Some(true) => ",permissive=0",
                    None => "",
                };
                let power = match power_filtering {
                    Some(filtered) if dialect.xl => format!(",power_mgmt={}", u8::from(!filtered)),
                    Some(false) => {
                        let place = format!("{path}/source/@powerManagementFiltering");
                        notes.setting(place, format!("{tool} does not know it"));
                        String::new()
                    }
                    _ => String::new(),
                };
                functions.push(format!("{address}{permissive}{power}"));
                if hostdev.no_strict_reset {
                    let place = format!("{path}/@nostrictreset");
                    notes.setting(place, format!("{tool} does not reset it"));
                }
                if hostdev.managed == Some(true) {
                    let reason =
                        format!("{tool} does not take it from its driver: detach it before");
                    notes.setting(format!("{path}/@managed"), reason);
                }
                let driver = hostdev.driver.as_deref();
                if driver.is_some_and(|driver| driver != "xen") {
                    notes.setting(
                        format!("{path}/driver/@name"),
                        "Xen passes it through itself",
                    );
                }
                note_info(&hostdev.info, &path, tool, notes);
            }
            HostdevSource::Usb(_) if dialect.xl => {}
            HostdevSource::Usb(_) | HostdevSource::Other(_) => {
                notes.essential(path, format!("{tool} does not pass it through"));
            }
        }
    }
    out.texts("pci", functions);
}
