//! Which release of XenD does what.
//!
//! A line says from which release to which a thing was so; what the lines mean
//! is in `facts`.

use std::time::Duration;

use virtxen_formats::sxpr::EmptyAtom;

use super::Release;
use super::facts::Facts;

/// A simulated guest is up in an instant, so what is "too soon" for a restart is
/// this part of the 20 s and 60 s that real XenD allows for booting.
const TEMPO: u32 = 12;

impl Facts {
    /// The facts of a release.
    #[expect(clippy::too_many_lines, reason = "a table: a line a fact")]
    pub(crate) fn of(release: Release) -> Self {
        use Release::{V3_0_1, V3_0_4, V3_1, V3_2, V3_3, V3_4, V4_0, V4_1};
        let since = |first: Release| release >= first;
        Self {
            release,
            inactive: since(V3_0_4),
            lists_running: since(V3_0_4),
            uuid_lookup: since(V3_0_4),
            empty: if since(V4_1) {
                EmptyAtom::Quotes
            } else {
                EmptyAtom::Nothing
            },
            refreshed_at_once: release == Release::V3_0_3,
            description: since(V4_0),
            vcpus_needed: since(V3_3),
            cpus_shown: since(V3_4),
            hvm_without_boot: !since(V3_1),
            sdl_makes_vfb: release == V3_1 || release == V3_2 || release == V3_3,
            vfb_type: !since(V3_4),
            uuid_checked: since(V3_0_4),
            actions_checked: since(V3_0_4),
            core_dump_actions: since(V3_3),
            memory_checked: since(V3_1),
            memory_needed: release == V3_0_4,
            named_by_uuid: release == V3_0_4,
            target_unchecked: release == V3_0_4,
            vcpus_free: release == V3_0_4,
            image_vfb: since(V3_1),
            vfb_display_broken: release == V3_0_4,
            vfb_uuid: since(V3_1),
            device_model_default: since(V3_1),
            device_model_checked: since(V4_0),
            platform_defaults: if since(V4_0) {
                &[("tsc_mode", "0"), ("nomigrate", "0")]
            } else {
                &[]
            },
            hvm_defaults: if since(V3_4) {
                &[
                    ("timer_mode", "1"),
                    ("viridian", "0"),
                    ("rtc_timeoffset", "0"),
                    ("hpet", "0"),
                    ("xen_platform_pci", "1"),
                    ("vpt_align", "1"),
                ]
            } else if release == V3_3 {
                &[("timer_mode", "0"), ("rtc_timeoffset", "0"), ("hpet", "0")]
            } else {
                &[]
            },
            loader_setting: since(V3_3),
            tap_checked: since(V3_2),
            duplicates_checked: since(V3_2),
            bootable: since(V3_1),
            tap_bootable: since(V3_1),
            weight_first: since(V4_0),
            weight_late: release == V3_0_4 || release == V3_1,
            vdi: since(V3_3),
            protocol: since(V3_2),
            protocol_shown: since(V3_3),
            superpages: since(V4_0),
            pci_shown: since(V4_0),
            script_path: since(V3_4),
            interface_type: release == V3_1,
            uuid_unique: since(V3_2),
            slash_in_names: !since(V4_0),
            restart_after: Duration::from_secs(if since(V3_4) { 60 } else { 20 }) / TEMPO,
            vcpus_limited: since(V3_4),
            detach_needs_all: since(V3_3),
            console_at_once: since(V4_1),
            dump_needs_reset: since(V3_4),
            weight_checked: since(V3_0_4),
            list_waits: !since(V4_1),
            control_domain_guarded: since(V3_0_4),
            invalid_reason: "Invalid reason: %s",
            missing_name: if since(V3_0_4) {
                "Missing VM Name"
            } else {
                "missing vm name"
            },
            invalid_name: if since(V3_0_4) {
                "Invalid VM Name"
            } else {
                "invalid vm name"
            },
            no_memory: if since(V3_3) {
                "Not enough free memory and enable-dom0-ballooning is False, so I cannot release any more.  I need %need KiB but only have %have."
            } else if release == V3_0_1 {
                "The privileged domain did not balloon!"
            } else {
                "I need %need KiB, but dom0_min_mem is 200704 and shrinking to 200704 KiB would leave only %shrunk KiB free."
            },
            memory_wait: if since(V3_2) {
                Duration::ZERO
            } else if release == V3_0_1 {
                Duration::from_secs(5)
            } else {
                Duration::from_secs(300)
            },
            sdl_location: release == V3_2,
            screen_address: if release == V3_2 || release == V3_3 {
                "localhost"
            } else {
                "127.0.0.1"
            },
            loader_words: since(V3_3) && !since(V4_0),
            model_needed_to_build: release == V3_4,
            shared_names: !since(V3_2),
            single_names: !since(V3_0_4),
            refused: if since(V3_2) {
                "Creating domain failed: name=%s"
            } else {
                "(12, 'Cannot allocate memory')"
            },
            weight_words: if since(V4_0) {
                "Cpu weight out of range, valid values are within range from 1 to 65535"
            } else {
                "weight is out of range"
            },
            hvm_shadow: 2,
            credit: release > V3_0_1,
            migrate_parameters: if since(V4_0) {
                &[
                    "destination",
                    "live",
                    "port",
                    "node",
                    "ssl",
                    "change_home_server",
                ]
            } else {
                &["destination", "live", "port"]
            },
            hotplug_limit: Duration::from_secs(if release == V3_0_1 { 10 } else { 100 }),
            device_words_number: since(V3_2),
            configure_broken: since(V4_0),
            configure_words: (release == V3_0_4).then_some("global name 'sxpr' is not defined"),
            no_boot_disk: if since(V3_1) {
                "no disks are bootable"
            } else {
                "can't find disk"
            },
            not_halted: if since(V3_1) {
                "Domain is not halted."
            } else {
                "Domain is still running"
            },
            consoles: since(V3_1),
            pin_refused: release > V3_0_1 && !since(V3_4),
            limit_checked: !since(V3_3),
            no_vcpus: if since(V3_4) {
                "Zero or less VCPUs is invalid"
            } else {
                "Invalid VCPUs"
            },
            inactive_vcpus: since(V3_2) || release == V3_0_4,
            inactive_scheduler: since(V3_3),
            inactive_vcpu_info: since(V3_2),
            inactive_attach: since(V3_2),
            inactive_detach: since(V3_2),
            detach_config: since(V3_3),
            cap_settable: since(V3_2),
            kernel_checked: !since(V4_0),
            device_model: if since(V4_0) || release == V3_1 {
                "/usr/lib/xen/bin/qemu-dm"
            } else {
                "/usr/lib64/xen/bin/qemu-dm"
            },
            vfb_device_model: since(V3_2),
            config_devices_shown: since(V4_0),
            bootable_stored: since(V3_4),
            bootable_twice: release == V3_4,
            extended_disks: since(V3_3),
            rate_parsed: since(V3_4),
            no_pci_device: if since(V4_0) {
                Some(
                    "pci: failed to locate device and parse its resources - %device: the device doesn't exist?",
                )
            } else if since(V3_3) {
                Some(
                    "pci: failed to locate device and parse it's resources - [Errno 2] No such file or directory: '/sys/bus/pci/devices/%device/config'",
                )
            } else if since(V3_2) {
                Some(
                    "pci: failed to locate device and parse it's resources - Error Parsing PCI Device Info: Failed to open & read /sys/bus/pci/devices/%device/resource: No such file or directory (2)",
                )
            } else {
                None
            },
            pci_configurable: since(V3_3),
            uname_needed: since(V3_3),
            reset: since(V3_3),
            timer_mode_needed: release == V3_2,
            cpu_list_words: if release == V3_0_4 {
                Some("'list' object has no attribute 'split'")
            } else if release == V3_2 {
                Some("int() argument must be a string or a number, not 'list'")
            } else if release == V3_1 {
                Some("(22, 'Invalid argument')")
            } else {
                None
            },
            offset_shown: release == V3_1,
            attached_pci_hides: release == V3_0_4,
            offset_lost: release == V3_3,
            tells_existing: since(V3_2),
            restore_checked: since(V3_3),
            first_restart_free: !since(V3_4),
            reserves_tables: release == V3_3 || release == V3_4,
            backend_first: !since(V3_2),
            pv_vnc_location: since(V3_2),
            vfb_keymap: since(V4_0),
            vfb_kind: since(V3_2),
            dynamic_memory_shown: release == V3_0_4,
            detach_waits: since(V3_3),
            refused_connection: if since(V3_3) {
                "can't connect: [Errno 111] Connection refused"
            } else {
                "can't connect: Connection refused"
            },
            dump_words: if since(V3_3) {
                "Failed to dump core: (2, 'No such file or directory')"
            } else {
                "[Errno 2] No such file or directory"
            },
            garbage_words: if since(V3_2) || release == V3_0_1 {
                "not a valid guest state file: signature read"
            } else {
                "Restore failed"
            },
        }
    }
}
