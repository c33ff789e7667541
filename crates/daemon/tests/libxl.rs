//! The daemon on a release without XenD, driven by virsh: guests that are started by the
//! simulated libxl, end, and move to another host. Skipped with a printed line where virsh
//! is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, Daemon, has_virsh};
use rustix::process::{Pid, Signal, kill_process};
use std::process::Stdio;
use std::time::{Duration, Instant};

const GUEST: &str = "<domain type='xen'><name>web</name><memory unit='MiB'>64</memory>\
    <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os><on_crash>preserve</on_crash>\
    <devices><disk type='file'><source file='/srv/web.img'/><target dev='xvda'/></disk>\
    </devices></domain>";

/// A daemon with the guest `web`, which runs.
fn daemon(options: &str) -> Daemon {
    with_web(Daemon::start(&format!("sim:?release=4.17{options}")))
}

fn with_web(daemon: Daemon) -> Daemon {
    let path = daemon.folder().join("web.xml");
    std::fs::write(&path, GUEST).unwrap();
    done(&daemon, &format!("define {}", path.display()));
    done(&daemon, "start web");
    daemon
}

fn done(daemon: &Daemon, words: &str) -> Answer {
    let answer = daemon.ask(false, words);
    assert!(answer.succeeded, "{words}: {}", answer.text);
    answer
}

fn state(daemon: &Daemon) -> String {
    let answer = daemon.ask(false, "domstate web --reason");
    answer.text.trim().to_owned()
}

fn id(daemon: &Daemon) -> String {
    daemon.ask(false, "domid web").text.trim().to_owned()
}

#[test]
fn libvirts_daemon_finds_guests_that_run_when_this_one_ends() {
    if !has_virsh() {
        return;
    }
    for stop in [Signal::TERM, Signal::KILL] {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("run/libvirt/libxl/web.xml");
        let mut daemon = with_web(Daemon::start_with("sim:?release=4.17", |command, _| {
            command.arg("--root").arg(root.path());
        }));
        let runs = |text: String| {
            text.contains("<domstatus state='running'") && text.contains("<domain type='xen' id='")
        };
        // One that was written while the guest was being built says that it is paused.
        daemon.wait_until("the file is there", |_| {
            std::fs::read_to_string(&file).is_ok_and(runs)
        });
        if stop == Signal::TERM {
            std::fs::remove_file(&file).unwrap();
        }
        kill_process(Pid::from_child(&daemon.process), stop).unwrap();
        daemon.process.wait().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(runs(text.clone()), "{text}");
    }
}

#[test]
fn guests_live_and_end() {
    if !has_virsh() {
        return;
    }
    let mut daemon = daemon("");
    assert_eq!(state(&daemon), "running (booted)");
    done(&daemon, "suspend web");
    done(&daemon, "resume web");
    done(&daemon, "setvcpus web 1");
    let first = id(&daemon);
    done(&daemon, "reboot web");
    daemon.wait_until("it runs again", |daemon| {
        let now = id(daemon);
        now != first && now != "-" && state(daemon).starts_with("running")
    });
    done(&daemon, "managedsave web");
    let listed = done(&daemon, "list --all --managed-save");
    assert!(listed.text.contains("saved"), "{}", listed.text);
    done(&daemon, "start web");
    done(&daemon, "shutdown web");
    daemon.wait_until("it is shut off", |daemon| {
        state(daemon) == "shut off (shutdown)"
    });
    done(&daemon, "start web");
    done(&daemon, "destroy web");
    assert_eq!(state(&daemon), "shut off (destroyed)");
}

#[test]
fn a_guest_that_hangs_hangs_alone() {
    if !has_virsh() {
        return;
    }
    let daemon = daemon("&fault=hang,op=shutdown");
    let mut hangs = daemon.virsh(false);
    hangs.args(["shutdown", "web"]);
    let mut hangs = hangs
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    done(&daemon, "list --all");
    done(&daemon, "dumpxml web");
    assert!(begin.elapsed() < Duration::from_secs(10));
    hangs.kill().unwrap();
    hangs.wait().unwrap();
}

fn migrate(from: &Daemon, to: &Daemon, words: &str) -> Answer {
    let uri = format!("xen+unix:///system?socket={}", to.socket().display());
    from.ask(false, &format!("migrate {words} web --desturi {uri}"))
}

#[test]
fn a_guest_moves_or_stays() {
    if !has_virsh() {
        return;
    }
    let other = |options: &str| Daemon::start(&format!("sim:?release=4.17{options}"));
    for (here, there, reason) in [
        ("", "", ""),
        ("&fault=fail,op=save", "", "asked to fail"),
        ("", "&fault=fail,op=restore", "stream"),
        ("&fault=death,op=save", "", "ended"),
    ] {
        let (here, there) = (daemon(here), other(there));
        let moved = migrate(&here, &there, "--live --persistent --undefinesource");
        if reason.is_empty() {
            assert!(moved.succeeded, "{}", moved.text);
            assert!(
                state(&here).contains("failed to get domain"),
                "{}",
                state(&here)
            );
            assert_eq!(state(&there), "running (migrated)");
            there.ask(false, "dominfo web").has(&["Persistent: yes"]);
        } else {
            assert!(
                !moved.succeeded && moved.text.contains(reason),
                "{}",
                moved.text
            );
            assert!(state(&here).starts_with("running"), "{}", state(&here));
            assert!(!there.ask(false, "list --all").text.contains("web"));
        }
    }
}
