//! XenStore from the command line: on a host in memory, and on a socket that
//! another process serves.

#![allow(clippy::expect_used)]

mod common;

use common::{Ran, run, virtxen};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

/// A simulated host in a process of its own.
struct Served {
    process: Child,
    folder: tempfile::TempDir,
}

impl Served {
    fn new(options: &[&str], sockets: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("no folder");
        let mut command = virtxen(&["-q", "sim"]);
        command.args(options).stdout(Stdio::null());
        for socket in sockets {
            command
                .arg(format!("--{socket}"))
                .arg(folder.path().join(socket));
        }
        let process = command.spawn().expect("cannot run virtxen");
        let served = Self { process, folder };
        for socket in sockets {
            served.wait_for(&served.path(socket));
        }
        served
    }

    fn path(&self, socket: &str) -> PathBuf {
        self.folder.path().join(socket)
    }

    fn wait_for(&self, path: &Path) {
        for _ in 0..1000 {
            if path.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{} does not come", path.display());
    }

    fn store(&self, words: &[&str]) -> Ran {
        let uri = format!("xen:///system?xenstore={}", self.path("xenstore").display());
        run(&[&["-q", "-c", &uri], words].concat())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().expect("cannot end virtxen");
        self.process.wait().expect("cannot wait for virtxen");
    }
}

#[test]
fn nodes_are_written_read_listed_and_removed() {
    let served = Served::new(&["--release", "4.17"], &["xenstore"]);
    let done = |words: &[&str]| {
        let ran = served.store(words);
        assert_eq!(ran.status, 0, "{words:?}: {}", ran.err);
        ran.out
    };
    done(&["xenstore-write", "/t/a", "one"]);
    done(&["xenstore-write", "/t/a/b", "x\\n\\xff\\\\"]);
    done(&["xenstore-write", "--raw", "/t/c", "\\n"]);
    assert_eq!(done(&["xenstore-read", "/t/a", "/t/c"]), "one\n\\\\n\n");
    assert_eq!(done(&["xenstore-read", "--raw", "/t/c"]), "\\n\n");
    assert_eq!(
        done(&["xenstore-ls", "/t"]),
        "a = \"one\"\n b = \"x\\n\\xff\\\\\"\nc = \"\\\\n\"\n"
    );
    assert_eq!(
        done(&["xenstore-ls", "/t/a", "--full", "--permissions"]),
        "/t/a/b = \"x\\n\\xff\\\\\"   (n0)\n"
    );
    let json = served.store(&["xenstore-ls", "/t", "--json"]).json();
    assert_eq!(json["nodes"][2]["path"], "/t/c");
    done(&["xenstore-rm", "/t"]);
    let gone = served.store(&["xenstore-read", "/t/a"]);
    assert_eq!(gone.err, "error: /t/a is not in xenstore\n");
    let wrong = served.store(&["xenstore-write", "/t", "\\q"]);
    assert!(wrong.err.contains("--raw"), "{}", wrong.err);
}

#[test]
fn all_doors_lead_to_one_host() {
    let served = Served::new(&["--guests", "2"], &["socket", "xenstore", "hypercalls"]);
    let xend = format!("xend+unix://{}", served.path("socket").display());
    let renamed = run(&["-q", "-c", &xend, "destroy", "pv1"]);
    assert_eq!(renamed.status, 0, "{}", renamed.err);
    let homes = served
        .store(&["xenstore-ls", "/local/domain", "--full"])
        .out;
    assert!(homes.contains("/local/domain/2/name = \"pv2\""), "{homes}");
    assert!(!homes.contains("/local/domain/1 "), "{homes}");
    let listed = served.store(&["list", "--name"]).out;
    assert_eq!(listed.trim_end(), "Domain-0\npv2");
}

#[test]
fn watches_tell_until_their_count_or_their_time() {
    let served = Served::new(&[], &["xenstore"]);
    let uri = format!("xen:?xenstore={}", served.path("xenstore").display());
    let watch = virtxen(&["-q", "-c", &uri, "xenstore-watch", "/w", "--count", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cannot run virtxen");
    // The watch may come before or after the first of them.
    while watch_is_open(&watch) {
        served.store(&["xenstore-write", "/w/x", "1"]);
    }
    let watched = Ran::of(watch.wait_with_output().expect("no output"));
    assert_eq!(watched.out, "/w\n/w/x\n", "{}", watched.err);
    let idle = served.store(&["xenstore-watch", "/idle", "--timeout", "1"]);
    assert_eq!((idle.status, idle.out.as_str()), (5, "/idle\n"));
}

/// Whether the process still runs; a zombie does not.
fn watch_is_open(process: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_host_without_xenstore_says_so() {
    let served = Served::new(&[], &["socket"]);
    let xend = format!("xend+unix://{}", served.path("socket").display());
    let ran = run(&["-c", &xend, "xenstore-ls"]);
    assert_ne!(ran.status, 0);
    assert!(
        ran.err.contains("XenStore is not reached over"),
        "{}",
        ran.err
    );
    let none = run(&["sim"]);
    assert!(none.err.contains("--xenstore"), "{}", none.err);
}
