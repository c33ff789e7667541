//! Statistics as they are printed: the lines of virsh, compared with virsh's own for
//! its test driver where virsh is installed.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
use common::run;
use std::process::Command;

fn sim(words: &str) -> String {
    let mut all = vec!["-c", "sim:?guests=4"];
    all.extend(words.split(' '));
    let ran = run(&all);
    assert_eq!(ran.status, 0, "{words}: {}", ran.err);
    ran.out
}

/// A text with one `N` for each number, and none of the names of devices.
fn shape(text: &str, device: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = line.replace(device, "DEVICE");
        let mut shape = String::new();
        for c in line.chars() {
            match c {
                '0'..='9' if shape.ends_with('N') => {}
                '0'..='9' => shape.push('N'),
                ' ' if shape.ends_with("  ") => {}
                c => shape.push(c),
            }
        }
        shape
    };
    text.lines().map(line).collect()
}

/// What virsh prints of its test driver's domain; `None` where it is not installed.
fn virsh(words: &str) -> Option<String> {
    let mut command = Command::new("virsh");
    command.args(["-c", "test:///default"]);
    let output = command.args(words.split(' ')).output().ok()?;
    assert!(output.status.success(), "virsh {words}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn lines_are_those_of_virsh() {
    for (ours, theirs, our_device, their_device) in [
        (
            "domifstat pv1 vif1.0",
            "domifstat test testnet0",
            "vif1.0",
            "testnet0",
        ),
        (
            "domstats --state pv1",
            "domstats --state test",
            "pv1",
            "test",
        ),
    ] {
        let Some(theirs) = virsh(theirs) else {
            println!("skipped: virsh is not installed");
            return;
        };
        assert_eq!(
            shape(&sim(ours), our_device),
            shape(&theirs, their_device),
            "{ours}"
        );
    }
    // virsh's driver counts errors, Xen does not; Xen counts flushes.
    for (option, without) in [("", "errs"), (" --human", "error count")] {
        let theirs = virsh(&format!("domblkstat test vda{option}")).unwrap();
        let theirs = shape(&theirs, "vda").into_iter();
        let theirs: Vec<String> = theirs.filter(|line| !line.contains(without)).collect();
        let ours = shape(&sim(&format!("domblkstat pv1 xvda{option}")), "xvda").into_iter();
        let ours: Vec<String> = ours.filter(|line| !line.contains("flush")).collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn times_and_memory_are_laid_out_as_by_virsh() {
    if virsh("uri").is_none() {
        println!("skipped: virsh is not installed");
        return;
    }
    let common = |text: String, device: &str| -> Vec<String> {
        let lines = shape(&text, device).into_iter();
        let kept = [
            "CPUN:",
            "Total:",
            "\tcpu_time",
            "user:",
            "system:",
            "idle:",
            "actual ",
            "available ",
        ];
        lines
            .filter(|line| kept.iter().any(|it| line.starts_with(it)))
            .collect()
    };
    for (ours, theirs, lines) in [
        (
            "cpu-stats pv1 --start 0 --count 1",
            "cpu-stats test --start 0 --count 1",
            2,
        ),
        ("cpu-stats pv1 --total", "cpu-stats test --total", 2),
        ("nodecpustats", "nodecpustats", 3),
        ("dommemstat pv1", "dommemstat test", 2),
    ] {
        let ours = common(sim(ours), "pv1");
        assert_eq!(ours.len(), lines, "{ours:?}");
        assert_eq!(ours, common(virsh(theirs).unwrap(), "test"));
    }
}

#[test]
fn a_disk_and_an_interface_are_found_by_their_names() {
    let by_name = sim("--json domblkstat pv1 xvda");
    assert!(by_name.contains("\"read_requests\":"), "{by_name}");
    for device in ["51712", "/var/lib/xen/images/pv1.img", ""] {
        sim(format!("--json domblkstat pv1 {device}").trim_end());
    }
    sim("domifstat pv1 00:16:3e:00:00:01");
    let wrong = run(&["-c", "sim:?guests=1", "domifstat", "pv1", "vif7.0"]);
    assert!(
        wrong.err.contains("'vif7.0' is no interface"),
        "{}",
        wrong.err
    );
}

#[test]
fn statistics_of_many_domains_are_one_listing() {
    let all = sim("domstats");
    assert_eq!(all.matches("Domain: '").count(), 5, "{all}");
    assert!(
        all.contains("\n\nDomain: 'pv1'\n  state.state=1\n"),
        "{all}"
    );
    let inactive = sim("domstats --list-inactive --balloon");
    let expected = "Domain: 'pv4'\n  balloon.current=4096\n  balloon.maximum=8192\n\n";
    assert_eq!(inactive, expected);
    let some = sim("--json domstats pv1 --vcpu");
    let some: serde_json::Value = serde_json::from_str(&some).unwrap();
    assert_eq!(some["domains"][0]["stats"]["vcpu.current"], 1);
    let refused = run(&["-c", "sim:", "domstats", "--perf", "--enforce"]);
    assert!(
        refused.err.contains("no statistics of types 0x40"),
        "{}",
        refused.err
    );
}

#[test]
fn groups_of_states_are_those_of_the_list() {
    for group in ["running", "paused", "shutoff", "other"] {
        let listed = sim(&format!("list --all --name --state-{group}"));
        let listed: Vec<&str> = listed.lines().filter(|it| !it.is_empty()).collect();
        assert!(!listed.is_empty(), "{group}");
        let told = sim(&format!("domstats --state --list-{group}"));
        let told = told.lines().filter_map(|it| it.strip_prefix("Domain: '"));
        let told: Vec<&str> = told.map(|it| it.trim_end_matches('\'')).collect();
        assert_eq!(told, listed, "{group}");
    }
}

#[test]
fn the_reason_of_missing_counters_is_told() {
    let old = run(&[
        "--json",
        "-c",
        "sim:?guests=1&release=3.0.1",
        "domstats",
        "pv1",
    ]);
    let why = old.json()["domains"][0]["uncounted"][0].clone();
    assert!(why.as_str().unwrap().contains("do not count"), "{why}");
    let json = run(&["--json", "-c", "sim:?release=3.1", "nodecpustats"]).json();
    assert_eq!(json["scope"], "Domain-0");
    assert!(json["iowait_ns"].is_u64());
}
