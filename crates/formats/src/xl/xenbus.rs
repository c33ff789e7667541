//! Limits of a guest's event channels and grants: `max_event_channels`,
//! `max_grant_frames`, libvirt's controller of type `xenbus`.

use crate::convert::Notes;
use crate::keys::{Out, Settings};
use virtxen_guest::{Controller, ControllerType, Devices};

/// Reads the limits.
pub(crate) fn read(file: &mut Settings<'_>, devices: &mut Devices, notes: &mut Notes) {
    let mut limit = |name| file.count(name, notes).filter(|limit| *limit > 0);
    let (channels, frames) = (limit("max_event_channels"), limit("max_grant_frames"));
    if channels.is_some() || frames.is_some() {
        let bus = Controller {
            max_event_channels: channels,
            max_grant_frames: frames,
            ..Controller::new(ControllerType::Xenbus, 0)
        };
        devices.controllers.insert(0, bus);
    }
}

/// Writes the limits.
pub(crate) fn write(controllers: &[Controller], out: &mut Out) {
    let buses = controllers.iter();
    for bus in buses.filter(|bus| bus.kind == ControllerType::Xenbus) {
        for (name, limit) in [
            ("max_event_channels", bus.max_event_channels),
            ("max_grant_frames", bus.max_grant_frames),
        ] {
            if let Some(limit) = limit.filter(|limit| *limit > 0) {
                out.number(name, limit);
            }
        }
    }
}
