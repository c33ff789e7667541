//! Saving, restoring, dumping.
//!
//! A saved domain is kept in memory under its file's name. Where the file's folder is
//! there, a file is written as well, with the head that XenD's have; it can be moved
//! and changed.

use super::lifecycle::check_name;
use super::{accepted_failure, number, text};
use crate::state::{Key, Life, Saved, SimHost, State, behaviour};
use crate::xend::config::{Config, Words};
use crate::xend::document::{self, Writer};
use crate::xend::form::Form;
use crate::xend::reply::{Reply, Status};
use virtxen_formats::image::{Head, Kind, TEXT_MAX};
use virtxen_formats::sxpr;

/// Bytes of memory in a file, whatever a guest has.
const MEMORY: u64 = 1 << 20;

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
        let text = document_of(host, &state, key);
        write_file(&file, &text);
        state.saved.insert(file, Saved { config, text });
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
    let config = match read_file(&file) {
        Some(text) => match text.and_then(|text| config_of(host, &text)) {
            Ok(config) => config,
            Err(words) => return fail(words),
        },
        None => match host.state().saved.get(&file).cloned() {
            Some(saved) => saved.config,
            None => {
                return fail(format!(
                    "can't read guest state file {file}: No such file or directory"
                ));
            }
        },
    };
    match arrive(host, config).await {
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

/// What XenD says of a domain.
fn document_of(host: &SimHost, state: &State, key: Key) -> String {
    let mut out = Writer::new(host.facts().empty);
    if let Some(domain) = state.get(key) {
        document::domain(&mut out, domain, host.facts());
    }
    out.finish()
}

/// A file with a hole in the place of memory.
fn write_file(file: &str, text: &str) {
    use std::io::Write;
    let head = Head {
        kind: Kind::Xend,
        text: text.to_owned(),
    };
    // Where the machine that this runs on has no such folder, only memory has it.
    if let (Ok(bytes), Ok(mut written)) = (head.to_bytes(), std::fs::File::create(file)) {
        let length = bytes.len() as u64 + MEMORY;
        let _ = written.write_all(&bytes);
        let _ = written.set_len(length);
    }
}

/// The configuration in a file; none when it is no such file.
///
/// # Errors
/// When there is less memory behind it than was written.
fn read_file(file: &str) -> Option<Result<String, Words>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let limit = u64::try_from(TEXT_MAX).unwrap_or(u64::MAX);
    let read = std::fs::File::open(file).ok()?;
    let length = read.metadata().ok()?.len();
    read.take(limit).read_to_end(&mut bytes).ok()?;
    let head = Head::read(&bytes).ok()?;
    let whole = Head::length(&bytes).ok()? as u64 + MEMORY;
    if length < whole {
        let words = "/usr/lib/xen/bin/xc_restore 4 1 1 2 0 0 0 failed";
        return Some(Err(words.to_owned()));
    }
    Some(Ok(head.text))
}

/// The configuration of a file's head: as it was saved, unless somebody has changed it.
fn config_of(host: &SimHost, text: &str) -> Result<Config, Words> {
    let mut state = host.state();
    if let Some(saved) = state.saved.values().find(|saved| saved.text == text) {
        return Ok(saved.config.clone());
    }
    let tree = sxpr::read(text, sxpr::Limits::default());
    let tree = tree.map_err(|_| host.facts().garbage_words.to_owned())?;
    Config::read(&tree, host.facts(), &mut state.entropy)
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
