//! Controllers: the limits of Xen's own bus, `event_channels` and
//! `max_grant_frames`. USB controllers are in `usb`.

use super::section::Section;
use super::write::Writer;
use crate::convert::Notes;
use virtxen_guest::{Controller, ControllerType, Devices};

/// Writes the limits and notes controllers that libxl does not let one choose.
pub(super) fn write(writer: &mut Writer<'_>) {
    let guest = writer.guest;
    for (i, controller) in guest.devices.controllers.iter().enumerate() {
        let path = format!("/domain/devices/controller[{}]", i + 1);
        match controller.kind {
            ControllerType::Xenbus => write_bus(controller, &path, writer),
            ControllerType::Usb => {}
            // They come with the disks that need them.
            ControllerType::Ide | ControllerType::Fdc | ControllerType::Scsi
                if controller.model.is_none() => {}
            kind => {
                let reason = format!("libxl has no {kind} controller to choose");
                writer.notes.setting(path, reason);
            }
        }
    }
}

fn write_bus(bus: &Controller, path: &str, writer: &mut Writer<'_>) {
    if let Some(limit) = bus.max_event_channels.filter(|limit| *limit > 0) {
        writer.build.set("event_channels", limit);
    }
    if let Some(limit) = bus.max_grant_frames.filter(|limit| *limit > 0) {
        let place = format!("{path}/@maxGrantFrames");
        let (build, notes) = (&mut writer.build, &mut writer.notes);
        build.try_set("max_grant_frames", limit, &place, notes);
    }
}

/// What libxl has where no limit is said.
const UNSAID: u32 = u32::MAX;

/// The limit of event channels that libxl fills in.
const USUAL_CHANNELS: u32 = 1023;

/// Reads the limits.
pub(super) fn read(build: &mut Section<'_>, devices: &mut Devices, notes: &mut Notes) {
    let mut limit = |key| {
        let limit = build.count::<u32>(key, notes);
        limit.filter(|limit| !matches!(*limit, 0 | UNSAID))
    };
    let channels = limit("event_channels").filter(|limit| *limit != USUAL_CHANNELS);
    let frames = limit("max_grant_frames");
    if channels.is_some() || frames.is_some() {
        let bus = Controller {
            max_event_channels: channels,
            max_grant_frames: frames,
            ..Controller::new(ControllerType::Xenbus, 0)
        };
        devices.controllers.insert(0, bus);
    }
}
