//! Guests go to libxl's configuration and come back as they were, for every release:
//! what a release lacks is noted, nothing else is lost, and what was read is never
//! refused.

#![allow(clippy::unwrap_used)]

mod console;
mod host;
#[path = "../common/json.rs"]
mod json;
mod network;
mod outside;
mod processor;
mod storage;

use json::{differences, meaning};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use virtxen_formats::libxl::{Release, Target, guest_to_libxl, libxl_to_guest};
use virtxen_guest::*;
use virtxen_testkit::record_domain_xml;

pub(crate) fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,7}"
}

pub(crate) fn path() -> impl Strategy<Value = String> {
    "/x[a-z]{0,5}/[a-z0-9 \"'<äß]{1,9}x"
}

fn release() -> impl Strategy<Value = Release> {
    (5_u32..=22).prop_map(|minor| Release::new(4, minor).unwrap())
}

fn kind() -> impl Strategy<Value = OsType> {
    select(OsType::ALL)
}

/// A guest as it is read from a configuration: nothing in it is said twice.
fn guest(kind: OsType) -> impl Strategy<Value = Guest> {
    let hvm = kind == OsType::Hvm;
    let sizes = (1_u64..4096, 1_u64..4096);
    let about = (name(), any::<[u8; 16]>(), sizes, outside::lifecycle());
    let counts = (1_u32..9, 1_u32..9, of(1_u64..=65_535));
    let processors = (counts, processor::processor(kind), processor::pins());
    let outside = (
        outside::os(kind),
        outside::clock(hvm),
        outside::features(kind),
        vec(name(), 0..3),
        outside::label(),
    );
    (about, processors, outside, devices(hvm)).prop_map(
        move |(about, processors, outside, devices)| {
            let (name, uuid, (memory, current), lifecycle) = about;
            let mut guest = Guest::new(name);
            guest.uuid = Some(Uuid(uuid));
            guest.memory = MemoryKib::from_mib(memory);
            guest.current_memory = Some(MemoryKib::from_mib(current.min(memory)));
            guest.lifecycle = lifecycle;
            let ((max, online, shares), cpu, pins) = processors;
            guest.vcpus.max = max;
            guest.vcpus.current = (online < max).then_some(online);
            guest.cpu_tune.shares = shares.filter(|weight| *weight != 256);
            guest.cpu = cpu;
            processor::place(&mut guest, pins);
            let (os, (offset, timers), features, commandline, labels) = outside;
            (guest.os, guest.features, guest.commandline) = (os, features, commandline);
            guest.clock = Clock { offset, timers };
            guest.seclabels = labels;
            // Nodes are told of in a table of ACPI.
            let has_nodes = guest.cpu.as_ref().is_some_and(|cpu| !cpu.numa.is_empty());
            guest.features.acpi |= has_nodes && hvm;
            guest.devices = devices;
            guest
        },
    )
}

fn devices(hvm: bool) -> impl Strategy<Value = Devices> {
    let lists = (
        storage::disks(hvm),
        vec(network::interface(hvm), 0..3),
        console::graphics(hvm),
    );
    let passed = (
        host::functions(),
        host::usb(),
        vec(console::channel(), 0..2),
        host::limits(),
    );
    let emulated = (
        console::ports(hvm),
        console::inputs(hvm),
        console::sounds(hvm),
        of(host::emulator()),
    );
    (lists, passed, emulated).prop_map(move |(lists, passed, emulated)| {
        let (disks, interfaces, (graphics, videos)) = lists;
        let (functions, (controllers, usb), channels, limits) = passed;
        let (serials, inputs, sounds, emulator) = emulated;
        Devices {
            emulator: emulator.filter(|_| hvm),
            disks,
            controllers: limits.into_iter().chain(controllers).collect(),
            interfaces,
            serials,
            consoles: if hvm {
                Vec::new()
            } else {
                vec![console::console()]
            },
            channels,
            inputs,
            graphics,
            sounds,
            videos,
            hostdevs: functions.into_iter().chain(usb).collect(),
            memballoon: Some(Memballoon::new(MemballoonModel::Xen)),
            ..Devices::default()
        }
    })
}

/// The lines in which two guests differ.
fn lines(ours: &Guest, theirs: &Guest) -> String {
    let texts = [ours, theirs].map(|guest| format!("{guest:#?}"));
    let pairs = texts[0].lines().zip(texts[1].lines());
    let other: Vec<String> = pairs
        .filter(|(a, b)| a != b)
        .map(|(a, b)| format!("{} instead of {}", a.trim(), b.trim()))
        .take(5)
        .collect();
    other.join("\n")
}

fn any_guest() -> impl Strategy<Value = Guest> {
    kind().prop_flat_map(guest)
}

fn qubes(release: Release) -> Target {
    Target {
        qubes: true,
        ..Target::new(release)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn guests_come_back_as_they_were(guest in any_guest()) {
        let written = guest_to_libxl(&guest, &qubes(Release::NEWEST)).unwrap();
        prop_assert!(written.notes.is_empty(), "{:?}", written.notes);
        let read = libxl_to_guest(&written.value).unwrap();
        prop_assert!(read.notes.is_empty(), "{:?}", read.notes);
        prop_assert!(read.value == guest, "{}", lines(&read.value, &guest));
    }

    /// Of an older release everything that was not noted comes back, and what came back
    /// is said in the same way again.
    #[test]
    fn every_release_tells_what_it_lacks(guest in any_guest(), release in release()) {
        let target = qubes(release);
        let written = guest_to_libxl(&guest, &target).unwrap();
        let read = libxl_to_guest(&written.value).unwrap();
        prop_assert!(read.notes.is_empty(), "{:?}", read.notes);
        if written.notes.is_empty() {
            prop_assert!(read.value == guest, "{release}: {}", lines(&read.value, &guest));
        }
        let again = guest_to_libxl(&read.value, &target).unwrap();
        let found = differences(&meaning(&again.value), &meaning(&written.value), "");
        prop_assert!(found.is_empty(), "{release}: {found}");
    }

    /// What is read is a guest that libvirt's schema accepts, extensions aside.
    #[test]
    fn what_is_read_is_a_document(mut guest in any_guest()) {
        guest.cpu_tune.soft_pins.clear();
        guest.devices.emulator = None;
        guest.devices.graphics.retain(|it| !matches!(it.server, GraphicsServer::Qubes(_)));
        guest.devices.disks.iter_mut().for_each(|disk| disk.script = None);
        for hostdev in &mut guest.devices.hostdevs {
            if let HostdevSource::Pci { power_filtering, .. } = &mut hostdev.source {
                *power_filtering = None;
            }
        }
        let written = guest_to_libxl(&guest, &Target::new(Release::NEWEST)).unwrap();
        let read = libxl_to_guest(&written.value).unwrap();
        record_domain_xml("libxl", &format_guest(&read.value, &FormatOptions::default()));
    }
}
