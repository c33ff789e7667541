//! Migrations that the source's daemon conducts with the destination's, driven by virsh:
//! `--p2p` and `--p2p --tunnelled`. Skipped with a printed line where virsh is not
//! installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, Daemon, free_port, has_virsh};
use std::process::{Child, Output, Stdio};

const GUEST: &str = "<domain type='xen'><name>web</name><memory unit='MiB'>64</memory>\
    <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os>\
    <devices><disk type='file'><source file='/srv/web.img'/><target dev='xvda'/></disk>\
    </devices></domain>";

/// Both ways for the memory.
const WAYS: [&str; 2] = ["--p2p", "--p2p --tunnelled"];

/// A host without XenD, and what its URI says besides.
fn host(options: &str) -> String {
    format!("sim:?release=4.17{options}")
}

/// A daemon with the guest `web`, which runs.
fn source(options: &str) -> Daemon {
    let daemon = Daemon::start(&host(options));
    let path = daemon.folder().join("web.xml");
    std::fs::write(&path, GUEST).unwrap();
    for words in [&*format!("define {}", path.display()), "start web"] {
        let answer = daemon.ask(false, words);
        assert!(answer.succeeded, "{words}: {}", answer.text);
    }
    daemon
}

/// A daemon that others reach, and how.
struct There {
    daemon: Daemon,
    uri: String,
}

fn destination(host: &str) -> There {
    let port = free_port();
    let settings = format!(
        "listen_tls = 0\nlisten_tcp = 1\ntcp_port = \"{port}\"\n\
         listen_addr = \"127.0.0.1\"\nauth_tcp = \"none\"\n"
    );
    There {
        daemon: Daemon::start_set(host, &settings, &["--listen"]),
        uri: format!("xen+tcp://127.0.0.1:{port}/system"),
    }
}

fn migrate(here: &Daemon, words: &str, uri: &str) -> Answer {
    here.ask(false, &format!("migrate --live {words} web {uri}"))
}

/// A virsh that migrates, when the job has begun.
fn migrating(here: &mut Daemon, words: &str, uri: &str) -> Child {
    let mut command = here.virsh(false);
    command.args(["migrate", "--live"]).args(words.split(' '));
    let child = command.args(["web", uri]).stdout(Stdio::piped());
    let child = child.stderr(Stdio::piped()).spawn().unwrap();
    here.wait_until("the job is there", |here| {
        let answer = here.ask(false, "domjobinfo web");
        answer.text.contains("Outgoing migration")
    });
    child
}

