//! The four documents of the page that the project starts from, and the
//! repository's own examples: every XenD gets an expression for them.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use virtxen_formats::sxpr::{Dialect, Target, guest_to_sxpr};
use virtxen_guest::{ParseOptions, parse_guest};
use virtxen_testkit::shared;

#[test]
fn documents_start_on_every_release() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")];
    folders.extend(shared("seed/examples"));
    let documents: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|e| e == "xml"))
        .collect();
    assert!(documents.len() >= 4);
    for file in documents {
        let text = fs::read_to_string(&file).unwrap();
        let guest = parse_guest(&text, &ParseOptions::default()).unwrap().value;
        for (format, minor, extra) in RELEASES {
            let dialect = Dialect::of_release(*format, 3, *minor, extra);
            let mut target = Target::new(dialect);
            target
                .bridges
                .insert("default".to_owned(), "virbr0".to_owned());
            let converted = guest_to_sxpr(&guest, &target).unwrap();
            let lost: Vec<_> = converted.notes.iter().filter(|n| n.essential).collect();
            // 3.0.3 and later can keep a console off the network and run boot
            // loaders, 3.2 and later boot a kernel without the firmware.
            let known = |path: &str| match path {
                "/domain/devices/graphics[1]/listen" | "/domain/bootloader" => format.is_none(),
                "/domain/os/kernel" => *minor < 2,
                _ => false,
            };
            assert!(
                lost.iter().all(|note| known(&note.path)),
                "{} 3.{minor}{extra}: {lost:?}",
                file.display()
            );
        }
    }
}

/// Format of the configuration, minor and patch number of a Xen 3.
const RELEASES: &[(Option<u32>, u32, &str)] = &[
    (None, 0, ".1"),
    (None, 0, ".2"),
    (Some(2), 0, ".3"),
    (Some(3), 0, ".4"),
    (Some(4), 1, ".0"),
    (Some(4), 4, ".0"),
];
