//! `--json` of every command: one document, of a result or of an error, and the
//! help and the documentation of every command. The commands are taken from the
//! program itself.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
use common::{root, run};
use serde_json::Value;
use std::collections::BTreeMap;

/// Commands about snapshots, each on a host without one.
const SNAPSHOTS: [(&str, &str); 8] = [
    ("snapshot-create", "mailhub"),
    ("snapshot-create-as", "mailhub one"),
    ("snapshot-list", "mailhub"),
    ("snapshot-dumpxml", "mailhub one"),
    ("snapshot-edit", "mailhub one"),
    ("snapshot-current", "mailhub"),
    ("snapshot-revert", "mailhub one"),
    ("snapshot-delete", "mailhub one"),
];

/// What the commands about models of processors get.
const PROCESSORS: [(&str, &str); 3] = [
    ("cpu-compare", "examples/fullvirt-bios.xml"),
    ("cpu-baseline", "examples/fullvirt-bios.xml"),
    ("cpu-models", "x86_64"),
];

/// What the commands about devices of the host get.
const HOST_DEVICES: [(&str, &str); 3] = [
    ("nodedev-detach", "0000:03:00.0"),
    ("nodedev-reattach", "pci_0000_03_00_0"),
    ("nodedev-reset", "0000:03:00.0"),
];

/// Arguments with which a command works on a host with the guest `mailhub` running,
/// or fails as its JSON says. Commands without an entry get none.
fn arguments() -> BTreeMap<&'static str, &'static str> {
    let mut arguments = BTreeMap::from([
        ("create", "examples/paravirt-kernel.xml"),
        ("define", "examples/paravirt-kernel.xml"),
        ("domrename", "mailhub post"),
        ("setmem", "mailhub 128M"),
        ("setmaxmem", "mailhub 512M"),
        ("dompmsuspend", "mailhub mem"),
        ("setvcpus", "mailhub 1"),
        ("setvcpu", "mailhub 0 --enable"),
        ("send-key", "mailhub KEY_SYSRQ KEY_S"),
        ("attach-device", "mailhub crates/cli/tests/data/disk.xml"),
        ("detach-device", "mailhub crates/cli/tests/data/disk.xml"),
        ("update-device", "mailhub crates/cli/tests/data/disk.xml"),
        ("attach-disk", "mailhub /dev/vg/x xvdf"),
        ("detach-disk", "mailhub xvdb"),
        ("attach-interface", "mailhub bridge br0"),
        ("detach-interface", "mailhub bridge"),
        ("change-media", "mailhub xvda --eject"),
        ("domblkinfo", "mailhub xvda"),
        ("domblkstat", "mailhub xvda"),
        ("domifstat", "mailhub vif1.0"),
        ("migrate", "mailhub otherhost"),
        ("event", "--all --timeout 1"),
        ("top", "-n 1"),
        ("domxml-from-native", "xen-sxpr /dev/null"),
        ("domxml-to-native", "xen-sxpr --domain mailhub"),
        ("convert", "examples/fullvirt-bios.xml --to xen-sxpr"),
        ("import", "--all"),
        ("validate", "examples/fullvirt-bios.xml"),
        ("shell", "examples/no-such-tour.vx"),
        ("sim", "/nonexistent/socket"),
        ("proxy", "/nonexistent/socket"),
        ("completions", "bash"),
        ("edit", "mailhub"),
        ("save", "mailhub /tmp/virtxen-test.save"),
        ("restore", "/nonexistent/virtxen-test.save"),
        ("save-image-dumpxml", "/nonexistent/virtxen-test.save"),
        (
            "save-image-define",
            "/nonexistent/virtxen-test.save examples/fullvirt-bios.xml",
        ),
        ("save-image-edit", "/nonexistent/virtxen-test.save"),
        ("managedsave-define", "mailhub examples/fullvirt-bios.xml"),
        ("metadata", "mailhub http://example.org --key e --set <e/>"),
        ("dump", "mailhub /tmp/virtxen-test.core"),
        ("dompmsuspend", "mailhub mem"),
        ("cpupool-create", "fast --sched credit2"),
        ("cpupool-destroy", "Pool-0"),
        ("cpupool-cpu-add", "Pool-0 3"),
        ("cpupool-cpu-remove", "Pool-0 3"),
        ("cpupool-migrate", "mailhub Pool-0"),
        ("xenstore-read", "/local/domain/0/name"),
        ("xenstore-write", "/tool/test value"),
        ("xenstore-rm", "/tool"),
        ("xenstore-watch", "/tool --count 1"),
    ]);
    arguments.extend(PROCESSORS);
    arguments.extend(HOST_DEVICES);
    arguments.extend(SNAPSHOTS);
    arguments
}

