//! Back ends of devices on the kernel's bus, and the counters of disks.
//!
//! | release | counters of a disk |
//! | --- | --- |
//! | 3.0.1, 3.0.2 | none |
//! | 3.0.3 | requests |
//! | 3.0.4 to 3.2 | and sectors |
//! | 3.3 to 4.4 | and barriers |
//! | later | flushes and discards in place of barriers |

use std::time::Duration;

use tokio::time::Instant;
use virtxen_hypercall::Release;

use crate::state::behaviour::Hotplug;
use crate::state::{Active, State, StoreDevice};

/// Files in the folder of a back end.
const STATISTICS: &str = "statistics";

/// Counters by their first and last release.
const COUNTERS: &[(&str, Release, Release)] = &[
    ("ds_req", release(4, 5, 0), Release::NEWEST),
    ("f_req", release(4, 5, 0), Release::NEWEST),
    ("br_req", release(3, 3, 0), release(4, 4, u8::MAX)),
    ("oo_req", release(3, 0, 3), Release::NEWEST),
    ("rd_req", release(3, 0, 3), Release::NEWEST),
    ("rd_sect", release(3, 0, 4), Release::NEWEST),
    ("wr_req", release(3, 0, 3), Release::NEWEST),
    ("wr_sect", release(3, 0, 4), Release::NEWEST),
];

const fn release(major: u8, minor: u8, point: u8) -> Release {
    Release {
        major,
        minor,
        point,
    }
}

/// The back ends, as the kernel names them: `vbd-1-51712`.
pub(super) fn names(state: &State) -> Vec<String> {
    let mut names = Vec::new();
    for active in state.active_domains() {
        let devices = active.devices.iter();
        names.extend(devices.map(|device| name(active.domid, device)));
    }
    names.sort_unstable();
    names
}

/// What is in a back end's folder.
pub(super) fn folder(
    state: &State,
    xen: &Release,
    device: &str,
    folder: &str,
) -> Option<Vec<String>> {
    let (_, device) = find(state, device)?;
    let counters = counters(xen, device);
    match folder {
        "" => {
            let mut files = vec!["devtype".to_owned(), "nodename".to_owned()];
            files.extend((!counters.is_empty()).then(|| STATISTICS.to_owned()));
            Some(files)
        }
        STATISTICS if !counters.is_empty() => {
            Some(counters.into_iter().map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// What is in a file of a back end.
pub(super) fn file(state: &State, xen: &Release, device: &str, file: &str) -> Option<String> {
    let (active, device) = find(state, device)?;
    let class = folder_of(&device.class);
    match file {
        "devtype" => Some(format!("{class}\n")),
        "nodename" => Some(format!("backend/{class}/{}/{}\n", active.domid, device.id)),
        _ => {
            let counter = file.strip_prefix(STATISTICS)?.strip_prefix('/')?;
            let known = counters(xen, device).contains(&counter);
            known.then(|| format!("{}\n", count(active, device, counter)))
        }
    }
}

/// How long a device has been used.
pub(super) fn used(active: &Active, device: &StoreDevice) -> Duration {
    if device.hotplug != Hotplug::Connects {
        return Duration::ZERO;
    }
    let there = Instant::now().saturating_duration_since(device.connects);
    active.run_time().min(there)
}

/// Events so far, of so many a second.
pub(super) fn events(time: Duration, rate: u64) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    millis.saturating_mul(rate) / 1000
}

fn count(active: &Active, device: &StoreDevice, counter: &str) -> u64 {
    let own = device.id.unsigned_abs();
    let time = used(active, device);
    let (reads, writes) = (events(time, 200 + own % 7), events(time, 100 + own % 5));
    match counter {
        "rd_req" => reads,
        "rd_sect" => reads.saturating_mul(8),
        "wr_req" => writes,
        "wr_sect" => writes.saturating_mul(16),
        "f_req" | "br_req" => writes / 10,
        "oo_req" => reads / 1000,
        _ => 0,
    }
}

/// The counters that the kernel keeps of a device.
fn counters(xen: &Release, device: &StoreDevice) -> Vec<&'static str> {
    let is_disk = matches!(folder_of(&device.class), "vbd" | "tap");
    let kept = |(_, first, last): &&(&str, Release, Release)| first <= xen && xen <= last;
    let all = COUNTERS.iter().filter(|_| is_disk).filter(kept);
    all.map(|(name, ..)| *name).collect()
}

fn find<'a>(state: &'a State, wanted: &str) -> Option<(&'a Active, &'a StoreDevice)> {
    let domid = wanted.split('-').nth(1)?.parse().ok()?;
    let active = state.get(state.by_domid(domid)?)?.active.as_ref()?;
    let mut devices = active.devices.iter();
    let device = devices.find(|device| name(domid, device) == wanted)?;
    Some((active, device))
}

fn name(domid: u32, device: &StoreDevice) -> String {
    format!("{}-{domid}-{}", folder_of(&device.class), device.id)
}

/// The folder of a class: two kinds of disks share one.
fn folder_of(class: &str) -> &str {
    if class == "tap2" { "vbd" } else { class }
}
