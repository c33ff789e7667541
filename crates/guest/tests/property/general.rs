//! Guests as a whole.

use super::markup::{element, kept, maybe, metadata, name, path, text, word};
use super::{cpu, device};
use proptest::collection::vec;
use proptest::prelude::*;
use virtxen_guest::{
    AcpiTable, Clock, ClockOffset, DomId, Features, Guest, Hyperv, HypervMode, Kept, Lifecycle,
    LifecycleAction, Loader, MemoryKib, Os, OsType, Passthrough, Seclabel, Timer, Uuid,
    XenFeatures,
};

/// A guest that keeps the rules.
pub(crate) fn guest() -> impl Strategy<Value = Guest> {
    let identity = (
        maybe(any::<u32>().prop_map(DomId)),
        "[a-zA-Z0-9 .'&<é-]{1,12}",
        maybe(any::<[u8; 16]>().prop_map(Uuid)),
        maybe("[a-z '<]{1,9}"),
        maybe(text()),
        maybe(metadata()),
    );
    let memory = (1_u64..1 << 50).prop_flat_map(|most| (Just(most), maybe(1..=most)));
    let machine = (os(), features(), clock(), lifecycle());
    let rest = (vec(seclabel(), 0..3), vec(text(), 0..3), kept(GUEST));
    (identity, memory, cpu::all(), machine, device::all(), rest).prop_map(
        |(identity, memory, cpus, machine, devices, rest)| {
            let mut guest = Guest::default();
            (
                guest.id,
                guest.name,
                guest.uuid,
                guest.title,
                guest.description,
                guest.metadata,
            ) = identity;
            guest.memory = MemoryKib(memory.0);
            guest.current_memory = memory.1.map(MemoryKib);
            (guest.vcpus, guest.cpu_tune, guest.cpu) = cpus;
            (guest.os, guest.features, guest.clock, guest.lifecycle) = machine;
            guest.devices = devices;
            (guest.seclabels, guest.commandline, guest.kept) = rest;
            if device::has_boot_order(&guest.devices) {
                guest.os.boot.clear();
            }
            guest
        },
    )
}

const GUEST: &[&str] = &[
    "/genid",
    "memory@dumpCore",
    "/memtune",
    "/iothreads",
    "/sysinfo",
    "/pm",
    "/perf",
    "/launchSecurity",
];

fn os() -> impl Strategy<Value = Os> {
    let loader = (
        maybe(path()),
        maybe(any::<bool>()),
        maybe(any::<bool>()),
        maybe(word()),
    );
    let loader = loader.prop_map(|(path, readonly, secure, kind)| Loader {
        path,
        readonly,
        secure,
        kind,
    });
    let table = (word(), path()).prop_map(|(kind, path)| AcpiTable { kind, path });
    let firmware = (
        word(),
        maybe(name()),
        maybe(name()),
        maybe(word()),
        maybe(loader),
    );
    let direct = (maybe(path()), maybe(path()), maybe(text()), maybe(path()));
    let rest = (
        vec(word(), 0..4),
        vec(table, 0..2),
        maybe("[a-z/]{0,6}"),
        maybe(text()),
        kept(&["/nvram", "/bootmenu", "/smbios"]),
    );
    (firmware, direct, rest).prop_map(|(firmware, direct, rest)| {
        let mut os = Os::new(firmware.0);
        (_, os.arch, os.machine, os.firmware, os.loader) = firmware;
        (os.kernel, os.initrd, os.cmdline, os.root) = direct;
        (
            os.boot,
            os.acpi_tables,
            os.bootloader,
            os.bootloader_args,
            os.kept,
        ) = rest;
        if os.kind != OsType::Hvm {
            (os.firmware, os.loader, os.kept) = (None, None, Kept::default());
            os.boot.clear();
            os.acpi_tables.clear();
        }
        os
    })
}

fn features() -> impl Strategy<Value = Features> {
    let hyperv = (maybe(word()), vec(element("relaxed"), 0..2));
    let hyperv = hyperv.prop_map(|(mode, mut enlightenments)| {
        if mode == Some(HypervMode::Passthrough) {
            enlightenments.clear();
        }
        Hyperv {
            mode,
            enlightenments,
        }
    });
    let passthrough = (any::<bool>(), maybe(word()));
    let passthrough = passthrough.prop_map(|(state, mode)| Passthrough { state, mode });
    let xen = (maybe(any::<bool>()), maybe(passthrough));
    let xen = xen.prop_map(|(e820_host, passthrough)| XenFeatures {
        e820_host,
        passthrough,
    });
    let flags = any::<[bool; 4]>();
    (
        flags,
        maybe(any::<bool>()),
        maybe(hyperv),
        xen,
        kept(&["/kvm", "/pmu", "/vmport"]),
    )
        .prop_map(
            |([acpi, apic, pae, viridian], hap, hyperv, xen, kept)| Features {
                acpi,
                apic,
                pae,
                hap,
                viridian,
                hyperv,
                xen,
                kept,
            },
        )
}

fn clock() -> impl Strategy<Value = Clock> {
    let offset = prop_oneof![
        any::<bool>().prop_map(|reset| ClockOffset::Utc { reset }),
        any::<bool>().prop_map(|reset| ClockOffset::Localtime { reset }),
        (any::<i64>(), word())
            .prop_map(|(adjustment, basis)| ClockOffset::Variable { adjustment, basis }),
        maybe(name()).prop_map(|name| ClockOffset::Timezone { name }),
        any::<u64>().prop_map(|start| ClockOffset::Absolute { start }),
    ];
    let timer = (
        word(),
        maybe(any::<bool>()),
        maybe(word()),
        kept(&["@track", "/catchup"]),
    );
    let timer = timer.prop_map(|(name, present, mode, kept)| Timer {
        name,
        present,
        mode,
        kept,
    });
    (offset, vec(timer, 0..3)).prop_map(|(offset, timers)| Clock { offset, timers })
}

fn lifecycle() -> impl Strategy<Value = Lifecycle> {
    // A core is dumped of a crashed guest only, or there is a warning.
    let ends = || word::<LifecycleAction>().prop_filter("a core", |action| !action.dumps_core());
    (ends(), ends(), word()).prop_map(|(on_poweroff, on_reboot, on_crash)| Lifecycle {
        on_poweroff,
        on_reboot,
        on_crash,
    })
}

fn seclabel() -> impl Strategy<Value = Seclabel> {
    let labels = (maybe(text()), maybe(text()), maybe(text()));
    (maybe(word()), maybe(name()), maybe(any::<bool>()), labels).prop_map(
        |(kind, model, relabel, (label, base_label, image_label))| Seclabel {
            kind,
            model,
            relabel,
            label,
            base_label,
            image_label,
        },
    )
}
