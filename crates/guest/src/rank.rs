//! Order of elements in libvirt's documents, where the typed model has none: parts
//! that are known and kept as markup.

/// Elements of `<domain>` that are kept, in libvirt's order.
pub(crate) const GUEST: &[&str] = &[
    "genid",
    "hwuuid",
    "maxMemory",
    "blkiotune",
    "memtune",
    "memoryBacking",
    "vcpus",
    "iothreads",
    "iothreadids",
    "defaultiothread",
    "numatune",
    "resource",
    "sysinfo",
    "idmap",
    "on_lockfailure",
    "pm",
    "perf",
    "throttlegroups",
    "keywrap",
    "launchSecurity",
];

/// Devices that are kept, in libvirt's order.
pub(crate) const DEVICES: &[&str] = &[
    "lease",
    "filesystem",
    "smartcard",
    "tpm",
    "audio",
    "redirdev",
    "redirfilter",
    "hub",
    "watchdog",
    "rng",
    "nvram",
    "panic",
    "shmem",
    "memory",
    "crypto",
    "iommu",
    "vsock",
    "pstore",
];
