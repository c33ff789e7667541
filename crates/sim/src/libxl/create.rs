//! Starting guests, from their configuration or from a stream. They are paused then.

use super::config::{self, Kept, section};
use super::device::{self, Json};
use super::domain::SLACK;
use super::log::{FAIL, INVALID, NO_MEMORY, Wrong};
use super::{Answer, pci, stream};
use crate::state::behaviour::{self, Hotplug};
use crate::state::{Active, Key, SimHost, State};
use crate::xend::config::Config;
use serde_json::Value;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::time::Instant;
use virtxen_libxl::Outcome;

/// How long libxl waits for the scripts of a device: a tenth of what real libxl does.
pub(super) const HOTPLUG_LIMIT: Duration = Duration::from_secs(1);

/// Starts a guest.
pub(super) async fn create(host: &SimHost, config: &str, document: Option<String>) -> Answer {
    let wrong = |wrong: Wrong| wrong.in_call("domain_create_new");
    let (config, kept) = read(host, config, document).map_err(wrong)?;
    host.pass_build_time(&config.name).await;
    start(host, config, kept).await.map_err(wrong)
}

/// Starts a guest from a stream.
pub(super) async fn restore(
    host: &SimHost,
    config: &str,
    document: Option<String>,
    stream: OwnedFd,
    version: u32,
) -> Answer {
    let wrong = |wrong: Wrong| wrong.in_call("domain_create_restore");
    let (config, kept) = read(host, config, document).map_err(wrong)?;
    let read = stream::read(stream, version).await;
    read.map_err(|why| wrong(Wrong::failed(why).then("restore failed")))?;
    start(host, config, kept).await.map_err(wrong)
}

fn read(host: &SimHost, text: &str, document: Option<String>) -> Result<(Config, Kept), Wrong> {
    let mut state = host.state();
    let (config, kept) = config::read(text, &mut state.entropy)?;
    Ok((config, Kept { document, ..kept }))
}

async fn start(host: &SimHost, config: Config, kept: Kept) -> Result<Outcome, Wrong> {
    let (domid, key) = {
        let mut state = host.state();
        let mut active = build(&mut state, &config, kept)?;
        host.bury_devices(&mut active);
        let mut config = config;
        config.start_time = Some(state.now());
        (active.domid, state.add_active(config, active))
    };
    let mut half = Half {
        host,
        key: Some(key),
    };
    connected(host, key).await?;
    half.key = None;
    Ok(Outcome::Started { domid })
}

/// A guest that is destroyed unless all of it comes to be: its start may be aborted.
struct Half<'a> {
    host: &'a SimHost,
    key: Option<Key>,
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.host.state().destroy(key);
        }
    }
}

/// Builds a guest: what can fail once it has a number.
fn build(state: &mut State, config: &Config, kept: Kept) -> Result<Active, Wrong> {
    let taken = state.by_name(&config.name).and_then(|key| state.get(key));
    if let Some(taken) = taken.and_then(|domain| domain.active.as_ref()) {
        let line = format!("Domain with name \"{}\" already exists.", config.name);
        let line = format!("Domain {}:{line}", taken.domid);
        return Err(Wrong::new(INVALID, line).then("cannot make domain: -6"));
    }
    if behaviour::is_refused(&config.name) {
        return Err(
            Wrong::failed("domain creation fail: Cannot allocate memory")
                .then("cannot make domain: -3"),
        );
    }
    let domid = state.take_domid();
    let failed = |line: String| {
        Wrong::failed(format!("Domain {domid}:{line}"))
            .then(format!("Domain {domid}:cannot (re-)build domain: -3"))
    };
    let direct = !config.kernel.is_empty();
    for file in [&config.kernel, &config.ramdisk] {
        if direct && !file.is_empty() && !behaviour::exists(file) {
            let line = format!("xc_dom_kernel_file failed: {file}: No such file or directory");
            return Err(failed(line));
        }
    }
    if behaviour::build_fails(&config.name) {
        return Err(failed(
            "xc_dom_parse_image failed: Invalid kernel".to_owned(),
        ));
    }
    let disks: Vec<Json> = objects(&kept, "disks");
    if kept.kind != "hvm" && !direct {
        boot_loader(config, &disks).map_err(|line| failed(line.to_owned()))?;
    }
    if config.dynamic_max > state.free_memory() {
        let line = format!("Domain {domid}:xc_dom_boot_mem_init failed: Out of memory");
        return Err(Wrong::new(NO_MEMORY, line)
            .then(format!("Domain {domid}:cannot (re-)build domain: -5")));
    }
    let mut active = Active::new(domid, config);
    active.limit = config.dynamic_max + SLACK;
    active.soft_affinity = config::soft_affinity(&kept);
    plug_all(state, &mut active, kept)?;
    Ok(active)
}

