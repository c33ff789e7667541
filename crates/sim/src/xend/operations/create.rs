//! Making domains: create, new, start, reset, and the build itself.
//!
//! Numbers are used up by builds that fail, as on a real host.

use virtxen_formats::sxpr::{Limits, ReadErrorKind, Sxpr, read};

use super::lifecycle::check_name;
use super::{console, devices, find};
use crate::release::{Facts, Release};
use crate::state::{Active, Key, SimHost, State, behaviour};
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
    let facts = state.facts;
    let config = Config::read(&tree, &facts, &mut state.entropy);
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

/// Builds a domain: what can fail once it has a number.
///
/// # Errors
/// XenD's words.
pub(crate) fn build(state: &mut State, domid: u32, config: &Config) -> Result<Active, Words> {
    if state.facts.inactive {
        boot_loader(config, "no disks are bootable")?;
    } else if boots_early(&state.facts, config) {
        boot_loader(config, "can't find disk")?;
    } else {
        config.check_early_image(&state.facts)?;
        super::early::check_disks(config, &state.facts)?;
    }
    if let Some(kind) = &config.image_type {
        return Err(format!("unknown image type: {kind}"));
    }
    check_kernel(config, &state.facts)?;
    if let Some(words) = config.build_words {
        return Err(words.to_owned());
    }
    if let Some(need) = lacks_memory(state, config) {
        return Err(state.no_memory(need));
    }
    let kernel = if config.hvm { "" } else { &config.kernel };
    if behaviour::build_fails(&config.name) {
        return Err("(-1, 'Internal error', 'xc_dom_find_loader: no loader found')".to_owned());
    }
    let direct = !config.hvm && config.bootloader.is_empty() && state.facts.inactive;
    if direct && !behaviour::exists(kernel) {
        return Err("(2, 'Invalid kernel', 'xc_dom_find_loader: no loader found')".to_owned());
    }
    check_hvm(config, &state.facts)?;
    let mut active = Active::new(domid, config);
    devices::create_all(state, &mut active, config)?;
    Ok(active)
}

/// The memory, in MiB, that a domain needs when the host has not got it.
fn lacks_memory(state: &State, config: &Config) -> Option<i64> {
    let mut required = config.dynamic_max;
    if state.facts.reserves_tables {
        // Four kilobytes for each megabyte, in whole megabytes.
        required += config.static_max.saturating_mul(4).saturating_add(1023) / 1024;
    }
    (required > state.free_memory()).then_some(required)
}

/// What fails in the build of a fully virtualised domain.
fn check_hvm(config: &Config, facts: &Facts) -> Result<(), Words> {
    if !config.hvm {
        return Ok(());
    }
    if facts.timer_mode_needed && !config.platform.has("timer_mode") {
        return Err("long() argument must be a string or a number, not 'NoneType'".to_owned());
    }
    let missing = |name: &str| {
        config
            .setting(name)
            .is_some_and(|path| !behaviour::exists(path))
    };
    if facts.loader_words && missing("loader") {
        return Err("(2, 'No such file or directory')".to_owned());
    }
    if facts.model_needed_to_build && missing("device_model") {
        return Err(super::NOT_ACTIVE.to_owned());
    }
    Ok(())
}

/// Up to 3.4 XenD looks itself for what it is going to boot.
fn check_kernel(config: &Config, facts: &Facts) -> Result<(), Words> {
    let loader = config.hvm && facts.loader_setting;
    if !facts.kernel_checked || !config.bootloader.is_empty() || loader {
        return Ok(());
    }
    let kernel = &config.kernel;
    if !behaviour::exists(kernel) {
        return Err(format!("Kernel image does not exist: {kernel}"));
    }
    if !config.ramdisk.is_empty() && !behaviour::exists(&config.ramdisk) {
        return Err(format!("Kernel ramdisk does not exist: {}", config.ramdisk));
    }
    Ok(())
}

/// 3.0.3 runs the boot loader itself; before, `xm` does and XenD wants its result.
fn boots_early(facts: &Facts, config: &Config) -> bool {
    !facts.inactive && facts.release >= Release::V3_0_3 && !config.bootloader.is_empty()
}

/// A domain without a kernel gets XenD's own boot loader.
fn boot_loader(config: &Config, no_disk: &str) -> Result<(), Words> {
    if config.hvm || config.bootloader.is_empty() && !config.kernel.is_empty() {
        return Ok(());
    }
    if !config.bootloader.is_empty() && !behaviour::exists(&config.bootloader) {
        return Err("Bootloader isn't executable".to_owned());
    }
    let disk = config.devices.in_order().into_iter().find(|device| {
        matches!(device.class.as_str(), "vbd" | "tap" | "tap2")
            && device.get("bootable").unwrap_or("1") != "0"
    });
    let Some(disk) = disk else {
        return Err(format!("Had a bootloader specified, but {no_disk}"));
    };
    if disk
        .get("uname")
        .is_some_and(|name| name.contains("bootfail"))
    {
        return Err("Boot loader didn't return any data!".to_owned());
    }
    Ok(())
}

/// The image that the boot loader of 3.0.3 made: it takes the place of the one that
/// was sent.
fn booted_image(config: &Config) -> Sxpr {
    let suffix = config.uuid.get(..6).unwrap_or("XXXXXX");
    let file = |what: &str| format!("/var/run/xend/boot/boot_{what}.{suffix}");
    Sxpr::named(
        "linux",
        vec![
            Sxpr::pair("kernel", file("kernel")),
            Sxpr::pair("ramdisk", file("ramdisk")),
            Sxpr::pair("args", "root=/dev/xvda1 ro quiet "),
        ],
    )
}

/// What a configuration knows once it was built.
pub(super) fn built(state: &State, config: Config) -> Config {
    let mut config = config;
    if boots_early(&state.facts, &config) {
        config.image = Some(booted_image(&config));
    }
    config.start_time = Some(state.now());
    config.notes = true;
    remember_numbers(&mut config);
    if state.facts.pci_shown {
        config.platform.set("pci", Sxpr::list(Vec::new()));
    }
    if config.hvm {
        config.shadow_memory = config.shadow_memory.max(state.facts.hvm_shadow);
    }
    config
}

/// XenD notes the number of each device in its configuration.
fn remember_numbers(config: &mut Config) {
    let mut next_interface = 0_i64;
    for uuid in config.devices.ordered() {
        let Some(device) = config.devices.all.get_mut(uuid.as_str()) else {
            continue;
        };
        let number = match device.class.as_str() {
            "vif" => {
                next_interface += 1;
                next_interface - 1
            }
            "vbd" | "tap" | "tap2" => {
                let number = device.get("dev").and_then(crate::state::block_number);
                number.unwrap_or_default()
            }
            "console" => continue,
            _ => 0,
        };
        device.info.set("devid", Sxpr::atom(number.to_string()));
    }
}

/// Reads the expression and does the checks that come before a build.
fn prepare(host: &SimHost, tree: &Sxpr) -> Result<Config, Words> {
    let mut state = host.state();
    let facts = state.facts;
    let config = Config::read(tree, &facts, &mut state.entropy)?;
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
