//! A guest's emulator: its process, what QEMU's human monitor answers, and that one from 10.0 on
//! ends itself when it gets a PV USB controller. That a keyboard does the same is not simulated,
//! nor is what fails without it.

use super::Kept;
use crate::state::{Active, SimHost, State};
use serde_json::Value;
use virtxen_hypercall::Release;
use virtxen_libxl::{Failure, FailureKind};

/// QEMU's version by the release of Xen that it runs beside: of Debian 11, 12 and 13.
const VERSIONS: [(u8, &str); 3] = [
    (20, "10.0.13Debian 1:10.0.13+ds-0+deb13u1"),
    (17, "7.2.22Debian 1:7.2+dfsg-7+deb12u18+b3"),
    (0, "5.2.0Debian 1:5.2+dfsg-11+deb11u5"),
];

/// The first of them that PV USB controllers end.
const ENDS: u8 = 20;

/// The first release whose libxl can ask it.
const ASKED: u8 = 8;

/// The process of a guest's emulator has the guest's number and this.
const PROCESSES: u32 = 20_000;

/// What a command is answered.
pub(super) fn answer(host: &SimHost, command: &str) -> Result<String, Failure> {
    let minor = host.xen().minor;
    if minor < ASKED {
        let function = "qemu_monitor_command".to_owned();
        return Err(FailureKind::Missing { function }.into());
    }
    let version = VERSIONS.iter().find(|(from, _)| minor >= *from);
    Ok(match (command, version) {
        ("info version", Some((_, version))) => format!("{version}\r\n"),
        _ => format!("unknown command: '{command}'\r\n"),
    })
}

/// The number of its process, if a guest has one: an HVM guest, and another one by what only
/// that serves when it starts.
pub(super) fn process(active: &Active, kept: &Kept) -> Option<u32> {
    let serves = ["vfbs", "vkbs"].map(|list| !kept.devices(list).is_empty());
    let is_there = kept.kind == "hvm" || serves.contains(&true) || has_pv_usb(kept);
    is_there.then_some(PROCESSES + active.domid)
}

/// `/proc/PID/stat` of one that runs.
pub(crate) fn file(state: &State, xen: &Release, path: &str) -> Option<String> {
    let pid = path.strip_prefix("/proc/")?.strip_suffix("/stat")?;
    let pid: u32 = pid.parse().ok()?;
    let mut guests = state.active_domains();
    let kept = guests.find_map(|active| {
        let kept = active.libxl.as_ref()?;
        (process(active, kept) == Some(pid)).then_some(kept)
    })?;
    let lives = xen.minor < ENDS || !has_pv_usb(kept);
    lives.then(|| format!("{pid} (xen-qemu-system) S 1 {pid} {pid} 0 -1 4194560\n"))
}

fn has_pv_usb(kept: &Kept) -> bool {
    let mut controllers = kept.devices("usbctrls").iter();
    controllers.any(|it| it.get("type").and_then(Value::as_str) != Some("devicemodel"))
}
