//! Making domains: create, new, start, reset.
//!
//! What a build itself does is in `build`.

use virtxen_formats::sxpr::{Limits, ReadErrorKind, Sxpr, read};

use super::build::{build, built, lacks_memory};
use super::lifecycle::check_name;
use super::{console, devices, find};
use crate::state::{Key, SimHost, State, behaviour};
use crate::xend::config::{Config, Words};
use crate::xend::document::{self, Writer};
use crate::xend::form::Form;
use crate::xend::reply::Reply;

/// `op=create` with `config`.
pub(super) async fn create(host: &SimHost, form: &Form) -> Reply {
    let tree = match expression(form) {
        Ok(tree) => tree,
        Err(words) => return Reply::failed(words),
    };
    let _lock = host.domains_lock().lock().await;
    let wrap = |words: Words| Reply::failed(format!("Error creating domain: {words}"));
    let config = match prepare(host, &tree) {
        Ok(config) => config,
        Err(words) => return wrap(words),
    };
    host.pass_build_time(&config.name).await;
    if lacks_memory(&host.state(), &config).is_some() {
        tokio::time::sleep(host.facts().memory_wait).await;
    }
    let mut state = host.state();
    let domid = match number(&mut state, &config) {
        Ok(domid) => domid,
        Err(words) => return wrap(words),
    };
    let config = match config.boot_early(&mut state) {
        Ok(config) => config,
        Err(words) => return wrap(words),
    };
    let mut active = match build(&mut state, domid, &config) {
        Ok(mut active) => {
            host.bury_devices(&mut active);
            active
        }
        Err(words) => {
            state.note_failed(domid);
            return wrap(words);
        }
    };
    if state.facts.refreshed_at_once {
        active.refreshed = true;
    }
    let name = config.name.clone();
    let config = built(&state, config);
    if host.facts().shared_names {
        rename_twins(&mut state, &config);
    }
    let key = state.add_active(config, active);
    if host.facts().console_at_once && has_disk_or_interface(&state, key) {
        console::update_consoles(&mut state, key, console::Console::Configured);
    }
    let mut out = Writer::new(host.facts().empty);
    if let Some(domain) = state.get(key) {
        document::domain(&mut out, domain, host.facts());
    }
    Reply::Created {
        name,
        body: out.finish(),
    }
}

/// Domains of one uuid share their place in the store, and with it the name.
fn rename_twins(state: &mut State, config: &Config) {
    let twins: Vec<Key> = state
        .active_keys()
        .filter(|key| {
            let other = state.get(*key);
            other.is_some_and(|other| other.config.uuid == config.uuid)
        })
        .collect();
    for key in twins {
        state.rename(key, &config.name);
    }
}

/// `op=new` with `config`: an inactive domain, or another configuration of it.
pub(super) fn new(host: &SimHost, form: &Form) -> Reply {
    let tree = match expression(form) {
        Ok(tree) => tree,
        Err(words) => return Reply::failed(words),
    };
    let mut state = host.state();
    let config = read_config(&mut state, &tree);
    let config = config.and_then(|config| {
        check_name(&state, &config.name, &config.uuid)?;
        Ok(config)
    });
    match config {
        Ok(config) => {
            state.define(config);
            Reply::Empty
        }
        Err(words) => Reply::failed(format!("Error creating domain: {words}")),
    }
}

/// `op=start` of an inactive domain: builds it, waits for its devices, lets it
/// run.
pub(super) async fn start(host: &SimHost, key: Key) -> Reply {
    let outcome = start_inactive(host, key).await;
    let outcome = match outcome {
        Ok(()) => devices::wait(host, key).await.map(|_| ()),
        Err(words) => Err(words),
    };
    let mut state = host.state();
    match outcome {
        Ok(()) => {
            super::list::refresh(&mut state, key);
            state.let_run(key);
            Reply::Accepted
        }
        Err(words) => {
            let running = words == ALREADY;
            if !running {
                state.destroy(key);
            }
            Reply::failed(words)
        }
    }
}

const ALREADY: &str = "Domain is already running";