fn failed(child: Child) -> String {
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

fn state(daemon: &Daemon) -> String {
    let answer = daemon.ask(false, "domstate web --reason");
    answer.text.trim().to_owned()
}

/// It runs here, and there is nothing of it there.
fn stayed(here: &Daemon, there: &Daemon) {
    assert!(state(here).starts_with("running"), "{}", state(here));
    let listed = there.ask(false, "list --all").text;
    assert!(!listed.contains("web"), "{listed}");
    let busy = here.ask(false, "domjobinfo web").text;
    assert!(busy.contains("None"), "{busy}");
}

#[test]
fn daemons_move_a_guest_between_themselves() {
    if !has_virsh() {
        return;
    }
    for way in WAYS {
        let (here, there) = (source(""), destination(&host("")));
        let words = format!("{way} --persistent --undefinesource --dname moved");
        let moved = migrate(&here, &words, &there.uri);
        assert!(moved.succeeded, "{way}: {}", moved.text);
        assert!(state(&here).contains("failed to get domain"), "{way}");
        let there = &there.daemon;
        let now = there.ask(false, "domstate moved --reason");
        assert_eq!(now.text.trim(), "running (migrated)", "{way}");
        there.ask(false, "dominfo moved").has(&["Persistent: yes"]);
    }
}

#[test]
fn xend_moves_a_guest_when_daemons_have_agreed() {
    if !has_virsh() {
        return;
    }
    let here = Daemon::start("sim:?guests=1");
    let there = destination(&format!("sim:?relocation={}", free_port()));
    let words = |way: &str| format!("migrate --live {way} pv1 {}", there.uri);
    let refused = here.ask(false, &words("--p2p --tunnelled"));
    assert!(refused.text.contains("--tunnelled"), "{}", refused.text);
    let moved = here.ask(false, &words("--p2p"));
    assert!(moved.succeeded, "{}", moved.text);
    let list = |daemon: &Daemon| daemon.ask(false, "list --name").text;
    assert_eq!(list(&here).split_whitespace().last(), Some("Domain-0"));
    assert_eq!(list(&there.daemon).split_whitespace().last(), Some("pv1"));
}

#[test]
fn what_is_given_up_stays() {
    if !has_virsh() {
        return;
    }
    for way in WAYS {
        let (mut here, there) = (source("&save=20s"), destination(&host("")));
        let virsh = migrating(&mut here, way, &there.uri);
        let again = migrate(&here, way, &there.uri);
        assert!(again.text.contains("on its way"), "{way}: {}", again.text);
        let aborted = here.ask(false, "domjobabort web");
        assert!(aborted.succeeded, "{way}: {}", aborted.text);
        let said = failed(virsh);
        assert!(said.contains("cancelled"), "{way}: {said}");
        stayed(&here, &there.daemon);
        // It is forgotten there.
        let listening = there.daemon.ask(false, "domstate web");
        assert!(!listening.succeeded, "{way}");
    }
}

#[test]
fn a_destination_that_dies_on_the_way_loses_nothing() {
    if !has_virsh() {
        return;
    }
    for way in WAYS {
        let (mut here, mut there) = (source("&save=3s"), destination(&host("")));
        let virsh = migrating(&mut here, way, &there.uri);
        there.daemon.process.kill().unwrap();
        there.daemon.process.wait().unwrap();
        let said = failed(virsh);
        assert!(state(&here).starts_with("running"), "{way}: {said}");
    }
}

#[test]
fn who_failed_is_said() {
    if !has_virsh() {
        return;
    }
    for way in WAYS {
        let there = destination(&host("&fault=fail,op=restore"));
        let here = source("");
        let refused = migrate(&here, way, &there.uri);
        let text = &refused.text;
        assert!(
            text.contains("destination") && text.contains("asked to fail"),
            "{way}: {text}"
        );
        stayed(&here, &there.daemon);

        let there = destination(&host(""));
        let here = source("&fault=fail,op=save");
        let refused = migrate(&here, way, &there.uri);
        assert!(
            refused.text.contains("asked to fail"),
            "{way}: {}",
            refused.text
        );
        stayed(&here, &there.daemon);

        let older = destination("sim:?release=4.14");
        let here = source("");
        let refused = migrate(&here, way, &older.uri);
        let text = &refused.text;
        let place = format!("the destination {}", older.uri);
        assert!(
            text.contains(&place) && text.contains("comes from Xen 4.17"),
            "{way}: {text}"
        );
        stayed(&here, &older.daemon);
    }
}

#[test]
fn a_destination_has_to_be_another_daemon() {
    if !has_virsh() {
        return;
    }
    let here = destination(&host(""));
    let path = here.daemon.folder().join("web.xml");
    std::fs::write(&path, GUEST).unwrap();
    let created = here
        .daemon
        .ask(false, &format!("create {}", path.display()));
    assert!(created.succeeded, "{}", created.text);
    let nobody = format!("xen+tcp://127.0.0.1:{}/system", free_port());
    for (uri, words) in [
        (&*here.uri, "needs it shut off"),
        (&*nobody, "refused"),
        ("xen+smoke://127.0.0.1/system", "unix, tcp, tls or ssh"),
        ("xen+ssh://127.0.0.1/system?command=/bin/false", "command"),
    ] {
        for way in WAYS {
            let refused = migrate(&here.daemon, way, uri);
            assert!(
                !refused.succeeded && refused.text.contains(words),
                "{uri}: {}",
                refused.text
            );
            assert!(state(&here.daemon).starts_with("running"), "{uri}");
        }
    }
}
