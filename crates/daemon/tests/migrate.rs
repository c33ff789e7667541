//! Two daemons on two simulated hosts, and virsh that moves domains between them.
//! Skipped with a printed line where virsh is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, Daemon, has_virsh};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};

/// A host that takes domains, as the options of its URI.
fn taking(options: &str) -> String {
    // Nobody else takes the port in the time until the host does.
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr();
    format!("sim:?relocation={}{options}", port.unwrap().port())
}

fn uri(of: &Daemon) -> String {
    format!("xen+unix:///system?socket={}", of.socket().display())
}

/// Moves a domain with these options.
fn migrate(from: &Daemon, to: &Daemon, words: &str) -> Answer {
    from.ask(false, &format!("migrate {words} --desturi {}", uri(to)))
}

fn names(daemon: &Daemon, option: &str) -> Vec<String> {
    let answer = daemon.ask(false, format!("list --name {option}").trim());
    let names = answer.text.lines().filter(|line| !line.is_empty());
    names.map(str::to_owned).collect()
}

fn listen(to: &Daemon) -> Child {
    let mut command = to.virsh(false);
    command.args(["event", "--loop", "--event", "lifecycle", "--timeout", "5"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    // It has to be there before anything happens.
    std::thread::sleep(std::time::Duration::from_millis(800));
    child
}

fn heard(listener: Child) -> String {
    let output = listener.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_domain_moves_and_both_sides_tell_of_it() {
    if !has_virsh() {
        return;
    }
    let here = Daemon::start("sim:?guests=2");
    let there = Daemon::start(&taking(""));
    let (left, came) = (listen(&here), listen(&there));
    let moved = migrate(&here, &there, "--live pv1");
    assert!(moved.succeeded, "{}", moved.text);
    assert_eq!(names(&here, ""), ["Domain-0", "pv2"]);
    assert_eq!(names(&there, ""), ["Domain-0", "pv1"]);
    assert_eq!(names(&here, "--inactive"), ["pv1"], "its definition stays");
    there.ask(false, "dominfo pv1").has(&["Persistent: no"]);
    let uuid = |daemon: &Daemon| daemon.ask(false, "domuuid pv1").text;
    assert_eq!(uuid(&here), uuid(&there));
    let left = heard(left);
    assert!(left.contains("'pv1': Stopped Migrated"), "{left}");
    let came = heard(came);
    for event in ["'pv1': Started Migrated", "'pv1': Resumed Migrated"] {
        assert!(came.contains(event), "{came}");
    }
}

/// XenD gives a domain another name while it is on its way.
#[test]
fn a_domain_is_found_while_it_is_on_its_way() {
    if !has_virsh() {
        return;
    }
    let mut here = Daemon::start("sim:?guests=1&save=2s");
    let there = Daemon::start(&taking(""));
    let mut command = here.virsh(false);
    command.args(["migrate", "--live", "pv1", "--desturi", &uri(&there)]);
    let moving = command.stderr(Stdio::piped()).spawn().unwrap();
    here.wait_until("the job is there", |here| {
        let answer = here.ask(false, "domjobinfo pv1");
        answer.text.contains("Outgoing migration")
    });
    assert_eq!(names(&here, ""), ["Domain-0", "pv1"]);
    here.ask(false, "domstate pv1").has(&["running"]);
    let busy = here.ask(false, "domcontrol pv1");
    assert!(busy.text.starts_with("background job"), "{}", busy.text);
    let output = moving.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(names(&here, ""), ["Domain-0"]);
    let last = here.ask(false, "domjobinfo pv1 --completed");
    last.has(&["Job type: Completed", "Operation: Outgoing migration"]);
}

#[test]
fn definitions_and_names_go_as_they_are_told() {
    if !has_virsh() {
        return;
    }
    let here = Daemon::start("sim:?guests=2");
    let there = Daemon::start(&taking(""));
    let moved = migrate(
        &here,
        &there,
        "--live --persistent --undefinesource --dname moved pv1",
    );
    assert!(moved.succeeded, "{}", moved.text);
    assert_eq!(names(&here, "--all"), ["Domain-0", "pv2"]);
    assert_eq!(names(&there, "--all"), ["Domain-0", "moved"]);
    there.ask(false, "dominfo moved").has(&["Persistent: yes"]);
    there
        .ask(false, "destroy moved")
        .has(&["Domain 'moved' destroyed"]);
    there
        .ask(false, "start moved")
        .has(&["Domain 'moved' started"]);
    // And back, where nobody takes it: it stays.
    let refused = migrate(&there, &here, "--live moved");
    assert!(
        refused.text.contains("xend-relocation-server"),
        "{}",
        refused.text
    );
    assert_eq!(names(&there, ""), ["Domain-0", "moved"]);
}

#[test]
fn what_fails_on_the_way_leaves_the_domain_on_one_side() {
    if !has_virsh() {
        return;
    }
    let here = Daemon::start("sim:?guests=2");
    let there = Daemon::start(&taking(""));
    // A destination that breaks off when the memory is to come.
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let breaking = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"receive\n");
        stream.write_all(b"(ready receive)\n").unwrap();
        let mut signature = [0; 16];
        stream.read_exact(&mut signature).unwrap();
        assert_eq!(&signature, b"LinuxGuestRecord");
    });
    let words = format!("--live pv1 --migrateuri xenmigr://127.0.0.1:{port}/");
    let failed = migrate(&here, &there, &words);
    breaking.join().unwrap();
    assert!(failed.text.contains("xc_save"), "{}", failed.text);
    here.ask(false, "domstate pv1").has(&["running"]);
    assert_eq!(names(&there, "--all"), ["Domain-0"]);
    // The move itself is still possible.
    let moved = migrate(&here, &there, "pv1");
    assert!(moved.succeeded, "{}", moved.text);
}

#[test]
fn a_lost_answer_leaves_the_domain_where_it_came_to() {
    if !has_virsh() {
        return;
    }
    let here = Daemon::start("sim:?guests=1&fault=cut,0,op=migrate");
    let there = Daemon::start(&taking(""));
    let failed = migrate(&here, &there, "--live pv1");
    assert!(!failed.succeeded, "{}", failed.text);
    assert_eq!(names(&here, ""), ["Domain-0"]);
    assert_eq!(names(&there, ""), ["Domain-0", "pv1"]);
}

#[test]
fn what_cannot_be_moved_is_refused_before() {
    if !has_virsh() {
        return;
    }
    let here = Daemon::start("sim:?guests=2&release=4.1");
    let same = Daemon::start(&taking("&guests=2"));
    let older = Daemon::start(&taking("&release=3.4"));
    for (to, words, reason) in [
        (&same, "--live pv1", "needs it shut off"),
        (&older, "--live pv1", "comes from Xen 4.1"),
        (&older, "--live pv1 --suspend", "suspend it afterwards"),
        (&older, "--live pv1 --bandwidth 5", "--bandwidth"),
        (&older, "--live Domain-0", "control domain"),
        (&older, "--live pv1 --copy-storage-all", "unsupported flags"),
        (
            &older,
            "--direct --persistent pv2 --migrateuri xenmigr://127.0.0.1:1/",
            "need the URI of the daemon",
        ),
    ] {
        let refused = migrate(&here, to, words);
        assert!(!refused.succeeded, "{words}: {}", refused.text);
        assert!(refused.text.contains(reason), "{words}: {}", refused.text);
    }
    assert_eq!(names(&here, ""), ["Domain-0", "pv1", "pv2"]);
}
