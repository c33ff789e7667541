//! libvirt's own conversion cases between domain XML and xm's and xl's files.
//!
//! A case that cannot pass stands in a list with its reason; the test fails when
//! another one fails and when a listed one passes.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Element, differences};
use std::collections::BTreeMap;
use std::fs;
use virtxen_formats::config::{Document, Value};
use virtxen_formats::sxpr::ConfigVersion;
use virtxen_formats::{xl, xm};
use virtxen_guest::{FormatOptions, Guest, ParseOptions, Rules, format_guest, parse_guest};
use virtxen_testkit::{record_domain_xml, shared};

/// Cases that differ, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "xmconfig/v9.0.0/2xml-pv-bootloader:cfg-to-xml(unlisted)",
        STALE,
    ),
    (
        "xmconfig/v1.3.0/2xml-pv-bootloader:cfg-to-xml(unlisted)",
        STALE,
    ),
];
const STALE: &str = "not run upstream: the XML is of a running domain, without a processor";

/// One case.
struct Case {
    id: String,
    newer: bool,
    version: Option<u32>,
    from_xml: bool,
    input: String,
    expected: String,
}

fn cases(set: &str) -> Vec<Case> {
    let Some(folder) = shared(&format!("corpus/{set}")) else {
        return Vec::new();
    };
    let index = fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let all = index["cases"].as_array().unwrap().iter();
    all.map(|case| {
        // Data files break long lines with a backslash at the end.
        let read = |key: &str| {
            let text = fs::read_to_string(folder.join(case[key].as_str().unwrap())).unwrap();
            text.replace("\\\n", "")
                .replace("/LIBXL_FIRMWARE_DIR", "/usr/lib/xen/boot")
        };
        let number = case["params"]["xend_config_version"].as_u64();
        Case {
            id: case["id"].as_str().unwrap().to_owned(),
            newer: case["generation"] != "v1.3.0",
            version: number.and_then(|n| u32::try_from(n).ok()),
            from_xml: case["direction"] == "xml-to-cfg",
            input: read("input"),
            expected: read("expected"),
        }
    })
    .collect()
}

impl Case {
    fn dialect(&self) -> xm::Dialect {
        if self.newer {
            return xm::Dialect::NEWEST;
        }
        ConfigVersion::from_number(Some(self.version.unwrap_or(4))).into()
    }

    fn host(&self) -> xm::Host {
        xm::Host {
            arch: Some(if self.newer { "x86_64" } else { "i686" }.to_owned()),
            ..xm::Host::default()
        }
    }
}

#[test]
fn xm_files_and_documents_become_each_other() {
    check(&cases("xmconfig"), |case| {
        if case.from_xml {
            let guest = guest_of(&case.input)?;
            let written = xm::guest_to_xm(&guest, case.dialect(), &xm::Bridges::new());
            compare_files(&written.map_err(|e| e.to_string())?.value, &case.expected)
        } else {
            let document = Document::read(&case.input).map_err(|e| e.to_string())?;
            let guest = xm::xm_to_guest(&document, case.dialect(), &case.host());
            compare_documents(guest.map_err(|e| e.to_string())?.value, case)
        }
    });
}

#[test]
fn xl_files_and_documents_become_each_other() {
    check(&cases("xlconfig"), |case| {
        if case.from_xml {
            let guest = guest_of(&case.input)?;
            let written = xl::guest_to_xl(&guest, &xl::Bridges::new());
            compare_files(&written.map_err(|e| e.to_string())?.value, &case.expected)
        } else {
            let document = Document::read(&case.input).map_err(|e| e.to_string())?;
            let guest = xl::xl_to_guest(&document, &case.host());
            compare_documents(guest.map_err(|e| e.to_string())?.value, case)
        }
    });
}

