//! Whole guests as configurations of several releases, letter by letter, and a
//! configuration as libxl keeps it of a running guest.
//!
//! With `VIRTXEN_WRITE_GOLDEN` set, the files are written anew: look at what changes.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use virtxen_formats::libxl::{Release, Target, guest_to_libxl, text_to_guest, to_text};
use virtxen_guest::{FormatOptions, ParseOptions, format_guest, parse_guest};
use virtxen_testkit::record_domain_xml;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/libxl")
        .join(name)
}

fn same(name: &str, text: &str) {
    let path = file(name);
    if std::env::var_os("VIRTXEN_WRITE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert_eq!(text, expected, "{name}");
}

/// Minor number of a release, and what it does not carry of a guest.
type Lost = (u32, &'static [&'static str]);

/// Guests, and whether their libxl is Qubes'.
const GUESTS: &[(&str, bool, &[Lost])] = &[
    (
        "container",
        false,
        &[
            (
                7,
                &[
                    "/domain/os/type",
                    "/domain/cpu/feature",
                    "/domain/devices/controller[1]/@maxGrantFrames",
                    "/domain/features/hap",
                    "/domain/features/xen/passthrough",
                    "/domain/devices/interface[1]/vlan",
                    "/domain/devices/filesystem",
                ],
            ),
            (17, &["/domain/devices/interface[1]/vlan"]),
            (22, &[]),
        ],
    ),
    (
        "desktop",
        false,
        &[
            (
                5,
                &[
                    "/domain/features/hyperv/vapic",
                    "/domain/features/hyperv/synic",
                    "/domain/features/hyperv/stimer",
                    "/domain/os/loader",
                    "/domain/devices/video[1]/model/@type",
                    "/domain/devices/controller",
                    "/domain/devices/hostdev",
                ],
            ),
            (
                9,
                &[
                    "/domain/features/hyperv/synic",
                    "/domain/features/hyperv/stimer",
                ],
            ),
            (17, &[]),
        ],
    ),
    (
        "qube",
        true,
        &[(
            17,
            &[
                "/domain/devices/hostdev[1]/@managed",
                "/domain/devices/hostdev[1]/@nostrictreset",
            ],
        )],
    ),
];

#[test]
fn guests_are_written_for_each_release() {
    for (name, qubes, releases) in GUESTS {
        let text = fs::read_to_string(file(&format!("{name}.xml"))).unwrap();
        let guest = parse_guest(&text, &ParseOptions::default()).unwrap();
        for (minor, lost) in *releases {
            let target = Target {
                qubes: *qubes,
                cpus: Some(4),
                ..Target::new(Release::new(4, *minor).unwrap())
            };
            let written = guest_to_libxl(&guest.value, &target).unwrap();
            let notes: Vec<&str> = written.notes.iter().map(|note| &*note.path).collect();
            assert_eq!(notes, *lost, "{name} 4.{minor}");
            same(&format!("{name}.4.{minor}.json"), &to_text(&written.value));
        }
    }
}

/// What comes of a configuration that libxl has filled in says only what is special.
#[test]
fn what_libxl_fills_in_is_no_news() {
    let text = fs::read_to_string(file("saved.json")).unwrap();
    let read = text_to_guest(&text).unwrap();
    assert_eq!(read.notes, []);
    let document = format_guest(&read.value, &FormatOptions::default());
    record_domain_xml("libxl-saved", &document);
    same("saved.xml", &document);
}

/// Devices that no document has are missed, settings are told of.
#[test]
fn what_a_document_has_no_place_for_is_told() {
    let text = r#"{
        "c_info": {"type": "pvh", "name": "a", "driver_domain": "True"},
        "b_info": {"max_memkb": 1024, "type.pvh": {"pvshim": "True"}, "new_key": "x",
                   "bootloader": 7, "max_vcpus": -1},
        "vtpms": [{"devid": 0, "backend_domname": "vtpm"}],
        "disks": [{"vdev": "xvda", "format": "odd", "direct_io_safe": true}, 7],
        "pcidevs": [{"bus": 1, "dev": 40}],
        "on_reboot": "soft_reset"
    }"#;
    let read = text_to_guest(text).unwrap();
    let notes: Vec<(&str, bool)> = read
        .notes
        .iter()
        .map(|note| (&*note.path, note.essential))
        .collect();
    let expected = [
        ("b_info/max_vcpus", false),
        ("b_info/bootloader", true),
        ("on_reboot", true),
        ("disks[2]", true),
        ("disks[1]/format", true),
        ("disks[1]/direct_io_safe", false),
        ("pcidevs[1]/dev", true),
        ("c_info/driver_domain", false),
        ("b_info/type.pvh/pvshim", false),
        ("b_info/new_key", false),
        ("vtpms", true),
    ];
    assert_eq!(notes, expected);
    assert!(read.notes.iter().all(|note| note.at.is_some()));
}
