//! What a guest has of the host: functions of PCI, USB devices, limits, the program of
//! its device model.

use super::path;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use virtxen_guest::*;

pub(crate) fn functions() -> impl Strategy<Value = Vec<Hostdev>> {
    let function = (
        0_u32..65_536,
        any::<u8>(),
        0_u8..32,
        0_u8..8,
        any::<[bool; 2]>(),
    );
    let function = function.prop_map(|(domain, bus, slot, function, [permissive, power])| {
        let mut hostdev = Hostdev::new(HostdevSource::Pci {
            address: PciAddress {
                domain,
                bus,
                slot,
                function,
            },
            write_filtering: permissive.then_some(false),
            power_filtering: power.then_some(false),
        });
        hostdev.managed = Some(false);
        hostdev
    });
    vec(function, 0..3)
}

pub(crate) fn usb() -> impl Strategy<Value = (Vec<Controller>, Vec<Hostdev>)> {
    let models = select(vec!["qusb1", "qusb2"]);
    (
        vec((models, 1_u32..16), 0..3),
        vec((1_u32..255, 1_u32..255), 0..2),
    )
        .prop_map(|(controllers, devices)| {
            // Devices without controllers get some.
            let devices = if controllers.is_empty() {
                Vec::new()
            } else {
                devices
            };
            let controller = |(index, (model, ports)): (u32, (&str, u32))| Controller {
                model: Some(model.to_owned()),
                ports: Some(ports),
                ..Controller::new(ControllerType::Usb, index)
            };
            let controllers = (0..).zip(controllers).map(controller).collect();
            let device = |(bus, device)| {
                let mut hostdev = Hostdev::new(HostdevSource::Usb(UsbSource {
                    bus: Some(bus),
                    device: Some(device),
                    ..UsbSource::default()
                }));
                hostdev.managed = Some(false);
                hostdev
            };
            (controllers, devices.into_iter().map(device).collect())
        })
}

pub(crate) fn limits() -> impl Strategy<Value = Option<Controller>> {
    let limit = || of(1024_u32..4096);
    (limit(), limit()).prop_map(|(channels, frames)| {
        (channels.is_some() || frames.is_some()).then(|| Controller {
            max_event_channels: channels,
            max_grant_frames: frames,
            ..Controller::new(ControllerType::Xenbus, 0)
        })
    })
}

pub(crate) fn emulator() -> impl Strategy<Value = Emulator> {
    let texts = (
        of(path()),
        of(path()),
        of(path()),
        of("-[a-z]{1,5}( [a-z:=]{1,5}){0,2}"),
    );
    (texts, 0_u8..3, of(1_u64..1_000_000)).prop_filter_map(
        "an emulator that says something",
        |((path, kernel, ramdisk, cmdline), which, memory)| {
            let stub = which > 0;
            let emulator = Emulator {
                path,
                kind: match which {
                    1 => Some(EmulatorType::Stubdom),
                    2 => Some(EmulatorType::StubdomLinux),
                    _ => None,
                },
                memory: memory.map(MemoryKib).filter(|_| stub),
                kernel: kernel.filter(|_| stub),
                ramdisk: ramdisk.filter(|_| stub),
                cmdline,
            };
            (emulator != Emulator::default()).then_some(emulator)
        },
    )
}
