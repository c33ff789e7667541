//! Virtual processors: `vcpus`, `maxvcpus`, `cpus`, `cpus_soft` of xl, `cpu_weight`, and
//! `cpu` and `vcpu_avail` of old xm files.
//!
//! What processors look like to the guest, which only xl can say, is in `xl/cpu.rs`.

use super::{Dialect, Out, Settings};
use crate::config::Value;
use crate::convert::{Notes, excerpt};
use virtxen_guest::{CpuSet, CpuTune, Guest, Placement, VcpuPin, Vcpus};

/// Weight that the credit schedulers give when nobody asks.
const NORMAL_WEIGHT: i64 = 256;

/// Most vcpus that a list of places is written for; no Xen has more.
const MOST_VCPUS: u32 = 4096;

/// Reads numbers and places of vcpus.
pub(super) fn read(
    file: &mut Settings<'_>,
    dialect: Dialect,
    notes: &mut Notes,
) -> (Vcpus, CpuTune) {
    let count = file.count("vcpus", notes).unwrap_or(1).max(1);
    let max = file.count("maxvcpus", notes).unwrap_or(count).max(count);
    let mut vcpus = Vcpus {
        max,
        current: (count < max).then_some(count),
        ..Vcpus::default()
    };
    if !dialect.xl
        && let Some(mask) = file.number("vcpu_avail", notes)
    {
        let online = mask.count_ones();
        vcpus.current = (online > 0 && online < max).then_some(online);
    }
    let mut tune = CpuTune::default();
    (vcpus.cpuset, tune.vcpu_pins) = read_cpus("cpus", file, max, notes);
    if dialect.xl {
        let (common, own) = read_cpus("cpus_soft", file, max, notes);
        let of_all = (0..max.min(MOST_VCPUS)).zip(common.into_iter().cycle());
        tune.soft_pins = of_all.map(|(vcpu, cpus)| VcpuPin { vcpu, cpus }).collect();
        tune.soft_pins.extend(own);
    }
    // An older name for the place of the first vcpu; -1 leaves it to Xen.
    let first = file.number("cpu", notes);
    let first = first.and_then(|cpu| u32::try_from(cpu).ok());
    if let Some(cpu) = first.filter(|_| vcpus.cpuset.is_none() && tune.vcpu_pins.is_empty()) {
        let cpus = std::iter::once(cpu).collect();
        tune.vcpu_pins.push(VcpuPin { vcpu: 0, cpus });
    }
    let weight = file.number("cpu_weight", notes);
    let weight = weight.filter(|weight| *weight != NORMAL_WEIGHT);
    tune.shares = weight.and_then(|weight| u64::try_from(weight).ok());
    (vcpus, tune)
}

/// `cpus = "0-3,^1"` for all vcpus, `cpus = [ "2", "3-4" ]` for each.
fn read_cpus(
    name: &'static str,
    file: &mut Settings<'_>,
    max: u32,
    notes: &mut Notes,
) -> (Option<CpuSet>, Vec<VcpuPin>) {
    let at = file.at(name);
    let wrong = |text: &str, notes: &mut Notes| {
        let reason = format!("'{}' is no set of processors", excerpt(text));
        notes.setting_at(name, at, reason);
    };
    let mut pins = Vec::new();
    match file.value(name) {
        Some(Value::List(_)) => {
            for (vcpu, entry) in (0..max).zip(file.entries(name, notes)) {
                match set_of(&entry.text) {
                    Ok(Some(cpus)) => pins.push(VcpuPin { vcpu, cpus }),
                    Ok(None) => {}
                    Err(()) => wrong(&entry.text, notes),
                }
            }
            (None, pins)
        }
        Some(value) => {
            let text = value.to_text().unwrap_or_default();
            let set = set_of(&text).inspect_err(|()| wrong(&text, notes));
            (set.ok().flatten(), pins)
        }
        None => (None, pins),
    }
}

/// A set; `None` for one that says nothing.
fn set_of(text: &str) -> Result<Option<CpuSet>, ()> {
    let text = text.trim();
    if matches!(text, "" | "all") {
        return Ok(None);
    }
    let set: CpuSet = text.parse().map_err(|_| ())?;
    Ok(Some(set).filter(|set| !set.is_empty()))
}

/// How many vcpus there are, and which are online. xm has `maxvcpus` from Xen 4.0
/// on; before, `vcpus` counts all of them and a mask says which.
fn write_counts(online: u32, max: u32, dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    if dialect.newest {
        if online < max {
            out.number("maxvcpus", max);
        }
        out.number("vcpus", online);
        return;
    }
    out.number("vcpus", max);
    let mask = 1_i64.checked_shl(online).filter(|mask| *mask > 0);
    match mask {
        _ if online >= max => {}
        Some(mask) => out.number("vcpu_avail", mask - 1),
        None => {
            let reason = "xm's mask has no room for so many, all are online";
            notes.setting("/domain/vcpu/@current", reason);
        }
    }
}

/// Writes numbers and places of vcpus.
pub(super) fn write(guest: &Guest, dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    let tool = dialect.tool();
    let Vcpus {
        max,
        current,
        cpuset,
        placement,
    } = &guest.vcpus;
    let online = current.unwrap_or(*max).min(*max);
    write_counts(online, *max, dialect, out, notes);
    if *placement == Placement::Auto {
        let reason = format!("{tool} places vcpus itself");
        notes.setting("/domain/vcpu/@placement", reason);
    }
    let CpuTune {
        shares,
        vcpu_pins,
        soft_pins,
        kept,
    } = &guest.cpu_tune;
    if vcpu_pins.is_empty() {
        if let Some(set) = cpuset {
            out.text("cpus", set.to_string());
        }
    } else {
        let places = places("vcpupin", vcpu_pins, cpuset.as_ref(), *max, notes);
        out.texts("cpus", places);
    }
    if !soft_pins.is_empty() && dialect.xl {
        let places = places("vcpusoftpin", soft_pins, None, *max, notes);
        out.texts("cpus_soft", places);
    } else if !soft_pins.is_empty() {
        let path = "/domain/cputune/vcpusoftpin";
        notes.setting(path, "only Xen 4.5 and later knows it");
    }
    match shares.map(i64::try_from) {
        Some(Ok(weight)) => out.number("cpu_weight", weight),
        Some(Err(_)) => notes.setting("/domain/cputune/shares", "no weight is that high"),
        None => {}
    }
    notes.kept("/domain/cputune", kept, &format!("{tool} does not know it"));
}

/// The place of each vcpu.
fn places(
    element: &str,
    pins: &[VcpuPin],
    common: Option<&CpuSet>,
    max: u32,
    notes: &mut Notes,
) -> Vec<String> {
    for pin in pins.iter().filter(|pin| pin.vcpu >= max) {
        let path = format!("/domain/cputune/{element}[@vcpu='{}']", pin.vcpu);
        notes.setting(path, "the guest has no such vcpu");
    }
    let default = common.map_or("all".to_owned(), CpuSet::to_string);
    let place = |vcpu| {
        let pin = pins.iter().find(|pin| pin.vcpu == vcpu);
        pin.map_or_else(|| default.clone(), |pin| pin.cpus.to_string())
    };
    (0..max.min(MOST_VCPUS)).map(place).collect()
}