async fn start_inactive(host: &SimHost, key: Key) -> Result<(), Words> {
    let _lock = host.domains_lock().lock().await;
    let config = host
        .state()
        .get(key)
        .map(|d| (d.config.clone(), d.active.is_some()));
    let Some((config, active)) = config else {
        return Ok(());
    };
    if active {
        return Err(ALREADY.to_owned());
    }
    host.pass_build_time(&config.name).await;
    let mut state = host.state();
    let domid = number(&mut state, &config)?;
    let mut active = build(&mut state, domid, &config).inspect_err(|_| state.note_failed(domid))?;
    host.bury_devices(&mut active);
    let config = built(&state, config);
    if let Some(domain) = state.get_mut(key) {
        domain.config = config;
    }
    state.activate(key, active);
    Ok(())
}

/// `op=reset`: destroys the domain and builds it again.
pub(super) async fn reset(host: &SimHost, key: Key) -> Reply {
    let (config, managed) = {
        let mut state = host.state();
        match super::domid(&state, key) {
            Some(0) => return Reply::failed("Cannot reset privileged domain Domain-0"),
            Some(_) => {}
            None => {
                let name = state.get(key).map(|d| d.config.name.clone());
                return Reply::failed(format!(
                    "Domain '{}' is not started",
                    name.unwrap_or_default()
                ));
            }
        }
        let Some(config) = state.get(key).map(|d| d.config.clone()) else {
            return Reply::Accepted;
        };
        let managed = state.is_managed(key);
        state.destroy(key);
        (config, managed)
    };
    host.pass_build_time(&config.name).await;
    let mut state = host.state();
    let Ok(domid) = number(&mut state, &config) else {
        return Reply::Accepted;
    };
    if let Ok(active) = build(&mut state, domid, &config) {
        let config = built(&state, config);
        let key = if managed {
            state.activate(key, active);
            key
        } else {
            state.add_active(config, active)
        };
        state.let_run(key);
    }
    Reply::Accepted
}

/// Reads a configuration, and counts it.
fn read_config(state: &mut State, tree: &Sxpr) -> Result<Config, Words> {
    let facts = state.facts;
    state.configs_read = state.configs_read.saturating_add(1);
    let mut config = Config::read(tree, &facts, &mut state.entropy)?;
    config.listings = state.configs_read.saturating_add(1);
    Ok(config)
}

/// Reads the expression and does the checks that come before a build.
fn prepare(host: &SimHost, tree: &Sxpr) -> Result<Config, Words> {
    let mut state = host.state();
    let facts = state.facts;
    let config = read_config(&mut state, tree)?;
    if !facts.inactive {
        check_name(&state, &config.name, &config.uuid)?;
        config.check_early(&facts)?;
        return Ok(config);
    }
    let mut other = find(&state, &config.name).and_then(|key| super::domid(&state, key));
    if other.is_none() && facts.uuid_unique {
        other = find(&state, &config.uuid).and_then(|key| super::domid(&state, key));
    }
    if let Some(domid) = other.filter(|_| facts.tells_existing) {
        return Err(format!(
            "Domain '{}' already exists with ID '{domid}'",
            config.name
        ));
    }
    check_name(&state, &config.name, &config.uuid)?;
    Ok(config)
}

/// The number of a new domain, if the hypervisor takes it.
fn number(state: &mut State, config: &Config) -> Result<u32, Words> {
    if behaviour::is_refused(&config.name) {
        return Err(state.facts.refused.replace("%s", &config.name));
    }
    Ok(state.take_domid())
}

fn has_disk_or_interface(state: &State, key: Key) -> bool {
    state.get(key).is_some_and(|domain| {
        let devices = &domain.config.devices;
        !devices.disks.is_empty() || !devices.interfaces.is_empty()
    })
}

/// The `config` parameter as an expression.
fn expression(form: &Form) -> Result<Sxpr, Words> {
    let Some(text) = form.get("config") else {
        return Err(
            "Configuration error 'NoneType' object has no attribute '__getitem__'".to_owned(),
        );
    };
    match read(text, Limits::default()) {
        Ok(tree) => Ok(tree),
        Err(error) => Err(match error.kind {
            ReadErrorKind::Empty => "Configuration error list index out of range".to_owned(),
            ReadErrorKind::OpenList { .. } => "Invalid configuration unexpected EOF".to_owned(),
            ReadErrorKind::OpenQuote { .. } => {
                "Invalid configuration unterminated string".to_owned()
            }
            ReadErrorKind::UnexpectedClose => "Invalid configuration syntax error: )".to_owned(),
            other => format!("Invalid configuration {other}"),
        }),
    }
}
