//! The capabilities documents of libvirt's legacy driver: each recorded host's
//! facts give the same tree, and every document passes libvirt's own schema.

#![allow(clippy::unwrap_used)]

mod common;

use common::Element;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use virtxen_formats::capabilities::{
    Arch, Capabilities, CpuFlags, CpuPlace, DomainQuery, HostCpu, HostFacts, NumaCell,
};
use virtxen_guest::{MemoryKib, Uuid};
use virtxen_testkit::shared;

#[test]
fn recorded_hosts_give_libvirts_documents() {
    let Some(folder) = shared("corpus/xencaps") else {
        return;
    };
    let index = fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let cases = index["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let read =
            |key: &str| fs::read_to_string(folder.join(case[key].as_str().unwrap())).unwrap();
        let caps = Capabilities::of_host(HostFacts {
            guest_types: &read("input"),
            cpu: CpuFlags::from_cpuinfo(&read("input2")),
            arch: Arch::from_name(case["params"]["host_arch"].as_str().unwrap()).unwrap(),
            xen_version: None,
            uuid: None,
            migration_transports: &["xenmigr"],
            cells: Vec::new(),
        });
        assert_eq!(
            Element::parse(&caps.format()),
            Element::parse(&read("expected")),
            "{}",
            case["id"]
        );
    }
}

/// Of the installed schema two words are missing that libvirt itself writes for
/// Xen: the transport `xenmigr` and the feature `viridian`.
#[test]
fn documents_pass_libvirts_schema() {
    let cell = NumaCell {
        id: 0,
        memory: Some(MemoryKib::from_mib(8192)),
        cpus: vec![HostCpu {
            id: 0,
            place: Some(CpuPlace {
                socket: 0,
                core: 0,
                siblings: vec![0, 1],
            }),
        }],
    };
    for (arch, version) in [
        (Arch::X86_64, None),
        (Arch::I686, Some((3, 3))),
        (Arch::Ia64, Some((3, 1))),
    ] {
        let caps = Capabilities::of_host(HostFacts {
            guest_types: "xen-3.0-x86_64 xen-3.0-x86_32p xen-3.0-ia64be hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64",
            cpu: CpuFlags::from_hw_caps("0febfbff:20100800:0:140:0000e3bd:0:1", (4, 1)),
            arch,
            xen_version: version,
            uuid: Some(Uuid::random()),
            migration_transports: &["tcp"],
            cells: vec![cell.clone()],
        });
        validate(&caps.format(), "capability");
    }
}

#[test]
fn the_schema_accepts_what_guests_can_be_made_of() {
    for version in [None, Some((3, 4)), Some((4, 5)), Some((4, 22))] {
        let caps = Capabilities::of_host(HostFacts {
            guest_types: "xen-3.0-x86_64 hvm-3.0-x86_64",
            cpu: CpuFlags::default(),
            arch: Arch::X86_64,
            xen_version: version,
            uuid: None,
            migration_transports: &[],
            cells: Vec::new(),
        });
        for guest in &caps.guests {
            let query = DomainQuery {
                machine: Some(guest.guest_type.machine()),
                emulator: Some("/opt/a<b"),
                ..DomainQuery::default()
            };
            let found = caps.of_guests(&query).unwrap();
            validate(&found.format(), "domaincaps");
        }
    }
}

fn validate(xml: &str, schema: &str) {
    let child = Command::new("virt-xml-validate")
        .args(["-", schema])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: no virt-xml-validate here");
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(xml.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}{}\n{xml}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
