//! The dictionaries of XenD's configuration, release by release.
//!
//! Each is listed as XenD's source fills it; the replies have them in Python's
//! order, which is worked out once a release.

use std::sync::OnceLock;

use crate::release::Release;
use crate::xend::dict::literal_order;

/// XenD's own key, the reply's key, and the first release that has it.
type Field = (&'static str, &'static str, Release);

/// Fields of a domain that have a name of their own in XenD (from 3.1 on).
const FIELDS: &[Field] = &[
    ("uuid", "uuid", Release::V3_1),
    ("VCPUs_max", "vcpus", Release::V3_1),
    ("cpus", "cpus", Release::V3_1),
    ("name_label", "name", Release::V3_1),
    ("actions_after_shutdown", "on_poweroff", Release::V3_1),
    ("actions_after_reboot", "on_reboot", Release::V3_1),
    ("actions_after_crash", "on_crash", Release::V3_1),
    ("PV_bootloader", "bootloader", Release::V3_1),
    ("PV_bootloader_args", "bootloader_args", Release::V3_1),
    ("Description", "description", Release::V4_0),
    ("pool_name", "pool_name", Release::V4_1),
];

/// The same of 3.0.4.
const FIELDS_3_0_4: &[Field] = &[
    ("uuid", "uuid", Release::V3_0_4),
    ("vcpus_number", "vcpus", Release::V3_0_4),
    ("cpus", "cpus", Release::V3_0_4),
    ("memory_static_min", "memory", Release::V3_0_4),
    ("memory_static_max", "maxmem", Release::V3_0_4),
    ("name_label", "name", Release::V3_0_4),
    ("actions_after_shutdown", "on_poweroff", Release::V3_0_4),
    ("actions_after_reboot", "on_reboot", Release::V3_0_4),
    ("actions_after_crash", "on_crash", Release::V3_0_4),
    ("platform_localtime", "localtime", Release::V3_0_4),
];

/// Settings of the platform: name and first release (from 3.1 on).
const PLATFORM: &[(&str, Release)] = &[
    ("acpi", Release::V3_1),
    ("apic", Release::V3_1),
    ("boot", Release::V3_1),
    ("device_model", Release::V3_1),
    ("loader", Release::V3_3),
    ("display", Release::V3_1),
    ("fda", Release::V3_1),
    ("fdb", Release::V3_1),
    ("keymap", Release::V3_1),
    ("isa", Release::V3_1),
    ("localtime", Release::V3_1),
    ("monitor", Release::V3_1),
    ("monitor_path", Release::V4_0),
    ("nographic", Release::V3_1),
    ("nomigrate", Release::V4_0),
    ("pae", Release::V3_1),
    ("rtc_timeoffset", Release::V3_1),
    ("parallel", Release::V4_0),
    ("serial", Release::V3_1),
    ("sdl", Release::V3_1),
    ("opengl", Release::V3_3),
    ("soundhw", Release::V3_1),
    ("stdvga", Release::V3_1),
    ("videoram", Release::V3_4),
    ("usb", Release::V3_1),
    ("usbdevice", Release::V3_1),
    ("hpet", Release::V3_3),
    ("vnc", Release::V3_1),
    ("vncconsole", Release::V3_1),
    ("vncdisplay", Release::V3_1),
    ("vnclisten", Release::V3_1),
    ("timer_mode", Release::V3_2),
    ("tsc_mode", Release::V4_0),
    ("vpt_align", Release::V3_4),
    ("viridian", Release::V3_4),
    ("vncpasswd", Release::V3_1),
    ("vncunused", Release::V3_1),
    ("xauthority", Release::V3_1),
    ("pci", Release::V3_2),
    ("vhpt", Release::V3_2),
    ("guest_os_type", Release::V3_2),
    ("hap", Release::V3_3),
    ("xen_extended_power_mgmt", Release::V3_4),
    ("pci_msitranslate", Release::V3_4),
    ("pci_power_mgmt", Release::V3_4),
    ("xen_platform_pci", Release::V3_4),
    ("gfx_passthru", Release::V4_0),
    ("oos", Release::V4_0),
    ("nestedhvm", Release::V4_2),
];

