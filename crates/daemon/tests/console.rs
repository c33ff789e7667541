//! Consoles through the daemon: virsh in a terminal of its own, and clients that want
//! the same console.
//!
//! What needs virsh is skipped with a printed line where it is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::client::Client;
use common::{Daemon, has_virsh};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;
use virtxen_rpc::calls::{DomainLookupByName, NodeGetInfo};
use virtxen_rpc::{ClientEvent, Domain, StreamEvent, code};

/// `VIR_DOMAIN_CONSOLE_FORCE` and `_SAFE`.
const FORCE: u32 = 1;
const SAFE: u32 = 2;

#[test]
fn bytes_go_both_ways_until_the_client_has_enough() {
    let daemon = Daemon::start("sim:?guests=1");
    let mut client = Client::open(&daemon);
    let console = client.console("pv1", 0).unwrap();
    client.session.send_stream(console, b"ada\n").unwrap();
    client.shown(console, "ada");
    client.session.finish_stream(console).unwrap();
    while client.stream_event(console) != StreamEvent::Finished {}
    let again = client.console("pv1", 0).unwrap();
    client.session.abort_stream(again).unwrap();
    while client.stream_event(again) != StreamEvent::Finished {}
    client.call::<NodeGetInfo>(&()).unwrap();
}

#[test]
fn a_console_is_one_clients_until_another_takes_it() {
    let daemon = Daemon::start("sim:?guests=1");
    let (mut first, mut second) = (Client::open(&daemon), Client::open(&daemon));
    let console = first.console("pv1", 0).unwrap();
    let refused = second.console("pv1", 0).unwrap_err();
    assert_eq!(refused.code, code::OPERATION_FAILED);
    let unsafe_here = second.console("pv1", SAFE).unwrap_err();
    assert_eq!(unsafe_here.code, code::ARGUMENT_UNSUPPORTED);
    let taken = second.console("pv1", FORCE).unwrap();
    loop {
        match first.stream_event(console) {
            StreamEvent::Data(_) => {}
            StreamEvent::Failed(error) => {
                assert_eq!(error.code, code::OPERATION_ABORTED);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    second.session.send_stream(taken, b"eve\n").unwrap();
    second.shown(taken, "eve");
    drop(second);
    // The daemon sees the end of a client soon, not at once.
    let end = Instant::now() + std::time::Duration::from_secs(60);
    while first.console("pv1", 0).is_err() {
        assert!(Instant::now() < end, "the console is still taken");
    }
}

#[test]
fn the_console_ends_with_the_guest() {
    let daemon = Daemon::start("sim:?guests=1");
    let mut client = Client::open(&daemon);
    let console = client.console("pv1", 0).unwrap();
    let dom: Domain = client
        .call::<DomainLookupByName>(&"pv1".to_owned())
        .unwrap();
    let destroyed = client
        .session
        .call::<virtxen_rpc::calls::DomainDestroy>(&dom)
        .unwrap();
    let (mut ended, mut replied) = (false, false);
    while !(ended && replied) {
        match client.event() {
            ClientEvent::Stream(serial, event) if serial == console => {
                ended |= event == StreamEvent::End;
            }
            ClientEvent::Reply(serial, result) if serial == destroyed => {
                result.unwrap();
                replied = true;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        client.console("pv1", 0).unwrap_err().code,
        code::OPERATION_INVALID
    );
}

/// A terminal: our end, and the one for a program.
fn terminal() -> (File, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let path = OsStr::from_bytes(name.as_bytes());
    let theirs = OpenOptions::new().read(true).write(true).open(path);
    (File::from(ours), theirs.unwrap())
}

/// Longer than anything here takes.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

fn read_until(terminal: &mut File, words: &str) -> String {
    let mut text = String::new();
    while !text.contains(words) {
        let mut bytes = [0; 1024];
        let mut waited = [PollFd::new(&*terminal, PollFlags::IN)];
        assert_eq!(poll(&mut waited, Some(&PATIENCE)), Ok(1), "after {text}");
        let count = terminal.read(&mut bytes).unwrap_or(0);
        assert!(count > 0, "no '{words}' in {text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    text
}

#[test]
fn virsh_joins_a_console() {
    if !has_virsh() {
        return;
    }
    let daemon = Daemon::start("sim:?guests=1");
    let (mut ours, theirs) = terminal();
    let mut virsh = daemon
        .virsh(false)
        .args(["console", "pv1"])
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs.try_clone().unwrap())
        .stderr(theirs)
        .spawn()
        .unwrap();
    // What is typed before virsh has set up its terminal is lost.
    read_until(&mut ours, "login: ");
    ours.write_all(b"grace\n").unwrap();
    read_until(&mut ours, "grace");
    ours.write_all(b"\x1d").unwrap();
    assert!(virsh.wait().unwrap().success());
}
