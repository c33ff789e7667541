//! The example guests of the repository, the four kinds that there are: they read
//! without a warning, and come back whole from XenD's language.
//!
//! Other people's documents are tested elsewhere; these are always here.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use virtxen_formats::sxpr::{
    ConfigVersion, Limits, Runtime, Target, guest_to_sxpr, read, sxpr_to_guest, write_request,
};
use virtxen_guest::{FormatOptions, Guest, ParseOptions, format_guest, parse_guest};
use virtxen_testkit::record_domain_xml;

fn examples() -> Vec<(String, Guest)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|name| name == "xml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let parsed = parse_guest(&text, &ParseOptions::default())
                .unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
            assert_eq!(parsed.warnings, [], "{}", path.display());
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.push((name, parsed.value));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_kind_of_guest_is_there() {
    let names: Vec<String> = examples().into_iter().map(|(name, _)| name).collect();
    let kinds = [
        "fullvirt-bios",
        "fullvirt-kernel",
        "paravirt-bootloader",
        "paravirt-kernel",
    ];
    assert_eq!(names, kinds);
}

#[test]
fn they_come_back_from_xends_language() {
    for (name, guest) in examples() {
        for version in [
            ConfigVersion::Xen302,
            ConfigVersion::Xen303,
            ConfigVersion::Xen304,
            ConfigVersion::Xen310,
        ] {
            let place = format!("{name}, version {}", version.number());
            let written = guest_to_sxpr(&guest, &Target::new(version)).unwrap();
            let text = write_request(&written.value);
            let tree = read(&text, Limits::default()).unwrap();
            let back = sxpr_to_guest(&tree, version, &Runtime::default()).unwrap();
            assert_eq!(back.notes, [], "{place}");
            let back = back.value;
            assert_eq!(back.name, guest.name, "{place}");
            assert_eq!(back.uuid, guest.uuid, "{place}");
            assert_eq!(back.os.kernel, guest.os.kernel, "{place}");
            assert_eq!(back.os.bootloader, guest.os.bootloader, "{place}");
            assert_eq!(
                back.devices.disks.len(),
                guest.devices.disks.len(),
                "{place}"
            );
            for (a, b) in back.devices.disks.iter().zip(&guest.devices.disks) {
                assert_eq!((&a.target, &a.source), (&b.target, &b.source), "{place}");
            }
            let macs = |guest: &Guest| {
                let interfaces = guest.devices.interfaces.iter();
                interfaces
                    .map(|interface| interface.mac)
                    .collect::<Vec<_>>()
            };
            assert_eq!(macs(&back), macs(&guest), "{place}");
            let xml = format_guest(&back, &FormatOptions::default());
            record_domain_xml(&format!("examples-{name}-{}", version.number()), &xml);
        }
    }
}
