//! libvirt's own cases from domain XML to libxl's configuration, compared by their
//! meaning as the shelf's README says.

#![allow(clippy::unwrap_used)]

#[path = "common/json.rs"]
mod json;

use json::{differences, meaning};
use serde_json::Value;
use std::fs;
use virtxen_formats::libxl::{Release, Target, guest_to_libxl, libxl_to_guest};
use virtxen_guest::{FormatOptions, MemoryKib, ParseOptions, format_guest, parse_guest};
use virtxen_testkit::{record_domain_xml, shared};

/// One case.
struct Case {
    id: String,
    generation: String,
    /// What the upstream test's host is like: its libxl's release and the answers
    /// that it mocks.
    target: Target,
    input: String,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let Some(folder) = shared("corpus/libxl-json") else {
        return Vec::new();
    };
    let read = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        text.replace("\\\n", "")
    };
    let index: Value = serde_json::from_str(&read("index.json")).unwrap();
    let all = index["cases"].as_array().unwrap().iter();
    all.map(|case| {
        let needs = case["params"]["needs"].as_array();
        let needs: Vec<&str> = needs
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        Case {
            id: case["id"].as_str().unwrap().to_owned(),
            generation: case["generation"].as_str().unwrap().to_owned(),
            target: target(&needs, &case["params"]),
            input: read(case["input"].as_str().unwrap()),
            expected: serde_json::from_str(&read(case["expected"].as_str().unwrap())).unwrap(),
        }
    })
    .collect()
}

fn target(needs: &[&str], params: &Value) -> Target {
    // A key that libxl has under the kind of guest until 4.9.
    let old = needs.contains(&"!LIBXL_HAVE_BUILDINFO_NESTED_HVM");
    let release = Release::new(4, if old { 9 } else { 16 }).unwrap();
    Target {
        nested_hvm: params["nested_hvm_enabled"] == true,
        // The files for old releases were made when the mock told of one node only.
        nodes: Some(if old { 1 } else { 6 }),
        shadow: Some(MemoryKib(1234)),
        ports: (5900..6000).collect(),
        ..Target::new(release)
    }
}

#[test]
fn documents_become_configurations() {
    let cases = cases();
    let mut wrong = String::new();
    for case in &cases {
        let guest = parse_guest(&case.input, &ParseOptions::default());
        let guest = guest.unwrap_or_else(|problems| panic!("{}", problems.render()));
        let written = guest_to_libxl(&guest.value, &case.target).unwrap();
        let essential: Vec<_> = written.notes.iter().filter(|note| note.essential).collect();
        assert!(essential.is_empty(), "{}: {essential:?}", case.id);
        let mut ours = written.value;
        if case.generation == "v9.0.0" {
            // libvirt 9.0.0 does not say where the UEFI firmware is; later ones do.
            let own = ours["b_info"]["type.hvm"].as_object_mut();
            own.map(|own| own.remove("system_firmware"));
        }
        let found = differences(&meaning(&ours), &meaning(&case.expected), "");
        if !found.is_empty() {
            wrong += &format!("{}:{found}\n", case.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} cases", cases.len());
}

/// What libvirt writes is read as a guest that is written the same again.
#[test]
fn configurations_come_back() {
    for case in cases() {
        let read = libxl_to_guest(&case.expected).unwrap();
        assert_eq!(read.notes, [], "{}", case.id);
        let document = format_guest(&read.value, &FormatOptions::default());
        record_domain_xml("libxl-corpus", &document);
        let again = guest_to_libxl(&read.value, &case.target).unwrap();
        let found = differences(&meaning(&again.value), &meaning(&case.expected), "");
        assert!(found.is_empty(), "{}:{found}\n{document}", case.id);
    }
}
