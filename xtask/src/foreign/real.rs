//! virtxen's XenStore client on Xen's own xenstored, beside Xen's tools.
//! The programs and servers are started in `rig`.

use super::rig::{Rig, Server, printed, same, uri};
use super::simulated::{domains, same_tree, xens_tests, xl_rows};
use crate::workspace::cargo;
use crate::{Error, Result};
use std::path::Path;
use std::process::Child;

const GUESTS: u32 = 3;

/// A simulated hypervisor and Xen's xenstored on it.
fn pair(rig: &Rig) -> Result<(Server, Server)> {
    let simulated = rig.simulated(rig.release(), GUESTS)?;
    let xenstored = rig.xenstored(&simulated)?;
    Ok((simulated, xenstored))
}

pub(super) fn tests(rig: &Rig) -> Result<String> {
    let (_simulated, server) = pair(rig)?;
    xens_tests(rig, &server)?;
    Ok("12 tests pass, as they should".to_owned())
}

/// The tests of our client that take a xenstored from outside.
pub(super) fn requests(rig: &Rig) -> Result<String> {
    let (_simulated, server) = pair(rig)?;
    let mut test = cargo(rig.root());
    test.args(["test", "--quiet", "--package", "virtxen-xenstore"])
        .args(["--test", "alike", "--", "--test-threads", "1"])
        .env("VIRTXEN_XENSTORED", &server.xenstore)
        .env("RUST_BACKTRACE", "0");
    printed(&mut test, &["cargo", "test"])?;
    Ok("replies and events are the same, also to random requests".to_owned())
}

pub(super) fn tree(rig: &Rig) -> Result<String> {
    let (_simulated, server) = pair(rig)?;
    let bytes: String = (1..=255_u8)
        .map(|byte| match byte {
            b'\\' => "\\\\".to_owned(),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect();
    rig.ours_on(&server, &["xenstore-write", "/t/bytes", &bytes])?;
    rig.ours_on(&server, &["xenstore-write", "/t/a/b/c", "deep"])?;
    rig.ask(
        &server,
        &["xenstore-write", "/t/x", "1", "/t/y", "two words"],
    )?;
    rig.ask(&server, &["xenstore-chmod", "/t/x", "b1", "r2", "n3", "w4"])?;
    for number in 0..300 {
        let path = format!("/t/big/a-name-that-takes-some-room-{number}");
        rig.ours_on(&server, &["xenstore-write", &path, "x"])?;
    }
    let nodes = same_tree(rig, &server)?;
    let read = ["xenstore-read", "/t/bytes", "/t/y"];
    same(&rig.ask(&server, &read)?, &rig.ours_on(&server, &read)?)?;
    rig.ours_on(&server, &["xenstore-rm", "/t/a"])?;
    same_tree(rig, &server)?;
    Ok(format!("{nodes} nodes, one directory too big for a packet"))
}

pub(super) fn list(rig: &Rig) -> Result<String> {
    let (_simulated, server) = pair(rig)?;
    for domid in 0..=GUESTS {
        let memory = if domid == 0 { 1_048_576 } else { 4096 };
        for (node, value) in [
            ("name", format!("guest number {domid}")),
            (
                "vm",
                format!("/vm/5a11ab1e-0000-4000-8000-00000000000{domid}"),
            ),
            ("memory/target", memory.to_string()),
        ] {
            let path = format!("/local/domain/{domid}/{node}");
            rig.ours_on(&server, &["xenstore-write", &path, &value])?;
        }
    }
    let theirs = rig.ask(&server, &["xl", "list"])?;
    let theirs: Vec<String> = xl_rows(&theirs)
        .map(|row| format!("{} {} {}", row.domid, row.name, row.memory))
        .collect();
    let ours = rig.json(&uri(&server), &["list"])?;
    let ours: Vec<String> = domains(&ours)
        .map(|domain| {
            let name = domain["name"].as_str().unwrap_or_default();
            let memory = domain["memory_kib"].as_u64().unwrap_or_default() / 1024;
            format!("{} {name} {memory}", domain["id"])
        })
        .collect();
    let count = same(&theirs.join("\n"), &ours.join("\n"))?;
    Ok(format!("number, name and memory of {count} domains"))
}

pub(super) fn watch(rig: &Rig) -> Result<String> {
    let (_simulated, server) = pair(rig)?;
    let (theirs, ours) = (rig.path("watched-by-xen"), rig.path("watched-by-virtxen"));
    let mut command = rig.foreign("xenstore-watch", &server);
    command.args(["-n", "5", "/w"]);
    let mut xens = Running::start(command, &theirs)?;
    let command = rig.ours(&uri(&server), &["xenstore-watch", "/w", "--count", "5"]);
    let mut virtxens = Running::start(command, &ours)?;
    for file in [&theirs, &ours] {
        rig.wait("the first event", || !read(file).is_empty())?;
    }
    rig.ask(&server, &["xenstore-write", "/w/a/b", "1"])?;
    rig.ours_on(&server, &["xenstore-write", "/w/a", "2"])?;
    rig.ours_on(&server, &["xenstore-write", "/other", "3"])?;
    rig.ask(&server, &["xenstore-rm", "/w/a"])?;
    rig.ask(&server, &["xenstore-chmod", "/w", "r0"])?;
    rig.wait("the last event", || {
        xens.has_ended() && virtxens.has_ended()
    })?;
    let count = same(&read(&theirs), &read(&ours))?;
    Ok(format!("{count} events"))
}

/// xenstored is killed and comes back: the watch goes on and says what happened.
pub(super) fn restart(rig: &Rig) -> Result<String> {
    let (simulated, server) = pair(rig)?;
    let file = rig.path("watched-over-a-restart");
    let command = rig.ours(&uri(&server), &["xenstore-watch", "/w"]);
    let watch = Running::start(command, &file)?;
    rig.wait("the first event", || read(&file) == "/w\n")?;
    drop(server);
    let server = rig.xenstored(&simulated)?;
    rig.wait("a word about lost events", || read(&file).contains("lost"))?;
    // The word comes before the watch is set again: a change in between has no event.
    rig.wait("an event of the new xenstored", || {
        rig.ask(&server, &["xenstore-write", "/w/after", "1"])
            .is_ok()
            && read(&file).contains("/w/after\n")
    })?;
    drop(watch);
    Ok("a watch comes back, with a warning".to_owned())
}

/// A program whose output goes to a file.
struct Running(Child);

impl Running {
    fn start(mut command: std::process::Command, file: &Path) -> Result<Self> {
        let out = std::fs::File::create(file).map_err(Error::file(file))?;
        let err = out.try_clone().map_err(Error::file(file))?;
        command.stdout(out).stderr(err);
        let process = command.spawn().map_err(|source| Error::Start {
            program: command.get_program().to_string_lossy().into_owned(),
            source,
            advice: "",
        })?;
        Ok(Self(process))
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself when this fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