fn commands() -> Vec<Value> {
    let help = run(&["--json", "help"]);
    assert_eq!(help.status, 0);
    help.json()["commands"].as_array().expect("a list").clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

#[test]
fn every_command_answers_with_one_document() {
    let arguments = arguments();
    let commands = commands();
    assert!(commands.len() > 50, "{}", commands.len());
    let setup = "define examples/paravirt-bootloader.xml; start mailhub";
    for command in &commands {
        let name = text(command, "name");
        let options = command["options"].as_array().expect("a list");
        let takes_domain = options
            .iter()
            .any(|option| option["name"] == "domain" && option["required"] == true);
        let plain = if takes_domain { "mailhub" } else { "" };
        let line = format!("{name} {}", arguments.get(name).unwrap_or(&plain));
        let ran = run(&["--json", "-c", "sim:", &format!("{setup}; {line}")]);
        let document = ran.json();
        let results = document["commands"].as_array().expect("a list");
        let result = &results
            .get(2)
            .unwrap_or_else(|| panic!("{line}: {document}"))["result"];
        match result.get("error") {
            None => assert!(result.is_object(), "{line}: {document}"),
            Some(error) => {
                assert!(!text(error, "code").is_empty() && !text(error, "message").is_empty());
                assert_eq!(error["exit"], ran.status, "{line}: {document}");
                assert_ne!(error["code"], "usage", "{line}: {document}");
            }
        }
    }
}

#[test]
fn every_command_is_explained() {
    for command in commands() {
        let name = text(&command, "name");
        let help = run(&["help", name]);
        assert_eq!(help.status, 0, "{name}");
        assert!(
            help.out.contains(&format!("  NAME\n    {name} - ")),
            "{}",
            help.out
        );
        assert_eq!(run(&[name, "--help"]).out, help.out);
        let group = text(&command, "group");
        let pages: Vec<_> = std::fs::read_dir(root().join("docs/commands"))
            .expect("docs/commands")
            .map(|page| std::fs::read_to_string(page.unwrap().path()).unwrap())
            .filter(|page| page.starts_with(&format!("# {group}\n")))
            .collect();
        assert_eq!(pages.len(), 1, "one page for {group}");
        assert!(
            pages[0].contains(&format!("\n## {name}\n")),
            "{name} is not in its page"
        );
    }
}

#[test]
fn generated_pages_are_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&["generate", folder.path().to_str().unwrap()]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    for file in ran.out.lines().filter(|line| !line.is_empty()) {
        let name = std::path::Path::new(file)
            .strip_prefix(folder.path())
            .unwrap();
        let committed = std::fs::read_to_string(root().join("docs").join(name)).unwrap();
        assert!(
            std::fs::read_to_string(file).unwrap() == committed,
            "docs/{} is stale: run `virtxen generate docs`",
            name.display()
        );
    }
}

#[test]
fn keys_are_stable() {
    let list = run(&["--json", "list"]).json();
    assert_eq!(list["simulated"], true);
    let domain = &list["domains"][0];
    for key in [
        "id",
        "name",
        "uuid",
        "state",
        "reason",
        "active",
        "persistent",
        "os_type",
        "memory_kib",
        "max_memory_kib",
        "vcpus",
        "max_vcpus",
        "cpu_time_s",
    ] {
        assert!(domain.get(key).is_some(), "{key} of {domain}");
    }
    let error = run(&["dominfo", "nope", "--json"]);
    assert_eq!(error.status, 4);
    assert_eq!(error.json()["error"]["code"], "no-domain");
    assert_eq!(error.json()["error"]["libvirt_code"], 42);
    let error = run(&["--json", "--frob"]);
    assert_eq!(
        (error.status, &error.json()["error"]["code"]),
        (2, &Value::from("usage"))
    );
}