/// Settings of the image in 3.0.4, in the order of its lists.
const IMAGE_3_0_4: &[&str] = &[
    "root",
    "ip",
    "nographic",
    "vnc",
    "sdl",
    "vncdisplay",
    "vncunused",
    "vncpasswd",
    "device_model",
    "display",
    "xauthority",
    "vncconsole",
    "pae",
    "apic",
    "acpi",
    "boot",
    "fda",
    "fdb",
    "isa",
    "keymap",
    "localtime",
    "serial",
    "stdvga",
    "soundhw",
    "usb",
    "usbdevice",
    "vcpus",
];

/// Device classes: name, first release, first release without it.
const CLASSES: &[(&str, Release, Option<Release>)] = &[
    ("vbd", Release::V3_0_1, None),
    ("vif", Release::V3_0_1, None),
    ("vif2", Release::V4_0, None),
    ("vtpm", Release::V3_0_1, Some(Release::V4_4)),
    ("pci", Release::V3_0_1, None),
    ("ioports", Release::V3_0_3, None),
    ("irq", Release::V3_0_3, None),
    ("usb", Release::V3_0_1, Some(Release::V3_2)),
    ("tap", Release::V3_0_3, None),
    ("tap2", Release::V4_0, None),
    ("vfb", Release::V3_0_4, None),
    ("vkbd", Release::V3_0_4, None),
    ("console", Release::V3_1, None),
    ("vscsi", Release::V3_3, None),
    ("vusb", Release::V4_0, None),
];

/// The orders of one release.
#[derive(Debug)]
pub(crate) struct Orders {
    /// The reply's names of the fields.
    pub(crate) fields: Vec<&'static str>,
    /// Platform settings.
    pub(crate) platform: Vec<&'static str>,
    /// Device classes.
    pub(crate) classes: Vec<&'static str>,
}

/// The orders of a release.
pub(crate) fn orders(release: Release) -> &'static Orders {
    static ORDERS: OnceLock<Vec<(Release, Orders)>> = OnceLock::new();
    static NONE: Orders = Orders {
        fields: Vec::new(),
        platform: Vec::new(),
        classes: Vec::new(),
    };
    ORDERS
        .get_or_init(|| Release::ALL.map(|r| (r, work_out(r))).into())
        .iter()
        .find(|(known, _)| *known == release)
        .map_or(&NONE, |(_, orders)| orders)
}

fn work_out(release: Release) -> Orders {
    let table = if release <= Release::V3_0_4 {
        FIELDS_3_0_4
    } else {
        FIELDS
    };
    let known: Vec<_> = table.iter().filter(|f| f.2 <= release).collect();
    let names: Vec<_> = known.iter().map(|field| field.0).collect();
    let fields = literal_order(&names)
        .into_iter()
        .filter_map(|name| known.iter().find(|field| field.0 == name))
        .map(|field| field.1)
        .collect();
    let platform: Vec<_> = PLATFORM
        .iter()
        .filter(|(_, since)| *since <= release)
        .map(|(name, _)| *name)
        .collect();
    let classes: Vec<_> = CLASSES
        .iter()
        .filter(|(_, since, until)| *since <= release && until.is_none_or(|end| release < end))
        .map(|(name, ..)| *name)
        .collect();
    Orders {
        fields,
        // Up to 3.2 the settings are a list, which keeps its order.
        platform: if release == Release::V3_0_4 {
            IMAGE_3_0_4.to_vec()
        } else if release < Release::V3_3 {
            platform
        } else {
            literal_order(&platform)
        },
        classes: literal_order(&classes),
    }
}
