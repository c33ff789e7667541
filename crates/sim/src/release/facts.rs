//! What releases of XenD differ in, a field a difference.
//!
//! Which release does what is in `table`.

use std::time::Duration;

use virtxen_formats::sxpr::EmptyAtom;

use super::Release;

/// What a release does, where releases differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) release: Release,
    /// XenD keeps domains that are not active.
    pub(crate) inactive: bool,
    /// The domain list shows the running only.
    pub(crate) lists_running: bool,
    /// A domain can be looked up by its uuid.
    pub(crate) uuid_lookup: bool,
    /// How an empty text is written.
    pub(crate) empty: EmptyAtom,
    /// A create answers with what the hypervisor says of the domain.
    pub(crate) refreshed_at_once: bool,
    /// Domains have a description.
    pub(crate) description: bool,
    /// An expression without vcpus fails.
    pub(crate) vcpus_needed: bool,
    /// `cpus` is shown, one list a vcpu.
    pub(crate) cpus_shown: bool,
    /// An HVM image is known by its name, not by its boot order.
    pub(crate) hvm_without_boot: bool,
    /// `(sdl 1)` of an HVM image makes a frame buffer.
    pub(crate) sdl_makes_vfb: bool,
    /// A frame buffer has `(type vnc)`, not `(vnc 1)`.
    pub(crate) vfb_type: bool,
    /// A uuid must be one.
    pub(crate) uuid_checked: bool,
    /// Names of actions are checked.
    pub(crate) actions_checked: bool,
    /// `coredump-destroy` and `coredump-restart` exist.
    pub(crate) core_dump_actions: bool,
    /// Memory settings are checked against each other.
    pub(crate) memory_checked: bool,
    /// A domain without memory is refused.
    pub(crate) memory_needed: bool,
    /// A domain without a name is named by its uuid.
    pub(crate) named_by_uuid: bool,
    /// A memory target is written down, whatever there is.
    pub(crate) target_unchecked: bool,
    /// Any number of vcpus is taken and becomes the maximum.
    pub(crate) vcpus_free: bool,
    /// `(vnc 1)` of an HVM image makes a frame buffer.
    pub(crate) image_vfb: bool,
    /// The display of a frame buffer is added to a number, which fails.
    pub(crate) vfb_display_broken: bool,
    /// The store has the uuid of each frame buffer, and its keymap.
    pub(crate) vfb_uuid: bool,
    /// A domain with graphics gets a device model by itself.
    pub(crate) device_model_default: bool,
    /// The device model must exist when a domain is defined.
    pub(crate) device_model_checked: bool,
    /// Settings of every domain.
    pub(crate) platform_defaults: &'static [(&'static str, &'static str)],
    /// Settings of fully virtualised domains.
    pub(crate) hvm_defaults: &'static [(&'static str, &'static str)],
    /// The loader is a setting, no longer the kernel.
    pub(crate) loader_setting: bool,
    /// The kind of a tap disk is checked.
    pub(crate) tap_checked: bool,
    /// The same disk or address twice is refused.
    pub(crate) duplicates_checked: bool,
    /// Disks say whether they are booted from.
    pub(crate) bootable: bool,
    /// So do tap disks.
    pub(crate) tap_bootable: bool,
    /// Weight and cap are shown, first of all.
    pub(crate) weight_first: bool,
    /// Weight and cap are shown after `vcpu_avail`.
    pub(crate) weight_late: bool,
    /// Disks say which VDI they are.
    pub(crate) vdi: bool,
    /// Front ends say which protocol they speak.
    pub(crate) protocol: bool,
    /// So do disks when they are shown.
    pub(crate) protocol_shown: bool,
    /// The image shows superpages.
    pub(crate) superpages: bool,
    /// A started domain shows its (empty) list of PCI devices.
    pub(crate) pci_shown: bool,
    /// The script of an interface is shown with its folder.
    pub(crate) script_path: bool,
    /// An interface gets a type.
    pub(crate) interface_type: bool,
    /// A uuid that is in use is refused.
    pub(crate) uuid_unique: bool,
    /// Slashes are allowed in names.
    pub(crate) slash_in_names: bool,
    /// How long a domain must have run to be started again.
    pub(crate) restart_after: Duration,
    /// More vcpus than the maximum are refused.
    pub(crate) vcpus_limited: bool,
    /// `force` and `rm_cfg` are needed to detach a device.
    pub(crate) detach_needs_all: bool,
    /// The console is there when a create answers.
    pub(crate) console_at_once: bool,
    /// A core dump needs `reset`.
    pub(crate) dump_needs_reset: bool,
    /// Weights and caps out of range are refused.
    pub(crate) weight_checked: bool,
    /// The domain list waits for a build.
    pub(crate) list_waits: bool,
    /// Domain-0 is not shut down.
    pub(crate) control_domain_guarded: bool,
    /// Words for a reason that there is not.
    pub(crate) invalid_reason: &'static str,
    /// Words for a name that is empty.
    pub(crate) missing_name: &'static str,
    /// Words for a name that is none.
    pub(crate) invalid_name: &'static str,
    /// Words for a host without enough memory.
    pub(crate) no_memory: &'static str,
    /// Words for a domain that the hypervisor refuses.
    pub(crate) refused: &'static str,
    /// Words for a weight out of range.
    pub(crate) weight_words: &'static str,
    /// Shadow memory of a fully virtualised domain, in MiB.
    pub(crate) hvm_shadow: i64,
    /// The credit scheduler can be asked.
    pub(crate) credit: bool,
    /// Parameters of a migration.
    pub(crate) migrate_parameters: &'static [&'static str],
    /// How long XenD waits for a back end.
    pub(crate) hotplug_limit: Duration,
    /// A missing device is named by its number.
    pub(crate) device_words_number: bool,
    /// Changing a medium always fails.
    pub(crate) configure_broken: bool,
    /// Words for any change of a device, where each fails.
    pub(crate) configure_words: Option<&'static str>,
    /// Words for a boot loader without a disk.
    pub(crate) no_boot_disk: &'static str,
    /// Words for a domain that is deleted while it runs.
    pub(crate) not_halted: &'static str,
    /// Consoles are devices.
    pub(crate) consoles: bool,
    /// Pinnings are handed to the hypervisor as text, which refuses them; Xen 3.0.1
    /// reads them, in brackets or not.
    pub(crate) pin_refused: bool,
    /// A memory limit of nothing or less is refused in its own words.
    pub(crate) limit_checked: bool,
    /// Words for no vcpus at all.
    pub(crate) no_vcpus: &'static str,
    /// `set_vcpus` changes the maximum of an inactive domain.
    pub(crate) inactive_vcpus: bool,
    /// Inactive domains can be pinned and have their weight set.
    pub(crate) inactive_scheduler: bool,
    /// Inactive domains tell of their vcpus.
    pub(crate) inactive_vcpu_info: bool,
    /// Devices can be attached to inactive domains.
    pub(crate) inactive_attach: bool,
    /// Devices of inactive domains can be detached.
    pub(crate) inactive_detach: bool,
    /// Detaching changes the configuration as well.
    pub(crate) detach_config: bool,
    /// The cap can be set, and is shown with the weight once it was.
    pub(crate) cap_settable: bool,
    /// The kernel is looked for before the build.
    pub(crate) kernel_checked: bool,
    /// Where the device model is that XenD adds by itself.
    pub(crate) device_model: &'static str,
    /// A domain with a frame buffer has a device model, too.
    pub(crate) vfb_device_model: bool,
    /// Devices of a class that is not in the store are shown from the
    /// configuration.
    pub(crate) config_devices_shown: bool,
    /// The store has each disk's `bootable`.
    pub(crate) bootable_stored: bool,
    /// `bootable` is added even if the store had it.
    pub(crate) bootable_twice: bool,
    /// Disks beyond `xvdp` have numbers.
    pub(crate) extended_disks: bool,
    /// The rate of an interface is stored in numbers.
    pub(crate) rate_parsed: bool,
    /// Words for a PCI device that there is not; `None` takes any.
    pub(crate) no_pci_device: Option<&'static str>,
    /// PCI devices can be changed.
    pub(crate) pci_configurable: bool,
    /// Block devices need a file when they are attached.
    pub(crate) uname_needed: bool,
    /// `op=reset` exists.
    pub(crate) reset: bool,
    /// HVM guests need a timer mode.
    pub(crate) timer_mode_needed: bool,
    /// How `cpus` as a list fails.
    pub(crate) cpu_list_words: Option<&'static str>,
    /// A domain with an attached PCI device cannot be shown any more.
    pub(crate) attached_pci_hides: bool,
    /// A clock offset is shown once XenD has looked at the domain.
    pub(crate) offset_shown: bool,
    /// A clock offset is forgotten by the build.
    pub(crate) offset_lost: bool,
    /// Name and number of a domain that is in use are told first.
    pub(crate) tells_existing: bool,
    /// A domain that exists already is not restored.
    pub(crate) restore_checked: bool,
    /// Only a second restart can be too soon.
    pub(crate) first_restart_free: bool,
    /// Virtualisation tables are reserved for every domain.
    pub(crate) reserves_tables: bool,
    /// The back end's domain comes first in a front end's folder.
    pub(crate) backend_first: bool,
    /// Frame buffers of paravirtualised domains tell where they listen.
    pub(crate) pv_vnc_location: bool,
    /// The keyboard of an HVM image goes to its frame buffer.
    pub(crate) vfb_keymap: bool,
    /// A frame buffer made from an image says its kind.
    pub(crate) vfb_kind: bool,
    /// How long XenD tries to get memory, with its domains locked.
    pub(crate) memory_wait: Duration,
    /// A screen of SDL has a place, too.
    pub(crate) sdl_location: bool,
    /// Where a screen listens that does not say where.
    pub(crate) screen_address: &'static str,
    /// A missing loader fails in the build.
    pub(crate) loader_words: bool,
    /// A missing device model fails in the build.
    pub(crate) model_needed_to_build: bool,
    /// Domains of one uuid share their name.
    pub(crate) shared_names: bool,
    /// A name that several domains have is nobody's.
    pub(crate) single_names: bool,
    /// Memory is shown among the fields, and once more after the status.
    pub(crate) dynamic_memory_shown: bool,
    /// Detaching waits for the back end.
    pub(crate) detach_waits: bool,
    /// Words when nobody takes a migration.
    pub(crate) refused_connection: &'static str,
    /// Words when a core file cannot be written.
    pub(crate) dump_words: &'static str,
    /// Words for a file that was not saved by XenD.
    pub(crate) garbage_words: &'static str,
}
