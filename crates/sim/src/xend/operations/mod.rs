//! XenD's operations on domains: one file a family, dispatched here by name.
//!
//! An operation takes decoded parameters and answers a [`Reply`]; it knows no
//! HTTP. Those that take time await it, with no state locked but XenD's own
//! domain lock where real XenD holds that.

mod build;
mod console;
mod create;
mod devices;
mod early;
mod lifecycle;
mod list;
mod memory;
mod migrate;
mod plug;
mod restart;
mod save;
mod scheduler;
mod vcpu;

pub(crate) use build::build;
pub(crate) use devices::create_all as create_devices;
pub(crate) use list::{get_domain, list_domains};
pub(crate) use save::arrive;

use super::config::{Words, python_int};
use super::form::Form;
use super::reply::{Reply, Status};
use crate::state::{Key, SimHost, State};
use virtxen_formats::sxpr::Sxpr;

/// `POST /xend/domain/TARGET`.
pub(crate) async fn post_domain(host: &SimHost, target: &str, op: &str, form: &Form) -> Reply {
    let facts = host.facts();
    let found = find(&host.state(), target);
    let Some(key) = found else {
        return Reply::NoDomain {
            name: target.to_owned(),
        };
    };
    if !facts.inactive
        && let Some(answer) = early::post(host, key, op, form)
    {
        return answer.unwrap_or_else(Reply::failed);
    }
    let answer = match op {
        "unpause" => lifecycle::unpause(host, key),
        "pause" => lifecycle::pause(host, key),
        "shutdown" => lifecycle::shutdown(host, key, form),
        "destroy" => lifecycle::destroy(host, key),
        "rename" => lifecycle::rename(host, key, form),
        "sysrq" => lifecycle::sysrq(host, key, form),
        "start" if facts.inactive => return create::start(host, key).await,
        "delete" if facts.inactive => lifecycle::delete(host, key),
        "reset" if facts.reset => return create::reset(host, key).await,
        "wait_for_devices" => devices::wait(host, key).await,
        "device_create" => devices::create(host, key, form).await,
        "device_destroy" => devices::destroy(host, key, form),
        "device_configure" => devices::configure(host, key, form),
        "devices" => devices::list(host, key, form),
        "maxmem_set" => memory::set_maximum(host, key, form),
        "mem_target_set" => memory::set_target(host, key, form),
        "set_vcpus" => vcpu::set_count(host, key, form),
        "pincpu" => vcpu::pin(host, key, form),
        "vcpuinfo" => return list::vcpus(host, key),
        "domain_sched_credit_get" => scheduler::credit_get(host, key),
        "domain_sched_credit_set" => scheduler::credit_set(host, key, form),
        "cpu_sedf_get" => scheduler::sedf_get(host, key),
        "cpu_sedf_set" => scheduler::sedf_set(host, key, form),
        "save" => return save::save(host, key, form).await,
        "dump" => return save::dump(host, key, form),
        "migrate" => return migrate::migrate(host, key, form).await,
        "configure" => Err("Unsupported".to_owned()),
        _ => return Reply::NotImplemented,
    };
    answer.unwrap_or_else(Reply::failed)
}

/// `POST /xend/domain`: create, new, restore, list.
pub(crate) async fn post_domain_root(host: &SimHost, op: &str, form: &Form) -> Reply {
    match op {
        "create" => create::create(host, form).await,
        "new" if host.facts().inactive => create::new(host, form),
        "restore" => save::restore(host, form).await,
        "list" => list_domains(host, &Form::new(vec![("detail".into(), "1".into())])).await,
        _ => Reply::NotImplemented,
    }
}

/// Looks a domain up as XenD does: by name, by number, by uuid.
fn find(state: &State, target: &str) -> Option<Key> {
    let unique = state.facts.inactive || state.count_of_name(target) == 1;
    if let Some(key) = state.by_name(target).filter(|_| unique) {
        return Some(key);
    }
    if let Some(key) = target.trim().parse().ok().and_then(|id| state.by_domid(id)) {
        return Some(key);
    }
    if state.facts.uuid_lookup {
        return state.by_uuid(target);
    }
    None
}

/// A parameter that must be there.
fn text<'a>(form: &'a Form, name: &str) -> Result<&'a str, Words> {
    form.get(name)
        .ok_or_else(|| format!("Missing parameter: {name}"))
}

/// A whole number that must be there.
fn number(form: &Form, name: &str) -> Result<i64, Words> {
    python_int(&Sxpr::atom(text(form, name)?))
}

/// A failure of an operation whose 202 was set before.
fn accepted_failure(words: Words) -> Reply {
    Reply::Failed {
        words,
        status: Status::Accepted,
    }
}

/// The words when an operation needs a number and the domain has none.
const NOT_ACTIVE: &str = "int() argument must be a string or a number, not 'NoneType'";

/// The number of an active domain.
fn domid(state: &State, key: Key) -> Option<u32> {
    Some(state.get(key)?.active.as_ref()?.domid)
}
