//! Long operations as virsh shows them while they run, gives them up, and hears of
//! their end. Skipped with a printed line where virsh is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Daemon, has_virsh};
use std::process::{Child, Stdio};

/// A virsh that goes on meanwhile.
fn begin(daemon: &Daemon, words: &str) -> Child {
    let mut command = daemon.virsh(false);
    command.args(words.split(' '));
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_save_is_watched_and_given_up() {
    if !has_virsh() {
        return;
    }
    let mut daemon = Daemon::start("sim:?guests=2&save=20s");
    let file = daemon.folder().join("pv1.save");
    let saving = begin(&daemon, &format!("save pv1 {}", file.display()));
    daemon.wait_until("the job is there", |daemon| {
        let answer = daemon.ask(false, "domjobinfo pv1");
        answer.text.contains("Save")
    });
    let answer = daemon.ask(false, "domjobinfo pv1");
    answer.has(&["Job type: Unbounded", "Operation: Save"]);
    let control = daemon.ask(false, "domcontrol pv1");
    assert!(
        control.text.starts_with("background job"),
        "{}",
        control.text
    );
    daemon.ask(false, "domjobabort pv1").has(&[""]);
    let output = saving.wait_with_output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("save of pv1 was cancelled"), "{text}");
    let answer = daemon.ask(false, "domjobinfo pv1 --completed");
    answer.has(&["Job type: Cancelled", "Operation: Save"]);
    let again = daemon.ask(false, "domjobinfo pv1 --completed");
    again.has(&["Job type: None"]);
    let idle = daemon.ask(false, "domjobabort pv2");
    assert!(idle.text.contains("no job is active"), "{}", idle.text);
}

#[test]
fn the_end_of_a_job_and_a_change_of_vcpus_are_events() {
    if !has_virsh() {
        return;
    }
    let mut daemon = Daemon::start("sim:?guests=1&save=0ms");
    let file = daemon.folder().join("pv1.core");
    for (event, words, seen) in [
        (
            "tunable",
            "vcpupin pv1 0 1".to_owned(),
            "cputune.vcpupin0: 1",
        ),
        (
            "tunable",
            "schedinfo pv1 --set weight=300".to_owned(),
            "cputune.cpu_shares: 300",
        ),
        (
            "job-completed",
            format!("dump pv1 {}", file.display()),
            "operation: 8",
        ),
    ] {
        let watching = ["event", "--event", event, "--timeout", "60"];
        let mut watching = Some(begin(&daemon, &watching.join(" ")));
        daemon.wait_until("the watcher has seen an event", |daemon| {
            daemon.ask(false, &words);
            matches!(watching.as_mut().unwrap().try_wait(), Ok(Some(_)))
        });
        let output = watching.take().unwrap().wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(seen), "{event}: {text}");
    }
}
