//! Pausing, shutting down, destroying, deleting, renaming.
//!
//! Building and starting are in `create`.

use super::{NOT_ACTIVE, domid};
use crate::state::{Domain, Key, Life, Reason, SimHost, State, behaviour};
use crate::xend::config::Words;
use crate::xend::form::Form;
use crate::xend::python::repr;
use crate::xend::reply::Reply;

type Answer = Result<Reply, Words>;

/// `op=unpause`.
pub(super) fn unpause(host: &SimHost, key: Key) -> Answer {
    let mut state = host.state();
    guard(&state, key, "unpause")?;
    state.let_run(key);
    state.advance();
    Ok(Reply::Empty)
}

/// `op=pause`.
pub(super) fn pause(host: &SimHost, key: Key) -> Answer {
    let mut state = host.state();
    guard(&state, key, "pause")?;
    if let Some(active) = state.get_mut(key).and_then(|d| d.active.as_mut())
        && active.life == Life::Running
    {
        active.set_life(Life::Paused);
    }
    Ok(Reply::Empty)
}

/// `op=shutdown` with `reason`.
pub(super) fn shutdown(host: &SimHost, key: Key, form: &Form) -> Answer {
    let Some(reason) = form.get("reason") else {
        return Err("'reason'".to_owned());
    };
    let hung = |name: &str| host.xend().faults().is_hung(name);
    let mut state = host.state();
    let facts = *host.facts();
    let Some(domain) = state.get(key) else {
        return Ok(Reply::Accepted);
    };
    let Some(active) = &domain.active else {
        return Err("Domain cannot be shutdown".to_owned());
    };
    if facts.inactive && matches!(active.life, Life::Shutdown(_)) {
        return Err("Domain cannot be shutdown".to_owned());
    }
    if facts.control_domain_guarded && active.domid == 0 {
        return Err("Domain 0 cannot be shutdown".to_owned());
    }
    let cause = match reason {
        "poweroff" | "halt" => Some(Reason::Poweroff),
        "reboot" => Some(Reason::Reboot),
        "crash" => Some(Reason::Crash),
        "suspend" | "watchdog" => None,
        _ => return Err(facts.invalid_reason.replace("%s", reason)),
    };
    let obeys = active.life == Life::Running || domain.config.hvm;
    if let Some(cause) = cause {
        let hung = behaviour::is_deaf(&domain.config.name) || hung(&domain.config.name);
        let (domid, obeys) = (active.domid, obeys && active.domid != 0 && !hung);
        state.write_order(domid, reason, obeys);
        if obeys {
            state.order_shutdown(domid, cause);
        }
    }
    Ok(Reply::Accepted)
}

/// `op=destroy`.
pub(super) fn destroy(host: &SimHost, key: Key) -> Answer {
    let mut state = host.state();
    match domid(&state, key) {
        Some(0) => Err("Cannot destroy privileged domain 0".to_owned()),
        Some(_) => {
            state.destroy(key);
            Ok(Reply::Accepted)
        }
        None => Err(NOT_ACTIVE.to_owned()),
    }
}

/// `op=delete` of an inactive domain.
pub(super) fn delete(host: &SimHost, key: Key) -> Answer {
    let mut state = host.state();
    if domid(&state, key).is_some() {
        return Err(state.facts.not_halted.to_owned());
    }
    state.undefine(key);
    Ok(Reply::Accepted)
}

/// `op=rename` with `name`.
pub(super) fn rename(host: &SimHost, key: Key, form: &Form) -> Answer {
    let Some(name) = form.get("name") else {
        return Err("'name'".to_owned());
    };
    let mut state = host.state();
    let uuid = state
        .get(key)
        .map(|d| d.config.uuid.clone())
        .unwrap_or_default();
    check_name(&state, name, &uuid)?;
    state.rename(key, name);
    Ok(Reply::Accepted)
}

/// `op=sysrq` with `key`.
pub(super) fn sysrq(host: &SimHost, key: Key, form: &Form) -> Answer {
    let Some(letter) = form.get("key") else {
        return Err("'key'".to_owned());
    };
    super::number(form, "key")
        .map_err(|_| format!("invalid literal for int() with base 10: {}", repr(letter)))?;
    let state = host.state();
    if domid(&state, key).is_none() && host.facts().release >= crate::release::Release::V3_4 {
        return Err("Domain is not started".to_owned());
    }
    Ok(Reply::Accepted)
}

/// What XenD demands of a name.
pub(super) fn check_name(state: &State, name: &str, uuid: &str) -> Result<(), Words> {
    let facts = &state.facts;
    if name.is_empty() {
        return Err(facts.missing_name.to_owned());
    }
    let allowed = |b: u8| {
        b.is_ascii_alphanumeric() || b"_-.:+".contains(&b) || facts.slash_in_names && b == b'/'
    };
    if !name.bytes().all(allowed) {
        return Err(facts.invalid_name.to_owned());
    }
    let other = super::find(state, name).and_then(|key| state.get(key));
    if !facts.inactive {
        return check_early_name(state, other, name, uuid);
    }
    match other {
        Some(domain) if domain.config.uuid != uuid => {
            let tail = match &domain.active {
                Some(active) => format!(" as domain {}", active.domid),
                None => String::new(),
            };
            Err(format!("VM name '{name}' already exists{tail}"))
        }
        _ => Ok(()),
    }
}

/// Up to 3.0.3 a name is taken by an active domain, and the words depend on whether
/// the domain that wants it has a number yet.
fn check_early_name(
    state: &State,
    other: Option<&Domain>,
    name: &str,
    uuid: &str,
) -> Result<(), Words> {
    let Some(taken) = other.and_then(|domain| Some((domain, domain.active.as_ref()?.domid))) else {
        return Ok(());
    };
    let own = state.by_uuid(uuid).and_then(|key| super::domid(state, key));
    match (taken, own) {
        ((domain, _), Some(_)) if domain.config.uuid == uuid => Ok(()),
        ((_, domid), Some(own)) => Err(format!(
            "VM name '{name}' is used in both domains {own} and {domid}"
        )),
        ((_, domid), None) => Err(format!("VM name '{name}' already in use by domain {domid}")),
    }
}

/// Domain-0 and inactive domains are neither paused nor let run.
fn guard(state: &State, key: Key, verb: &str) -> Result<(), Words> {
    match domid(state, key) {
        Some(0) => Err(format!("Cannot {verb} privileged domain 0")),
        Some(id) => match state.get(key).and_then(|d| d.active.as_ref()) {
            Some(active) if matches!(active.life, Life::Shutdown(_)) && state.facts.inactive => {
                Err(format!("Domain '{id}' is not started"))
            }
            _ => Ok(()),
        },
        None => Err(NOT_ACTIVE.to_owned()),
    }
}
