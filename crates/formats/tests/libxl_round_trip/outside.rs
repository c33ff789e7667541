//! What a guest is beside its devices: what it boots, its clock, its features.

use super::{name, path};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use virtxen_guest::*;

pub(crate) fn lifecycle() -> impl Strategy<Value = Lifecycle> {
    let action = || select(LifecycleAction::ALL);
    // libvirt's schema has those that dump for a crash only.
    let plain = LifecycleAction::ALL.iter().copied();
    let plain: Vec<_> = plain.filter(|action| !action.dumps_core()).collect();
    let plain = || select(plain.clone());
    (plain(), plain(), action()).prop_map(|(on_poweroff, on_reboot, on_crash)| Lifecycle {
        on_poweroff,
        on_reboot,
        on_crash,
    })
}

pub(crate) fn os(kind: OsType) -> impl Strategy<Value = Os> {
    let texts = (of(path()), of(path()), of("[a-z= ]{1,20}x"));
    let boot = proptest::sample::subsequence(BootDevice::ALL.to_vec(), 1..4);
    let loader = (any::<bool>(), path());
    let bootloader = (path(), vec(name(), 0..3));
    (texts, boot, loader, of(path()), bootloader).prop_map(
        move |((kernel, initrd, cmdline), boot, (uefi, loader), table, bootloader)| {
            let mut os = Os::new(kind);
            let machine = match kind {
                OsType::Xen => "xenpv",
                OsType::Hvm => "xenfv",
                OsType::XenPvh => "xenpvh",
            };
            os.machine = Some(machine.to_owned());
            (os.kernel, os.initrd, os.cmdline) = (kernel, initrd, cmdline);
            if kind == OsType::Hvm {
                os.boot = boot;
                os.loader = Some(Loader {
                    path: Some(loader),
                    readonly: uefi.then_some(true),
                    kind: Some(if uefi {
                        LoaderType::Pflash
                    } else {
                        LoaderType::Rom
                    }),
                    ..Loader::default()
                });
                os.acpi_tables = table
                    .into_iter()
                    .map(|path| AcpiTable {
                        kind: AcpiTableType::Slic,
                        path,
                    })
                    .collect();
            } else {
                os.bootloader = Some(bootloader.0);
                let args = bootloader.1.join(" ");
                os.bootloader_args = Some(args).filter(|args| !args.is_empty());
            }
            os
        },
    )
}

pub(crate) fn clock(hvm: bool) -> impl Strategy<Value = (ClockOffset, Vec<Timer>)> {
    let modes = [TimerMode::Native, TimerMode::Emulate, TimerMode::Paravirt];
    (
        any::<i32>(),
        any::<bool>(),
        of(select(modes.to_vec())),
        of(any::<bool>()),
    )
        .prop_map(move |(adjustment, localtime, mode, hpet)| {
            let adjustment = if adjustment % 3 == 0 { 0 } else { adjustment };
            let offset = match (adjustment, localtime) {
                (0, false) => ClockOffset::Utc { reset: false },
                (0, true) => ClockOffset::Localtime { reset: false },
                (adjustment, localtime) => ClockOffset::Variable {
                    adjustment: adjustment.into(),
                    basis: if localtime {
                        ClockBasis::Localtime
                    } else {
                        ClockBasis::Utc
                    },
                },
            };
            let tsc = mode.map(|mode| Timer {
                mode: Some(mode),
                ..Timer::new(TimerName::Tsc)
            });
            let hpet = hpet.filter(|_| hvm).map(|present| Timer {
                present: Some(present),
                ..Timer::new(TimerName::Hpet)
            });
            (offset, tsc.into_iter().chain(hpet).collect())
        })
}

pub(crate) fn features(kind: OsType) -> impl Strategy<Value = virtxen_guest::Features> {
    let words = [
        "vpindex",
        "frequencies",
        "tlbflush",
        "vapic",
        "synic",
        "stimer",
        "ipi",
    ];
    let groups = proptest::sample::subsequence(words[1..].to_vec(), 0..6);
    let mode = of(select(PassthroughMode::ALL));
    (any::<[bool; 5]>(), groups, of((any::<bool>(), mode))).prop_map(
        move |([acpi, apic, hap, viridian, e820], groups, passthrough)| {
            let mut features = virtxen_guest::Features::default();
            features.xen.passthrough = passthrough.map(|(state, mode)| Passthrough {
                state,
                mode: mode.filter(|_| state),
            });
            features.xen.e820_host = Some(true).filter(|_| e820 && kind == OsType::Xen);
            features.hap = Some(false).filter(|_| hap && kind != OsType::Xen);
            if kind == OsType::Hvm {
                features.pae = true;
                (features.acpi, features.apic) = (acpi, apic);
                features.viridian = viridian;
                let on = |word: &&str| Element::new(*word).with("state", "on");
                // Each of the others needs the base.
                let first = words[..1].iter().filter(|_| !groups.is_empty());
                let enlightenments: Vec<_> = first.chain(&groups).map(on).collect();
                features.hyperv = (!enlightenments.is_empty()).then_some(Hyperv {
                    mode: None,
                    enlightenments,
                });
            }
            features
        },
    )
}

pub(crate) fn label() -> impl Strategy<Value = Vec<Seclabel>> {
    of("[a-z]{1,5}:[a-z]{1,5}").prop_map(|label| {
        let label = label.map(|label| Seclabel {
            kind: Some(SeclabelType::Static),
            model: Some("flask".to_owned()),
            label: Some(label),
            ..Seclabel::default()
        });
        label.into_iter().collect()
    })
}
