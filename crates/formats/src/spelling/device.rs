//! What every device may have and no tool of Xen carries.
//!
//! What a family has besides is noted in its file.

use crate::convert::Notes;
use virtxen_guest::{Address, DeviceInfo};

/// Notes what every device may have and a tool does not carry. An alias is made
/// anew at each start, unless the user chose it.
pub(crate) fn note_info(info: &DeviceInfo, path: &str, tool: &str, notes: &mut Notes) {
    let DeviceInfo {
        boot_order,
        alias,
        address,
        kept,
    } = info;
    if boot_order.is_some() {
        notes.setting(
            format!("{path}/boot/@order"),
            format!("{tool} boots by kind of device"),
        );
    }
    if alias.as_ref().is_some_and(|alias| alias.starts_with("ua-")) {
        notes.setting(
            format!("{path}/alias"),
            format!("{tool} does not keep names of devices"),
        );
    }
    match address {
        None => {}
        Some(Address::Drive(_)) => {
            notes.setting(
                format!("{path}/address"),
                format!("{tool} places a disk by its name"),
            );
        }
        Some(_) => notes.setting(
            format!("{path}/address"),
            format!("{tool} chooses addresses"),
        ),
    }
    notes.kept(path, kept, &format!("{tool} does not know it"));
}