/// What we write for libvirt's documents is read as the same guest by ourselves.
#[test]
fn files_come_back_unchanged() {
    for case in cases("xlconfig").iter().chain(&cases("xmconfig")) {
        let is_xl = case.id.starts_with("xlconfig");
        let text = if case.from_xml {
            &case.expected
        } else {
            &case.input
        };
        let document = Document::read(text).unwrap();
        let mut same = document.clone();
        let guest = if is_xl {
            let guest = xl::xl_to_guest(&document, &case.host()).unwrap().value;
            xl::apply(&mut same, &guest, &xl::Bridges::new()).unwrap();
            guest
        } else {
            let guest = xm::xm_to_guest(&document, case.dialect(), &case.host());
            let guest = guest.unwrap().value;
            xm::apply(&mut same, &guest, case.dialect(), &xm::Bridges::new()).unwrap();
            guest
        };
        assert_eq!(same.to_string(), *text, "{}", case.id);
        let again = if is_xl {
            let written = xl::guest_to_xl(&guest, &xl::Bridges::new()).unwrap();
            xl::xl_to_guest(&written.value, &case.host()).unwrap()
        } else {
            let written = xm::guest_to_xm(&guest, case.dialect(), &xm::Bridges::new()).unwrap();
            xm::xm_to_guest(&written.value, case.dialect(), &case.host()).unwrap()
        };
        assert_eq!(again.value, guest, "{}", case.id);
    }
}

fn guest_of(xml: &str) -> Result<Guest, String> {
    let parsed = parse_guest(xml, &ParseOptions::default());
    parsed.map(|p| p.value).map_err(|e| e.to_string())
}

fn compare_files(ours: &Document, theirs: &str) -> Result<(), String> {
    let theirs = Document::read(theirs).map_err(|e| e.to_string())?;
    let names = |document: &Document| -> BTreeMap<String, Value> {
        let settings = document.settings().iter();
        settings
            .map(|it| (it.name.clone(), it.value.clone()))
            .collect()
    };
    let (ours, theirs) = (names(ours), names(&theirs));
    if ours == theirs {
        return Ok(());
    }
    let mut found = String::new();
    for name in ours.keys().chain(theirs.keys()) {
        if ours.get(name) != theirs.get(name) {
            let (a, b) = (ours.get(name), theirs.get(name));
            found += &format!("\n    {name}: {a:?}\n    instead of {b:?}");
        }
    }
    Err(found)
}

fn compare_documents(mut guest: Guest, case: &Case) -> Result<(), String> {
    let rules = if case.newer {
        &Rules::LIBXL
    } else {
        &Rules::XEND
    };
    guest.fill_defaults(rules);
    let options = FormatOptions {
        secure: true,
        inactive: true,
        ..FormatOptions::default()
    };
    let written = format_guest(&guest, &options);
    record_domain_xml("config", &written);
    let trees = [&written, &case.expected].map(|xml| normalised(Element::parse(xml)));
    if trees[0] == trees[1] {
        Ok(())
    } else {
        Err(differences(&trees[0], &trees[1], ""))
    }
}

/// Without what the corpus says has no meaning: the order of different elements
/// and the driver that libvirt's libxl driver gave PCI devices without being told.
fn normalised(mut domain: Element) -> Element {
    let devices = domain.children.iter_mut().filter(|c| c.name == "devices");
    for device in devices.flat_map(|devices| &mut devices.children) {
        if device.name == "hostdev" {
            device.children.retain(|child| child.name != "driver");
        }
    }
    domain.sort();
    domain
}

fn check(cases: &[Case], mut run: impl FnMut(&Case) -> Result<(), String>) {
    let mut wrong = String::new();
    for case in cases {
        let excepted = EXCEPTIONS.iter().find(|(id, _)| *id == case.id);
        match (run(case), excepted) {
            (Ok(()), None) => {}
            (Err(_), Some((id, reason))) => println!("exception: {id}: {reason}"),
            (Ok(()), Some((id, _))) => wrong += &format!("{id}: passes, but is an exception\n"),
            (Err(error), None) => wrong += &format!("{}: {error}\n", case.id),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} cases", cases.len());
}
