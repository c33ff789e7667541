//! Weights and caps of the credit scheduler; the parameters of SEDF.
//!
//! The host runs the credit scheduler; SEDF's answers are those of a host that
//! was asked anyway.

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
    match super::domid(&state, key) {
        Some(domid) => Ok(Reply::Value(format!(
            "(sedf (domid {domid}) (period 100000000) (slice 0) (latency 0) (extratime 1) (weight 0))"
        ))),
        None => Err(super::NOT_ACTIVE.to_owned()),
    }
}

/// `op=cpu_sedf_set` with its five numbers.
pub(super) fn sedf_set(host: &SimHost, key: Key, form: &Form) -> Answer {
    for name in ["period", "slice", "latency", "extratime", "weight"] {
        number(form, name)?;
    }
    let state = host.state();
    match super::domid(&state, key) {
        Some(_) => Ok(Reply::Value("0".to_owned())),
        None => Err(super::NOT_ACTIVE.to_owned()),
    }
}
