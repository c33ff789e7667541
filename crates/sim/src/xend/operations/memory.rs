//! Memory: the target of the balloon and the limit.
//!
//! Both are MiB; the checks against each other are the configuration's.

use super::number;
use crate::state::{Key, SimHost};
use crate::xend::config::Words;
use crate::xend::form::Form;
use crate::xend::reply::Reply;

/// `op=maxmem_set` with `memory`.
pub(super) fn set_maximum(host: &SimHost, key: Key, form: &Form) -> Result<Reply, Words> {
    let limit = number(form, "memory")?;
    let facts = *host.facts();
    if facts.limit_checked && limit <= 0 {
        return Err("Invalid memory size".to_owned());
    }
    let mut state = host.state();
    let Some(domain) = state.get_mut(key) else {
        return Ok(Reply::Empty);
    };
    let old = std::mem::replace(&mut domain.config.static_max, limit);
    if let Err(words) = domain.config.check_memory(&facts) {
        domain.config.static_max = old;
        return Err(words);
    }
    match &mut domain.active {
        Some(active) => {
            active.limit = limit;
            Ok(Reply::Value("0".to_owned()))
        }
        None => Ok(Reply::Empty),
    }
}

/// `op=mem_target_set` with `target`.
pub(super) fn set_target(host: &SimHost, key: Key, form: &Form) -> Result<Reply, Words> {
    let target = number(form, "target")?;
    let facts = *host.facts();
    let mut state = host.state();
    let free = state.free_memory();
    let old_target = state.get(key).map_or(0, |d| d.config.dynamic_max);
    let too_little = state.no_memory(target.saturating_sub(old_target));
    if facts.limit_checked && facts.target_unchecked && target <= 0 {
        return Err("Invalid memory size".to_owned());
    }
    let Some(domain) = state.get_mut(key) else {
        return Ok(Reply::Empty);
    };
    let old = (domain.config.dynamic_min, domain.config.dynamic_max);
    domain.config.dynamic_min = target;
    domain.config.dynamic_max = target;
    let checked = domain.config.check_memory(&facts);
    let grows = target - old.1;
    let checked = checked.and_then(|()| match &domain.active {
        Some(_) if grows > free && !facts.target_unchecked => Err(too_little.clone()),
        _ => Ok(()),
    });
    if let Err(words) = checked {
        (domain.config.dynamic_min, domain.config.dynamic_max) = old;
        return Err(words);
    }
    let limit = domain.active.as_ref().map_or(0, |active| active.limit);
    if !facts.target_unchecked || target <= limit {
        state.set_memory(key, target);
    }
    Ok(Reply::Empty)
}
