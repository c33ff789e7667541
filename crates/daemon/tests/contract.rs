//! What qubesd asks of libvirt: its calls, the error codes that it tells apart, its
//! events, a daemon that is killed under it, a guest that is stuck.
//!
//! contract.py asks through libvirt's own library. Here is the host, which outlives
//! the daemons that the program starts and kills. Skipped with a printed line where
//! python3-libvirt is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::serve;
use std::process::Command;

/// Debian's package is for its own interpreter, whatever else is in the path.
const PYTHON: &str = "/usr/bin/python3";

/// Runs a part of contract.py with a simulated host.
fn play(part: &str, host: &str) {
    let known = Command::new(PYTHON)
        .args(["-c", "import libvirt, libvirtaio"])
        .output();
    if !known.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3-libvirt is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let xend = folder.path().join("xend");
    serve(host, &xend);
    let output = Command::new(PYTHON)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract.py"))
        .args([part, env!("CARGO_BIN_EXE_virtxend")])
        .arg(&xend)
        .arg(folder.path().join("sock"))
        .env("LC_ALL", "C")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    // A program that ends early has not asked everything.
    assert!(text.lines().any(|line| line == "kept"), "{text}{errors}");
    print!("{text}");
}

#[test]
fn calls_give_what_qubesd_expects() {
    play("calls", "sim:?guests=2");
}

#[test]
fn events_come_in_order_through_libvirtaio() {
    play("events", "sim:?guests=1");
}

#[test]
fn a_killed_daemon_is_noticed_and_the_next_adopts_the_guests() {
    play("restart", "sim:?guests=2");
}

/// pv1 never gets its disk and is never paused; hvm3 is well.
#[test]
fn a_stuck_guest_delays_nobody_else() {
    play(
        "stuck",
        "sim:?guests=3&dead-device=xvdz&hung-guest=pv2&fault=hang,op=pause",
    );
}
