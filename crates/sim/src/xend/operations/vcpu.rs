//! Vcpus: how many are up, and where they may run.
//!
//! What a vcpu does now is in the documents.

use super::{number, text};
use crate::release::Release;
use crate::state::{CPUS, Key, SimHost};
use crate::xend::config::{Words, all_vcpus, int_of};
use crate::xend::form::Form;
use crate::xend::reply::Reply;

/// `op=set_vcpus` with `vcpus`.
pub(super) fn set_count(host: &SimHost, key: Key, form: &Form) -> Result<Reply, Words> {
    let vcpus = number(form, "vcpus")?;
    let facts = host.facts();
    let mut state = host.state();
    let Some(domain) = state.get_mut(key) else {
        return Ok(Reply::Empty);
    };
    if facts.inactive && !facts.vcpus_free && vcpus <= 0 {
        return Err(facts.no_vcpus.to_owned());
    }
    if facts.vcpus_limited && domain.active.is_some() && vcpus > domain.config.vcpus {
        return Err("Cannot set vcpus greater than max vcpus on running domain".to_owned());
    }
    domain.config.vcpu_avail = all_vcpus(vcpus);
    domain.config.vcpu_avail_given = false;
    match &mut domain.active {
        // The guest's own processors, and Domain-0's, do not come and go here.
        Some(active) if facts.vcpus_free => {
            let most = i64::try_from(active.placed.len()).unwrap_or(0);
            if active.domid != 0 {
                active.set_online(vcpus.clamp(0, most));
            }
            domain.config.vcpus = vcpus;
        }
        Some(active) if active.domid != 0 => active.set_online(vcpus.min(domain.config.vcpus)),
        Some(_) => {}
        None if !facts.inactive_vcpus => {}
        None => {
            let count = usize::try_from(vcpus).unwrap_or(0).min(4096);
            domain.config.cpus.resize(count, Vec::new());
            domain.config.vcpus = vcpus;
            domain.config.online = vcpus;
        }
    }
    Ok(Reply::Empty)
}

/// `op=pincpu` with `vcpu` and `cpumap`.
pub(super) fn pin(host: &SimHost, key: Key, form: &Form) -> Result<Reply, Words> {
    let vcpu = text(form, "vcpu")?;
    let map = text(form, "cpumap")?;
    let facts = *host.facts();
    let mut state = host.state();
    let Some(domain) = state.get_mut(key) else {
        return Ok(Reply::Empty);
    };
    let vcpus: Vec<i64> = if vcpu.eq_ignore_ascii_case("all") {
        (0..domain.config.vcpus).collect()
    } else {
        vec![int_of(vcpu)?]
    };
    if domain.active.is_none() && !facts.inactive_scheduler {
        return Err(super::NOT_ACTIVE.to_owned());
    }
    if facts.pin_refused {
        return Err(pin_refusal(domain.config.vcpus, &vcpus, map));
    }
    let map = if facts.release < Release::V3_0_3 {
        map.trim_start_matches('[').trim_end_matches(']')
    } else {
        map
    };
    let cpus: Vec<i64> = map.split(',').map(int_of).collect::<Result<_, _>>()?;
    let shown = format!("{cpus:?}");
    for n in vcpus {
        let refuse = |why: &str| Err(format!("Cannot pin vcpu: {n} to cpu: {shown} - {why}"));
        let index = usize::try_from(n).unwrap_or(usize::MAX);
        if domain.active.is_some() {
            if n < 0 || n >= domain.config.vcpus {
                return refuse("(3, 'No such process')");
            }
            if !cpus.iter().any(|cpu| (0..CPUS).contains(cpu)) {
                return refuse("(22, 'Invalid argument')");
            }
        }
        match domain.config.cpus.get_mut(index) {
            Some(list) if facts.cpus_shown => *list = cpus.clone(),
            Some(_) => {}
            None => return refuse("list assignment index out of range"),
        }
        if let Some(active) = &mut domain.active {
            if let Some(list) = active.affinity.get_mut(index) {
                *list = cpus
                    .iter()
                    .copied()
                    .filter(|cpu| (0..CPUS).contains(cpu))
                    .collect();
            }
            if let (Some(place), Some(first)) = (active.placed.get_mut(index), cpus.first()) {
                *place = *first;
            }
        }
    }
    Ok(Reply::Value("0".to_owned()))
}

/// What the hypervisor says of cpus that it gets as text.
fn pin_refusal(vcpus: i64, wanted: &[i64], map: &str) -> Words {
    let n = wanted.first().copied().unwrap_or_default();
    let why = if (0..vcpus).contains(&n) {
        "(22, 'Invalid argument')"
    } else {
        "(3, 'No such process')"
    };
    format!("Cannot pin vcpu: {n} to cpu: {map} - {why}")
}