fn boot_loader(config: &Config, disks: &[Json]) -> Result<(), &'static str> {
    let Some(first) = disks.first() else {
        return Err("Cannot run bootloader with no disks");
    };
    let broken =
        super::config::text_of(first, "pdev_path").is_some_and(|it| it.contains("bootfail"));
    if !config.bootloader.is_empty() && broken {
        return Err("bootloader failed - consult logfile /var/log/xen/bootloader.log");
    }
    Ok(())
}

/// Puts the devices of a configuration into XenStore.
fn plug_all(state: &mut State, active: &mut Active, mut kept: Kept) -> Result<(), Wrong> {
    let at = active.created + state.timing.connect;
    let mut disks = objects(&kept, "disks");
    for disk in &mut disks {
        device::disk(active, disk, at)?;
    }
    let mut nics = objects(&kept, "nics");
    for nic in &mut nics {
        device::nic(active, nic, at, &mut state.entropy)?;
    }
    for device in objects(&kept, "pcidevs") {
        let device = pci::plug(state, active.domid, &device, at)?;
        active.devices.push(device);
    }
    match kept.kind.as_str() {
        "pv" => {
            for screen in objects(&kept, "vfbs") {
                device::plain(active, "vfb", device::screen(&screen));
            }
            for keyboard in objects(&kept, "vkbs") {
                device::plain(active, "vkbd", device::keyboard(&keyboard));
            }
        }
        "hvm" => device::plain(active, "vkbd", Vec::new()),
        _ => {}
    }
    for (list, devices) in [("disks", disks), ("nics", nics)] {
        let devices = devices.into_iter().map(Value::Object);
        kept.change(list, |list| *list = devices.collect());
    }
    active.libxl = Some(Box::new(kept));
    Ok(())
}

/// Waits until the devices of a guest are connected.
pub(super) async fn connected(host: &SimHost, key: Key) -> Result<(), Wrong> {
    let devices: Vec<(String, Hotplug, Instant)> = {
        let state = host.state();
        let active = state.get(key).and_then(|domain| domain.active.as_ref());
        let Some(active) = active else {
            return Err(Wrong::failed("the domain was destroyed meanwhile"));
        };
        let path =
            |class: &str, id| format!("/local/domain/0/backend/{class}/{}/{id}", active.domid);
        let devices = active.devices.iter();
        devices
            .map(|it| (path(&it.class, it.id), it.hotplug, it.connects))
            .collect()
    };
    for (path, outcome, connects) in devices {
        tokio::time::sleep_until(connects).await;
        let line = match outcome {
            Hotplug::Connects => continue,
            Hotplug::Fails => "/etc/xen/scripts/block add [-1] exited with error status 1",
            Hotplug::Busy => "device is in use and so cannot be used",
            Hotplug::Never => {
                tokio::time::sleep(HOTPLUG_LIMIT).await;
                "Hotplug script add timed out"
            }
        };
        return Err(Wrong::new(FAIL, line).then(format!("unable to add device with path {path}")));
    }
    Ok(())
}

fn objects(kept: &Kept, list: &str) -> Vec<Json> {
    let devices = kept.devices(list).iter();
    devices.filter_map(|it| it.as_object().cloned()).collect()
}

/// The screen of a fully virtualized guest, or the first one of another.
pub(super) fn vnc_port(kept: &Kept, domid: u32) -> Option<i64> {
    let build = section(&kept.config, "b_info");
    let vnc = match kept.kind.as_str() {
        "hvm" => section(&section(&build, "type.hvm"), "vnc"),
        _ => section(objects(kept, "vfbs").first()?, "vnc"),
    };
    if !config::flag(&vnc, "enable") {
        return None;
    }
    let chosen = config::number(&vnc, "display").filter(|_| !config::flag(&vnc, "findunused"));
    Some(5900 + chosen.unwrap_or_else(|| i64::from(domid)))
}
