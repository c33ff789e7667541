//! Virtual processors: `(vcpus …)`, `(vcpu_avail …)`, `(cpus …)`, `(cpu_weight …)`.
//!
//! What processors look like to a guest is not XenD's business before libxl.

use super::Sxpr;
use super::dialect::{ConfigVersion, Dialect};
use super::section::{Section, parse_number};
use crate::convert::{Notes, excerpt};
use virtxen_guest::{CpuSet, CpuTune, Guest, Placement, VcpuPin, Vcpus};

/// Weight that the credit scheduler gives when nobody asks.
const NORMAL_WEIGHT: u64 = 256;

/// Reads numbers and places of vcpus.
pub(super) fn read(domain: &mut Section<'_>, notes: &mut Notes) -> (Vcpus, CpuTune) {
    let max = domain
        .number("vcpus", notes)
        .and_then(|n| u32::try_from(n).ok());
    let max = max.unwrap_or(1).max(1);
    let online = domain
        .number("vcpu_avail", notes)
        .map_or(0, i64::count_ones);
    let mut vcpus = Vcpus {
        max,
        current: (online > 0 && online < max).then_some(online),
        ..Vcpus::default()
    };
    let mut tune = CpuTune::default();
    read_cpus(domain, &mut vcpus, &mut tune, notes);
    // Before 3.0.4 this is a factor of another scheduler, always 1.0.
    let weight = domain.text("cpu_weight").filter(|text| *text != "1.0");
    match weight.map(|text| (text, text.parse::<u64>())) {
        Some((_, Ok(weight))) => tune.shares = Some(weight).filter(|w| *w != NORMAL_WEIGHT),
        Some((text, Err(_))) => notes.setting(
            format!("{}/cpu_weight", domain.path()),
            format!("'{}' is no weight", excerpt(text)),
        ),
        None => {}
    }
    (vcpus, tune)
}

/// `(cpus '0-3')`, `(cpus (0 3))` for all, `(cpus ((0 1) () …))` for each vcpu.
fn read_cpus(domain: &mut Section<'_>, vcpus: &mut Vcpus, tune: &mut CpuTune, notes: &mut Notes) {
    let path = format!("{}/cpus", domain.path());
    if let Some(text) = domain.value("cpus") {
        match text.parse::<CpuSet>() {
            Ok(set) if !set.is_empty() => vcpus.cpuset = Some(set),
            Ok(_) => {}
            Err(_) if text.is_empty() => {}
            Err(_) => notes.setting(path, format!("'{}' is no set of processors", excerpt(text))),
        }
        return;
    }
    let Some(lists) = domain
        .child("cpus")
        .and_then(|node| node.rest().first())
        .and_then(Sxpr::as_list)
    else {
        return;
    };
    let of_each = lists.iter().any(|node| node.as_list().is_some());
    if !of_each {
        vcpus.cpuset = Some(set_of(lists, &path, notes)).filter(|set| !set.is_empty());
        return;
    }
    let sets: Vec<CpuSet> = lists
        .iter()
        .map(|node| set_of(node.as_list().unwrap_or_default(), &path, notes))
        .collect();
    let all_same = sets.windows(2).all(|pair| pair.first() == pair.last());
    if all_same && sets.len() >= vcpus.max as usize {
        vcpus.cpuset = sets.into_iter().next().filter(|set| !set.is_empty());
        return;
    }
    for (vcpu, cpus) in (0..vcpus.max).zip(sets) {
        if !cpus.is_empty() {
            tune.vcpu_pins.push(VcpuPin { vcpu, cpus });
        }
    }
}

fn set_of(numbers: &[Sxpr], path: &str, notes: &mut Notes) -> CpuSet {
    let mut set = CpuSet::default();
    for node in numbers {
        let number = node.as_atom().and_then(parse_number);
        let fits = number
            .and_then(|n| u32::try_from(n).ok())
            .is_some_and(|cpu| set.insert(cpu));
        if !fits {
            notes.setting_at(path, node.at(), "not a number of a processor");
        }
    }
    set
}

/// Writes numbers and places of vcpus.
pub(super) fn write(guest: &Guest, dialect: Dialect, out: &mut Vec<Sxpr>, notes: &mut Notes) {
    let Vcpus {
        cpuset, placement, ..
    } = &guest.vcpus;
    write_count(&guest.vcpus, out, notes);
    if *placement == Placement::Auto {
        notes.setting("/domain/vcpu/@placement", "XenD does not choose processors");
    }
    let CpuTune {
        shares,
        vcpu_pins,
        soft_pins,
        kept,
    } = &guest.cpu_tune;
    if !soft_pins.is_empty() {
        let path = "/domain/cputune/vcpusoftpin";
        notes.setting(path, "only Xen 4.5 and later knows it");
    }
    if vcpu_pins.is_empty() {
        out.extend(
            cpuset
                .iter()
                .map(|set| Sxpr::quoted_pair("cpus", set.to_string())),
        );
    } else if dialect.vcpu_cpus {
        out.push(cpus_of_each(&guest.vcpus, vcpu_pins, notes));
    } else {
        out.extend(
            cpuset
                .iter()
                .map(|set| Sxpr::quoted_pair("cpus", set.to_string())),
        );
        notes.setting(
            "/domain/cputune/vcpupin",
            "only XenD 3.4 and later place single vcpus",
        );
    }
    match shares {
        Some(weight) if dialect.version >= ConfigVersion::Xen304 => {
            out.push(Sxpr::pair("cpu_weight", weight.to_string()));
        }
        Some(_) => notes.setting(
            "/domain/cputune/shares",
            "XenD before 3.0.4 has no credit scheduler weight here",
        ),
        None => {}
    }
    notes.kept("/domain/cputune", kept, "XenD does not know it");
    if guest.cpu.is_some() {
        notes.setting("/domain/cpu", "XenD's guests see the host's processor");
    }
}

/// Writes `(vcpus …)` and, where some are offline, `(vcpu_avail …)`: a bit each.
pub(super) fn write_count(vcpus: &Vcpus, out: &mut Vec<Sxpr>, notes: &mut Notes) {
    out.push(Sxpr::pair("vcpus", vcpus.max.to_string()));
    let Some(current) = vcpus.current.filter(|current| *current < vcpus.max) else {
        return;
    };
    if current < 64 {
        out.push(Sxpr::pair(
            "vcpu_avail",
            ((1_u64 << current) - 1).to_string(),
        ));
    } else {
        notes.setting("/domain/vcpu/@current", "XenD can count 63 online vcpus");
    }
}

fn cpus_of_each(vcpus: &Vcpus, pins: &[VcpuPin], notes: &mut Notes) -> Sxpr {
    let everywhere = CpuSet::default();
    for pin in pins.iter().filter(|pin| pin.vcpu >= vcpus.max) {
        notes.setting(
            format!("/domain/cputune/vcpupin[@vcpu='{}']", pin.vcpu),
            "the guest has no such vcpu",
        );
    }
    // A hostile document can ask for more vcpus than any Xen has.
    let lists = (0..vcpus.max.min(4096)).map(|vcpu| {
        let pin = pins
            .iter()
            .find(|pin| pin.vcpu == vcpu)
            .map(|pin| &pin.cpus);
        let set = pin.or(vcpus.cpuset.as_ref()).unwrap_or(&everywhere);
        Sxpr::list(set.iter().map(|cpu| Sxpr::atom(cpu.to_string())).collect())
    });
    Sxpr::named("cpus", vec![Sxpr::list(lists.collect())])
}
