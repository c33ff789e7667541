//! Nothing of a document is lost without a note: documents of all converters on
//! the shelf go to XenD's expression and back, and what does not come back is
//! either noted or says nothing new.

#![allow(clippy::unwrap_used)]

mod common;

use common::Element;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use virtxen_formats::sxpr::{
    ConfigVersion, Dialect, Runtime, Target, guest_to_sxpr, sxpr_to_guest,
};
use virtxen_formats::{Note, libxl};
use virtxen_guest::{FormatOptions, ParseOptions, format_guest, parse_guest};
use virtxen_testkit::{record_domain_xml, shared};

#[test]
fn what_does_not_come_back_is_noted() {
    let options = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    let mut silent = String::new();
    for (name, text) in documents() {
        // Some are not for Xen's guests, or only half a document.
        let Ok(parsed) = parse_guest(&text, &ParseOptions::default()) else {
            continue;
        };
        for version in 1..=4 {
            let version = ConfigVersion::from_number(Some(version));
            let mut target = Target::new(Dialect::from(version));
            target
                .bridges
                .insert("default".to_owned(), "virbr0".to_owned());
            let Ok(written) = guest_to_sxpr(&parsed.value, &target) else {
                continue;
            };
            let again = sxpr_to_guest(&written.value, version, &Runtime::default()).unwrap();
            let before = says(&format_guest(&parsed.value, &options));
            let document = format_guest(&again.value, &options);
            record_domain_xml("nothing-lost", &document);
            let after = says(&document);
            for lost in before.difference(&after) {
                if !noted(lost, &written.notes) && !says_nothing_new(lost) {
                    silent += &format!("{name} {}: {lost}\n", version.number());
                }
            }
        }
    }
    assert!(silent.is_empty(), "{silent}");
}

/// The same with libxl, of its first and last release and one between.
#[test]
fn what_does_not_come_back_from_libxl_is_noted() {
    let options = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    let mut silent = BTreeSet::new();
    for (name, text) in documents() {
        let Ok(parsed) = parse_guest(&text, &ParseOptions::default()) else {
            continue;
        };
        for minor in [5, 9, 22] {
            let mut target = libxl::Target::new(libxl::Release::new(4, minor).unwrap());
            target
                .bridges
                .insert("default".to_owned(), "virbr0".to_owned());
            let Ok(written) = libxl::guest_to_libxl(&parsed.value, &target) else {
                continue;
            };
            let again = libxl::libxl_to_guest(&written.value).unwrap();
            assert_eq!(again.notes, [], "{name} {minor}");
            let before = says(&format_guest(&parsed.value, &options));
            let document = format_guest(&again.value, &options);
            record_domain_xml("nothing-lost", &document);
            let after = says(&document);
            for lost in before.difference(&after) {
                let is_new = !OF_LIBXL.iter().any(|prefix| lost.starts_with(prefix));
                if is_new && !noted(lost, &written.notes) && !says_nothing_new(lost) {
                    silent.insert(format!("{name} 4.{minor}: {lost}"));
                }
            }
        }
    }
    let silent: Vec<String> = silent.into_iter().collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// What libxl has of itself or says in another way, beside [`NOTHING_NEW`].
const OF_LIBXL: &[&str] = &[
    // It forgets at the end of a guest what its clock was set to.
    "/domain/clock/@adjustment reset",
    // A path in /dev is a block device.
    "/domain/devices/disk/@type file",
    "/domain/devices/disk/source/@file /dev/",
    // They are qemu's and tapdisk's.
    "/domain/devices/disk/driver/@name file",
    "/domain/devices/disk/driver/@name tap2",
];

/// Everything a document says, as paths with their values.
fn says(xml: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    collect(&Element::parse(xml), "", &mut paths);
    paths
}

fn collect(element: &Element, path: &str, paths: &mut BTreeSet<String>) {
    let path = format!("{path}/{}", element.name);
    paths.insert(path.clone());
    for (name, value) in &element.attributes {
        paths.insert(format!("{path}/@{name} {value}"));
    }
    if !element.text.trim().is_empty() {
        paths.insert(format!("{path} {}", element.text));
    }
    for child in &element.children {
        collect(child, &path, paths);
    }
}

fn noted(lost: &str, notes: &[Note]) -> bool {
    notes.iter().any(|note| {
        let mut path = String::new();
        let mut depth = 0;
        for c in note.path.chars() {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ if depth == 0 => path.push(c),
                _ => {}
            }
        }
        // `listen` is both an attribute and an element of the same meaning.
        let plain = |path: &str| path.replace("xen:", "").replace('@', "");
        plain(lost).starts_with(&plain(&path))
    })
}

/// Parts that follow from others, that a running guest has of itself, or that
/// are another way to say the same: what they start with.
const NOTHING_NEW: &[&str] = &[
    // Of a running guest.
    "/domain/@id ",
    "/domain/devices/console/@tty ",
    "/domain/devices/console/source/@path /dev/pts/",
    "/domain/devices/interface/target/@dev vif",
    // XenD runs whatever kernel it is given.
    "/domain/os/type/@arch ",
    "/domain/os/type/@machine ",
    "/domain/os/loader/@readonly yes",
    // The default is written in another way.
    "/domain/clock/@offset ",
    "/domain/clock/@basis ",
    "/domain/clock/@adjustment 0",
    "/domain/devices/disk/driver/@type aio",
    "/domain/devices/disk/driver/@type raw",
    "/domain/devices/disk/target/@dev ioemu:",
    "/domain/devices/graphics/listen/@type address",
    "/domain/devices/hostdev/driver/@name xen",
    // With the bridge's script it is on a bridge.
    "/domain/devices/interface/@type ethernet",
    // Said of the port.
    "/domain/devices/graphics/@autoport no",
    // Every guest of the kind has them.
    "/domain/devices/controller/@index ",
    "/domain/devices/controller/@type ide",
    "/domain/devices/controller/@type xenbus",
    "/domain/devices/input/@bus ps2",
    "/domain/devices/input/@bus xen",
    "/domain/devices/input/@type keyboard",
    "/domain/devices/input/@type mouse",
    "/domain/devices/video/model/@heads 1",
    "/domain/devices/video/model/@primary yes",
    "/domain/devices/video/model/@type cirrus",
    "/domain/devices/video/model/@type xen",
    "/domain/devices/video/model/@vram 4096",
    "/domain/devices/video/model/@vram 8192",
    // They follow from the disk's name; others are noted.
    "/domain/devices/disk/address/@",
    // libvirt mirrors the first serial port.
    "/domain/devices/console/@type ",
    "/domain/devices/console/protocol/@type ",
    "/domain/devices/console/source/@",
    "/domain/devices/console/target/@",
];

fn says_nothing_new(lost: &str) -> bool {
    // Of an element without a value its parts are judged.
    let bare = !lost.contains(' ');
    bare || NOTHING_NEW.iter().any(|prefix| lost.starts_with(prefix))
}

/// The domain documents of all converters' cases with their names.
fn documents() -> Vec<(String, String)> {
    let Some(corpus) = shared("corpus") else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for set in ["xml2sexpr", "xmconfig", "xlconfig", "libxl-json"] {
        xml_files(&corpus.join(set), &mut files);
    }
    assert!(files.len() > 100, "{}", files.len());
    let read = |file: &PathBuf| {
        let name = file.strip_prefix(&corpus).unwrap().display().to_string();
        (name, fs::read_to_string(file).unwrap())
    };
    files.iter().map(read).collect()
}

fn xml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            xml_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "xml") {
            found.push(path);
        }
    }
}
