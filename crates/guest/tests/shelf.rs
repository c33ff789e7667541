//! Documents of the shelf beside the repository: libvirt's own test data and the
//! four documents that the project starts from. They are read there, never copied.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use virtxen_guest::{
    Address, ChardevSource, ClockOffset, FormatOptions, GraphicsListen, GraphicsServer, Guest,
    InputBus, MemoryKib, ParseOptions, Rules, format_guest, parse_guest,
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
            if text.contains("<domain ") && !text.contains("<capabilities>") {
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

/// libvirt's answers with their rules.
fn answers() -> Vec<(PathBuf, String, Rules)> {
    let mut all = Vec::new();
    for (place, rules) in FILLED {
        let Some(folder) = shared(place) else {
            continue;
        };
        let mut found = Vec::new();
        documents(&folder, &mut found);
        found.retain(|(path, _)| path.parent() == Some(&folder));
        all.extend(found.into_iter().map(|(path, text)| (path, text, *rules)));
    }
    all
}

/// Most documents have to be as they were; the few that were written by hand are named.
fn assert_nearly_all(other: &[PathBuf], of: usize) {
    for path in other {
        println!("written by hand: {}", path.display());
    }
    assert!(other.len() * 14 <= of, "{} of {of}: {other:?}", other.len());
}

#[test]
fn layout_is_libvirts() {
    let answers = answers();
    let all = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    let differs = |text: &str| {
        let guest = parse_guest(text, &ParseOptions::default()).unwrap().value;
        format_guest(&guest, &all) != text
    };
    let (count, other): (_, Vec<_>) = (
        answers.len(),
        answers
            .into_iter()
            .filter(|(_, text, _)| differs(text))
            .map(|(path, ..)| path)
            .collect(),
    );
    assert_nearly_all(&other, count);
}

#[test]
fn defaults_are_libvirts() {
    let answers = answers();
    let count = answers.len();
    let mut other = Vec::new();
    for (path, text, rules) in answers {
        let guest = parse_guest(&text, &ParseOptions::default()).unwrap().value;
        let mut filled = without_defaults(&guest, &rules);
        filled.fill_defaults(&rules);
        if filled != guest {
            other.push(path);
        }
    }
    assert_nearly_all(&other, count);
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

#[test]
fn our_examples_are_read_and_written_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    documents(&root.join("examples"), &mut found);
    let damaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/damaged.xml");
    let text = fs::read_to_string(&damaged).unwrap();
    found.push((damaged, text));
    assert!(found.len() > 1);
    for (path, text) in found {
        let parsed = parse_guest(&text, &ParseOptions::default()).unwrap();
        assert_eq!(parsed.warnings, [], "{}", path.display());
        let mut guest = parsed.value;
        record_domain_xml(
            "guest-example",
            &format_guest(&guest, &FormatOptions::default()),
        );
        guest.fill_identities();
        guest.fill_defaults(&Rules::LIBXL);
        record_domain_xml(
            "guest-filled",
            &format_guest(&guest, &FormatOptions::default()),
        );
    }
}

/// What Qubes OS says beyond libvirt's schema, so it is not shown to the foreign check.
#[test]
fn extensions_come_back_as_they_were() {
    let text = include_str!("extensions.xml");
    let strict = ParseOptions {
        strict: true,
        ..ParseOptions::default()
    };
    let guest = parse_guest(text, &strict).unwrap().value;
    assert_eq!(format_guest(&guest, &FormatOptions::default()), text);
    assert_eq!(guest.max_memory(), Some(MemoryKib(4 << 20)));
    assert!(guest.devices.emulator.unwrap().is_stubdomain());
}

#[test]
fn one_of_each_comes_back_as_it_was() {
    let text = include_str!("everything.xml");
    let strict = ParseOptions {
        strict: true,
        ..ParseOptions::default()
    };
    let guest = parse_guest(text, &strict).unwrap().value;
    let all = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    assert_eq!(format_guest(&guest, &all), text);
    record_domain_xml("guest-everything", text);
    let inactive = FormatOptions {
        inactive: true,
        ..FormatOptions::default()
    };
    let written = format_guest(&guest, &inactive);
    record_domain_xml("guest-everything", &written);
    // What only a running guest has, and the password.
    for part in ["id='12'", "/dev/pts/7", "5907", "secret'", "console0"] {
        assert!(!written.contains(part), "{part} in {written}");
    }
    assert!(written.contains("ua-root") && written.contains("web0"));
}
