//! The shell and what lasts: scripts, the tour, events, Ctrl-C, the simulated XenD
//! on a socket, completion scripts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
use common::{Ran, root, run, virtxen};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn piped(words: &[&str]) -> Child {
    virtxen(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn typed(text: &str) -> Ran {
    let mut child = piped(&["shell"]);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

/// Sends Ctrl-C's signal to a child that has started.
fn interrupt(child: &Child) {
    std::thread::sleep(Duration::from_millis(500));
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn the_tour_ends_well() {
    let ran = run(&["--connect", "sim:", "shell", "examples/tour.vx"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    for name in ["mailhub", "orchard", "frontdesk", "buildbox"] {
        assert!(ran.out.contains(&format!(" {name} ")), "{name}");
    }
}

#[test]
fn a_script_is_echoed_and_stops_at_the_first_failure() {
    let ran = typed("# a comment\nhostname\n-dominfo nope\nuri\ndominfo nope\nversion\n");
    assert_eq!(ran.status, 4);
    assert!(ran.out.contains("virtxen # uri\nsim:\n"), "{}", ran.out);
    assert!(!ran.out.contains("virtxen # version"), "{}", ran.out);
    assert_eq!(ran.err.matches("failed to get domain").count(), 2);
}

#[test]
fn event_waits_shows_and_ends() {
    let script = "define examples/paravirt-bootloader.xml; start mailhub; shutdown mailhub; \
                  event --domain mailhub --all --timeout 20";
    let ran = run(&["-c", "sim:", script]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        ran.out.contains("event 'lifecycle' for domain 'mailhub': "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("events received: 1\n"), "{}", ran.out);
    let none = run(&["event", "--all", "--timeout", "1"]);
    assert_eq!(none.status, 5);
    assert!(none.out.contains("event loop timed out\n"), "{}", none.out);
}

#[test]
fn events_in_json_are_streamed_outside_of_scripts() {
    let wait = "event --all --loop --timeout 2";
    let words: Vec<&str> = ["--json"].into_iter().chain(wait.split(' ')).collect();
    let lines = run(&words).out;
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["ended_by"], "timeout");
    assert!(last.get("events").is_none(), "{last}");
    let change = "define examples/paravirt-bootloader.xml; start mailhub; shutdown mailhub";
    let ran = run(&["--json", "-c", "sim:", &format!("{change}; {wait}")]);
    let ended = &ran.json()["commands"][3]["result"];
    let events = ended["events"].as_array().unwrap();
    assert_eq!(ended["received"], events.len());
    assert_eq!(events[0]["domain"], "mailhub");
}

#[test]
fn ctrl_c_ends_a_wait() {
    let child = piped(&["event", "--all", "--loop"]);
    interrupt(&child);
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.status, 130, "{}", ran.err);
}

#[test]
fn a_simulated_xend_is_served_on_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("xend");
    let path = socket.to_str().unwrap();
    let server = piped(&["-c", "sim:?release=3.0.4", "sim", "--socket", path]);
    let patience = Instant::now() + Duration::from_secs(20);
    while !socket.exists() {
        assert!(Instant::now() < patience, "no socket");
        std::thread::sleep(Duration::from_millis(20));
    }
    let uri = format!("xend+unix://{path}");
    let listed = run(&["-c", &uri, "list"]);
    assert_eq!(listed.status, 0, "{}", listed.err);
    assert!(listed.out.contains("Domain-0"), "{}", listed.out);
    let version = run(&["-c", &uri, "version"]);
    assert!(
        version.out.contains("Xen 3.0.4") || version.out.contains("Xen 3.0"),
        "{}",
        version.out
    );
    interrupt(&server);
    let ran = Ran::of(server.wait_with_output().unwrap());
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(!socket.exists());
}

#[test]
fn completion_scripts_are_read_by_their_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.status, 0);
        assert!(script.out.contains("dominfo"), "{shell}");
        if Command::new(shell).arg("--version").output().is_err() {
            println!("skipped: no {shell} here");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("completion");
        std::fs::write(&file, script.out.trim_start_matches("virtxen # ")).unwrap();
        let read = Command::new(shell).arg("-n").arg(&file).status().unwrap();
        assert!(read.success(), "{shell}");
    }
}

#[test]
fn doctor_says_which_way_each_operation_goes() {
    let ran = run(&["doctor"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        ran.out.contains("Reached: Xen 4.1") && ran.out.contains("XenD"),
        "{}",
        ran.out
    );
    assert!(root().join("docs/channels/xend.md").exists());
}
