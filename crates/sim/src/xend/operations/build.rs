//! Building a domain: what can fail once it has a number, and what XenD knows
//! of it afterwards.
//!
//! Numbers are used up by builds that fail, as on a real host.

use virtxen_formats::sxpr::Sxpr;

use super::devices;
use crate::release::{Facts, Release};
use crate::state::{Active, State, behaviour};
use crate::xend::config::{Config, Words};

/// Builds a domain: what can fail once it has a number.
///
/// # Errors
/// XenD's words.
pub(crate) fn build(state: &mut State, domid: u32, config: &Config) -> Result<Active, Words> {
    if state.facts.inactive || boots_early(&state.facts, config) {
        boot_loader(config, state.facts.no_boot_disk)?;
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
    let direct = !config.hvm && !loads_kernel(&state.facts, config) && state.facts.inactive;
    if direct && !behaviour::exists(kernel) {
        return Err("(2, 'Invalid kernel', 'xc_dom_find_loader: no loader found')".to_owned());
    }
    check_hvm(config, &state.facts)?;
    let mut active = Active::new(domid, config);
    let connects = active.created + state.timing.connect;
    devices::create_all(&state.facts, connects, &mut active, config)?;
    Ok(active)
}

/// The memory, in MiB, that a domain needs when the host has not got it.
pub(super) fn lacks_memory(state: &State, config: &Config) -> Option<i64> {
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
    if !facts.kernel_checked || loads_kernel(facts, config) || loader {
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

/// Whether the kernel is what a boot loader found, the guest's or XenD's own.
fn loads_kernel(facts: &Facts, config: &Config) -> bool {
    let own = facts.inactive && !config.hvm && config.kernel.is_empty();
    own || !config.bootloader.is_empty()
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
    let suffix: String = config.uuid.chars().take(6).collect();
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
    if config.hvm && state.facts.offset_lost {
        // XenD writes it to the store and then looks for it among other entries.
        config.platform.set("rtc_timeoffset", Sxpr::atom("0"));
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
