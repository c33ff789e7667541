//! Saving, restoring, dumping, migrating.
//!
//! A saved domain is kept in memory under its file's name; no file is written.
//! There is no other host to migrate to.

use super::lifecycle::check_name;
use super::{accepted_failure, number, text};
use crate::state::{Key, Life, Saved, SimHost, behaviour};
use crate::xend::config::Words;
use crate::xend::form::Form;
use crate::xend::reply::{Reply, Status};

/// `op=save` with `file`.
pub(super) async fn save(host: &SimHost, key: Key, form: &Form) -> Reply {
    match prepare_save(host, key, form) {
        Ok(()) => {}
        Err(reply) => return reply,
    }
    let time = host.options().timing.save;
    if !time.is_zero() {
        host.state().suspend(key);
        tokio::time::sleep(time).await;
    }
    let file = form.get("file").unwrap_or_default().to_owned();
    let mut state = host.state();
    if let Some(config) = state.get(key).map(|d| d.config.clone()) {
        state.saved.insert(file, Saved { config });
        state.destroy(key);
    }
    Reply::Accepted
}

fn prepare_save(host: &SimHost, key: Key, form: &Form) -> Result<(), Reply> {
    let file = form
        .get("file")
        .ok_or_else(|| accepted_failure("'file'".to_owned()))?;
    let state = host.state();
    let active = state.get(key).and_then(|d| d.active.as_ref());
    match active {
        None => Err(Reply::Hang),
        Some(active) if active.domid == 0 => Err(accepted_failure(
            "Cannot save privileged domain 0".to_owned(),
        )),
        Some(active) if active.life != Life::Running && host.facts().inactive => {
            Err(accepted_failure("Domain is not running".to_owned()))
        }
        Some(_) if !behaviour::exists(file) => Err(accepted_failure(format!(
            "can't write guest state file {file}: No such file or directory"
        ))),
        Some(_) => Ok(()),
    }
}

/// `op=restore` with `file`.
pub(super) async fn restore(host: &SimHost, form: &Form) -> Reply {
    let fail = |words: Words| Reply::Failed {
        words,
        status: Status::Okay,
    };
    let file = match text(form, "file") {
        Ok(file) => file.to_owned(),
        Err(words) => return fail(words),
    };
    if file.contains("garbage") {
        return fail(host.facts().garbage_words.to_owned());
    }
    let saved = host.state().saved.get(&file).cloned();
    let Some(saved) = saved else {
        return fail(format!(
            "can't read guest state file {file}: No such file or directory"
        ));
    };
    let config = saved.config;
    if let Err(words) = may_restore(host, &config.name, &config.uuid) {
        return fail(words);
    }
    let time = host.options().timing.save;
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
    let mut state = host.state();
    let domid = state.take_domid();
    let mut config = config;
    config.vcpu_avail_given = true;
    if !host.facts().inactive {
        config.start_time = None;
    }
    let name = config.name.clone();
    match super::build(&mut state, domid, &config) {
        Ok(active) => {
            let managed = state
                .by_uuid(&config.uuid)
                .filter(|key| state.is_managed(*key));
            let key = match managed {
                Some(key) => {
                    state.activate(key, active);
                    key
                }
                None => state.add_active(config, active),
            };
            state.let_run(key);
            Reply::Restored { name }
        }
        Err(words) => fail(words),
    }
}

fn may_restore(host: &SimHost, name: &str, uuid: &str) -> Result<(), Words> {
    let state = host.state();
    if !host.facts().inactive {
        return super::early::may_restore(&state, name);
    }
    if !host.facts().restore_checked {
        return Ok(());
    }
    if let Some(domid) = state
        .by_name(name)
        .and_then(|key| super::domid(&state, key))
    {
        return Err(format!("Domain '{name}' already exists with ID '{domid}'"));
    }
    check_name(&state, name, uuid)
}

/// `op=dump` with `file`, `live`, `crash` and from 3.4 on `reset`.
pub(super) fn dump(host: &SimHost, key: Key, form: &Form) -> Reply {
    if !host.facts().inactive {
        return Reply::NotImplemented;
    }
    match try_dump(host, key, form) {
        Ok(()) => Reply::Accepted,
        Err(words) => accepted_failure(words),
    }
}

fn try_dump(host: &SimHost, key: Key, form: &Form) -> Result<(), Words> {
    let mut state = host.state();
    let domid = super::domid(&state, key).ok_or_else(|| super::NOT_ACTIVE.to_owned())?;
    let file = text(form, "file")?;
    number(form, "live")?;
    let crash = number(form, "crash")?;
    if host.facts().dump_needs_reset {
        number(form, "reset")?;
    }
    if domid == 0 {
        return Err("Cannot dump core for privileged domain 0".to_owned());
    }
    if !behaviour::exists(file) {
        return Err(host.facts().dump_words.to_owned());
    }
    if crash != 0 {
        state.destroy(key);
    }
    Ok(())
}

/// `op=migrate`: nobody listens on the other side.
pub(super) fn migrate(host: &SimHost, key: Key, form: &Form) -> Reply {
    let words = try_migrate(host, key, form);
    Reply::Failed {
        words,
        status: Status::Okay,
    }
}

fn try_migrate(host: &SimHost, key: Key, form: &Form) -> Words {
    let state = host.state();
    for name in host.facts().migrate_parameters {
        let given = match *name {
            "destination" => text(form, name).map(|_| 0),
            "resource" | "live" | "port" | "node" | "ssl" => number(form, name),
            _ => text(form, name).map(|_| 0),
        };
        if let Err(words) = given {
            return words;
        }
    }
    match super::domid(&state, key) {
        None => super::NOT_ACTIVE.to_owned(),
        Some(0) => "Cannot migrate privileged domain 0".to_owned(),
        Some(_) => host.facts().refused_connection.to_owned(),
    }
}
