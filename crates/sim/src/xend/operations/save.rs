//! Saving, restoring, dumping.
//!
//! A saved domain is kept in memory under its file's name; no file is written.

use super::lifecycle::check_name;
use super::{accepted_failure, number, text};
use crate::state::{Key, Life, Saved, SimHost, behaviour};
use crate::xend::config::{Config, Words};
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
    match arrive(host, saved.config).await {
        Ok(name) => Reply::Restored { name },
        Err(words) => fail(words),
    }
}

/// Builds a domain whose memory came from somewhere, and lets it run. Its name.
pub(crate) async fn arrive(host: &SimHost, mut config: Config) -> Result<String, Words> {
    may_restore(host, &config.name, &config.uuid)?;
    let time = host.options().timing.save;
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
    let mut state = host.state();
    let domid = state.take_domid();
    config.vcpu_avail_given = true;
    if !host.facts().inactive {
        config.start_time = None;
    }
    let name = config.name.clone();
    let active = super::build(&mut state, domid, &config)?;
    let managed = state.by_uuid(&config.uuid);
    let key = match managed.filter(|key| state.is_managed(*key)) {
        Some(key) => {
            state.activate(key, active);
            key
        }
        None => state.add_active(config, active),
    };
    state.let_run(key);
    Ok(name)
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
