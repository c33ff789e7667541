//! Documents of the shelf beside the repository: libvirt's own test data and the
//! four documents that the project starts from. They are read there, never copied.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use virtxen_guest::{
    Address, ChardevSource, ClockOffset, FormatOptions, GraphicsListen, GraphicsServer, Guest,
    InputBus, ParseOptions, Rules, format_guest, parse_guest,
};
use virtxen_testkit::{record_domain_xml, shared};

fn documents(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "xml") {
            // A backslash at a line's end joins lines, as the shelf's README says.
            let text = fs::read_to_string(&path).unwrap().replace("\\\n", "");
            if text.trim_start().starts_with("<domain") {
                found.push((path, text));
            }
        }
    }
}

fn shelf() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for place in ["corpus", "seed/examples"] {
        if let Some(folder) = shared(place) {
            documents(&folder, &mut found);
        }
    }
    found
}

#[test]
fn every_document_is_read_without_a_warning() {
    for (path, text) in shelf() {
        match parse_guest(&text, &ParseOptions::default()) {
            Ok(parsed) => {
                let warnings: Vec<_> = parsed.warnings.iter().map(ToString::to_string).collect();
                assert!(warnings.is_empty(), "{}: {warnings:?}", path.display());
            }
            Err(problems) => panic!("{}:\n{}", path.display(), problems.render()),
        }
    }
}

#[test]
fn the_old_forms_mean_what_they_meant() {
    let Some(folder) = shared("seed/examples") else {
        return;
    };
    let read = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        parse_guest(&text, &ParseOptions::default()).unwrap().value
    };
    let guest = read("1-paravirt-bootloader.xml");
    assert_eq!(guest.os.bootloader.as_deref(), Some("/usr/bin/pygrub"));
    assert_eq!(
        guest.devices.consoles[0].source,
        ChardevSource::Pty {
            path: Some("/dev/pts/5".to_owned())
        }
    );
    let guest = read("3-fullvirt-bios.xml");
    assert_eq!(guest.clock.offset, ClockOffset::Localtime { reset: false });
    assert_eq!(guest.devices.disks.len(), 3);
}

#[test]
fn every_document_is_stable_once_it_was_written() {
    let all = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    for (path, text) in shelf() {
        let read = |text: &str| {
            parse_guest(text, &ParseOptions::default())
                .unwrap_or_else(|problems| panic!("{}:\n{}", path.display(), problems.render()))
                .value
        };
        let guest = read(&text);
        let written = format_guest(&guest, &all);
        let again = read(&written);
        assert_eq!(again, guest, "{}:\n{written}", path.display());
        assert_eq!(format_guest(&again, &all), written, "{}", path.display());
        record_domain_xml("guest-shelf", &written);
        let inactive = FormatOptions {
            inactive: true,
            ..FormatOptions::default()
        };
        record_domain_xml("guest-inactive", &format_guest(&guest, &inactive));
    }
}

/// libvirt's answers, in which the implicit parts are filled in, and by which rules.
/// A few of them were written by hand and lack some: those without a balloon, and
/// `fv-legacy-vfb`.
const FILLED: &[(&str, Rules)] = &[
    (
        "corpus/sexpr2xml",
        Rules {
            xenbus: false,
            console: false,
            ..Rules::LIBXL
        },
    ),
    ("corpus/xmconfig", Rules::LIBXL),
    ("corpus/xlconfig", Rules::LIBXL),
    ("corpus/sexpr2xml/v1.3.0", Rules::XEND),
    ("corpus/xmconfig/v1.3.0", Rules::XEND),
];

#[test]
fn defaults_are_libvirts() {
    for (place, rules) in FILLED {
        let Some(folder) = shared(place) else { return };
        let mut found = Vec::new();
        documents(&folder, &mut found);
        found.retain(|(path, _)| path.parent() == Some(&folder));
        for (path, text) in found {
            let guest = parse_guest(&text, &ParseOptions::default()).unwrap().value;
            let by_hand = guest.devices.memballoon.is_none()
                || path.to_string_lossy().contains("fv-legacy-vfb");
            if by_hand {
                continue;
            }
            let mut filled = without_defaults(&guest, rules);
            filled.fill_defaults(rules);
            let written = format_guest(&filled, &FormatOptions::default());
            assert_eq!(filled, guest, "{}:\n{written}", path.display());
        }
    }
}

fn without_defaults(guest: &Guest, rules: &Rules) -> Guest {
    let mut guest = guest.clone();
    guest.current_memory = guest
        .current_memory
        .filter(|memory| *memory != guest.memory);
    let devices = &mut guest.devices;
    for disk in &mut devices.disks {
        disk.bus = None;
        if matches!(disk.info.address, Some(Address::Drive(_))) {
            disk.info.address = None;
        }
        if rules.disk_format {
            disk.driver.format = disk.driver.format.take().filter(|format| format != "raw");
        }
    }
    devices
        .controllers
        .retain(|controller| controller.max_grant_frames.is_some());
    devices
        .inputs
        .retain(|input| !matches!(input.bus, Some(InputBus::Ps2 | InputBus::Xen)));
    devices.memballoon = None;
    devices.videos.clear();
    for graphics in &mut devices.graphics {
        if let GraphicsServer::Vnc(vnc) = &mut graphics.server {
            vnc.listens
                .retain(|listen| *listen != GraphicsListen::Address { address: None });
        }
    }
    guest
}
