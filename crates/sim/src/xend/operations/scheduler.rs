//! Weights and caps of the credit scheduler; the parameters of SEDF.
//!
//! XenD asks the hypervisor without looking which scheduler it has.

use super::number;
use crate::state::{Key, SimHost};
use crate::xend::config::Words;
use crate::xend::form::Form;
use crate::xend::reply::Reply;

type Answer = Result<Reply, Words>;

/// `op=domain_sched_credit_get`: a Python dictionary as text.
pub(super) fn credit_get(host: &SimHost, key: Key) -> Answer {
    if !host.facts().credit {
        return Ok(Reply::NotImplemented);
    }
    let state = host.state();
    if super::domid(&state, key).is_none() && !host.facts().inactive_scheduler {
        return Err(super::NOT_ACTIVE.to_owned());
    }
    let (weight, cap) = state.get(key).map_or((256, 0), |domain| {
        let active = domain.active.as_ref().and_then(|active| active.share);
        active.unwrap_or((domain.config.weight, domain.config.cap))
    });
    Ok(Reply::Value(format!(
        "\"{{'cap': {cap}, 'weight': {weight}}}\""
    )))
}

/// `op=domain_sched_credit_set` with `weight` and `cap`.
pub(super) fn credit_set(host: &SimHost, key: Key, form: &Form) -> Answer {
    if !host.facts().credit {
        return Ok(Reply::NotImplemented);
    }
    let weight = number(form, "weight")?;
    let cap = if host.facts().cap_settable {
        number(form, "cap")?
    } else {
        0
    };
    let mut state = host.state();
    if super::domid(&state, key).is_none() && !host.facts().inactive_scheduler {
        return Err(super::NOT_ACTIVE.to_owned());
    }
    let Some(domain) = state.get_mut(key) else {
        return Ok(Reply::Empty);
    };
    if host.facts().weight_checked {
        if !(1..=65_535).contains(&weight) {
            return Err(host.facts().weight_words.to_owned());
        }
        let most = domain.config.vcpus * 100;
        if !(0..=most).contains(&cap) {
            return Err(format!(
                "Cpu cap out of range, valid range is from 0 to {most} for specified number of vcpus"
            ));
        }
    }
    match &mut domain.active {
        // Told to the hypervisor alone.
        Some(active) if host.facts().weight_late => active.share = Some((weight, cap)),
        _ => {
            domain.config.weight = weight;
            domain.config.cap = cap;
        }
    }
    Ok(Reply::Value("0".to_owned()))
}

/// `op=cpu_sedf_get`.
pub(super) fn sedf_get(host: &SimHost, key: Key) -> Answer {
    let state = host.state();
    let domain = state.get(key).and_then(|domain| domain.active.as_ref());
    let active = domain.ok_or_else(|| super::NOT_ACTIVE.to_owned())?;
    let [period, slice, latency] = active.schedule.sedf;
    let (extra, weight) = active.schedule.extra;
    let (domid, extra) = (active.domid, u8::from(extra));
    Ok(Reply::Value(format!(
        "(sedf (domid {domid}) (period {period}) (slice {slice}) (latency {latency}) \
         (extratime {extra}) (weight {weight}))"
    )))
}

/// `op=cpu_sedf_set` with its five numbers.
pub(super) fn sedf_set(host: &SimHost, key: Key, form: &Form) -> Answer {
    let mut numbers = [0; 5];
    let names = ["period", "slice", "latency", "extratime", "weight"];
    for (slot, name) in numbers.iter_mut().zip(names) {
        *slot = number(form, name)?.unsigned_abs();
    }
    let [period, slice, latency, extra, weight] = numbers;
    let mut state = host.state();
    let domain = state.get_mut(key).and_then(|domain| domain.active.as_mut());
    let active = domain.ok_or_else(|| super::NOT_ACTIVE.to_owned())?;
    // Where the scheduler is another one nothing comes of it.
    active.schedule.sedf = [period, slice, latency];
    active.schedule.extra = (extra & 1 != 0, u32::try_from(weight).unwrap_or(u32::MAX));
    Ok(Reply::Value("0".to_owned()))
}
