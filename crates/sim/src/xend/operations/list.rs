//! Looking: one domain, the list of domains, vcpus.
//!
//! Nothing changes but that XenD has looked, which is when it learns of a
//! domain's console and processor time.

use super::console::Console;
use super::find;
use crate::release::Facts;
use crate::state::{Domain, Key, SimHost, State};
use crate::xend::document::{self, Writer, vcpu_info};
use crate::xend::form::Form;
use crate::xend::reply::Reply;

/// `GET /xend/domain/TARGET`, also with `op=vcpuinfo`.
pub(crate) async fn get_domain(host: &SimHost, target: &str, query: &Form) -> Reply {
    let _lock = host.domains_lock().lock().await;
    let mut state = host.state();
    let Some(key) = find(&state, target) else {
        return Reply::NoDomain {
            name: target.to_owned(),
        };
    };
    if query.get("op") == Some("vcpuinfo") {
        drop(state);
        return vcpus(host, key);
    }
    refresh(&mut state, key);
    if state
        .get(key)
        .is_some_and(|domain| is_hidden(domain, host.facts()))
    {
        return Reply::Broken;
    }
    let mut out = Writer::new(host.facts().empty);
    if let Some(domain) = state.get(key) {
        document::domain(&mut out, domain, host.facts());
    }
    Reply::Page(out.finish())
}

/// Whether XenD fails to show the domain: 3.0.4 looks for a list of PCI devices that
/// attaching one does not make.
fn is_hidden(domain: &Domain, facts: &Facts) -> bool {
    let mut devices = domain.config.devices.all.iter();
    facts.attached_pci_hides
        && devices.any(|(_, device)| device.class == "pci" && device.lists.is_empty())
}

/// `GET /xend/domain`, with `detail` and `state`.
pub(crate) async fn list_domains(host: &SimHost, query: &Form) -> Reply {
    let facts = host.facts();
    let _lock = if facts.list_waits {
        Some(host.domains_lock().lock().await)
    } else {
        None
    };
    let mut state = host.state();
    let active: Vec<Key> = state.active_keys().collect();
    for key in &active {
        refresh(&mut state, *key);
    }
    let detail = query.get("detail") == Some("1");
    let wanted = match query.get("state") {
        Some(name) if !detail => name,
        _ => "running",
    };
    let keys: Vec<Key> = if facts.lists_running {
        active
            .into_iter()
            .chain(state.inactive_keys())
            .filter(|key| in_state(&state, *key, wanted))
            .collect()
    } else {
        active
    };
    let mut out = Writer::new(facts.empty);
    out.open_bare();
    if detail {
        let mut shown = keys.iter().filter_map(|key| state.get(*key));
        if shown.any(|domain| is_hidden(domain, facts)) {
            return Reply::Broken;
        }
        for domain in keys.iter().filter_map(|key| state.get(*key)) {
            document::domain(&mut out, domain, facts);
        }
    } else {
        let mut names: Vec<_> = keys
            .iter()
            .filter_map(|key| state.get(*key))
            .map(|domain| domain.config.name.as_str())
            .collect();
        names.sort_unstable();
        for name in names {
            out.atom(name);
        }
    }
    out.close();
    Reply::List(out.finish())
}

/// `vcpuinfo` of a domain.
pub(super) fn vcpus(host: &SimHost, key: Key) -> Reply {
    let mut state = host.state();
    if super::domid(&state, key).is_none() && !host.facts().inactive_vcpu_info {
        return Reply::failed("an integer is required");
    }
    refresh(&mut state, key);
    let mut out = Writer::new(host.facts().empty);
    if let Some(domain) = state.get(key) {
        vcpu_info(&mut out, domain, host.facts());
    }
    Reply::Value(out.finish())
}

/// XenD asks the hypervisor and the store about a domain.
pub(super) fn refresh(state: &mut State, key: Key) {
    super::console::update_consoles(state, key, Console::Stored);
    if state.facts.offset_shown
        && let Some(domain) = state.get_mut(key)
    {
        let shown = domain.config.platform.has("rtc_timeoffset");
        if !shown && domain.active.is_some() {
            let zero = virtxen_formats::sxpr::Sxpr::atom("0");
            domain.config.platform.set("rtc_timeoffset", zero);
        }
    }
    if let Some(active) = state.get_mut(key).and_then(|d| d.active.as_mut()) {
        active.refreshed = true;
    }
}

fn in_state(state: &State, key: Key, wanted: &str) -> bool {
    let Some(domain) = state.get(key) else {
        return false;
    };
    match wanted {
        "all" => true,
        "halted" => document::status(domain) == 0,
        "paused" => document::status(domain) == 1,
        "running" => document::status(domain) == 2,
        _ => false,
    }
}
