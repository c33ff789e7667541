//! Who may log in and who may do what when polkit decides: a polkit of our own that
//! answers by rules, and clients that are not root.
//!
//! Skipped with a printed line where virsh, libvirt's binding for Python or
//! dbus-daemon is not installed.
#![allow(clippy::unwrap_used)]

mod bus;
#[path = "../common/mod.rs"]
mod common;

use bus::{Answer, Polkit, Question};
use common::{Daemon, has_virsh};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Somebody who is not root.
const NOBODY: u32 = 65_534;

fn daemon(settings: &str, bus: &str) -> Daemon {
    let daemon = Daemon::start_with("sim:?guests=3", |command, folder| {
        let file = folder.join("virtxend.conf");
        std::fs::write(&file, settings).unwrap();
        command.arg("--config").arg(file);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
    });
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(daemon.folder(), all).unwrap();
    daemon
}

/// A command that is not run by root.
fn as_nobody(mut command: Command) -> Command {
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// What a script in Python prints, in which `c` opens a connection and `E` prints an
/// error.
fn python(daemon: &Daemon, script: &str) -> Option<String> {
    let head = format!(
        "import libvirt, sys\n\
         libvirt.registerErrorHandler(lambda *_: None, None)\n\
         def E(f):\n  try: print(f())\n  except libvirt.libvirtError as e:\n    \
         print(e.get_error_code(), e.get_error_domain(), e.get_error_message())\n\
         c = lambda: libvirt.open('xen+unix:///system?socket={}')\n",
        daemon.socket().display()
    );
    let mut command = Command::new("/usr/bin/python3");
    command.arg("-c").arg(head + script).stdin(Stdio::null());
    let output = as_nobody(command).output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("No module named 'libvirt'") {
        println!("skipped: libvirt's binding for Python is not installed");
        return None;
    }
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

const LOGIN: &str = "auth_unix_rw = \"polkit\"\n";

#[test]
fn a_login_is_what_polkit_makes_of_it() {
    for (answer, said) in [
        (Answer::Yes, "Xen"),
        (
            Answer::No,
            "45 60 authentication failed: access denied by policy (org.libvirt.unix.manage)",
        ),
        (
            Answer::Dismissed,
            "79 60 authentication cancelled: user cancelled authentication process",
        ),
        (
            Answer::Challenge,
            "94 60 authentication unavailable: no polkit agent available to authenticate \
             action 'org.libvirt.unix.manage'",
        ),
    ] {
        let Some(polkit) = Polkit::start(move |_| answer) else {
            return;
        };
        let daemon = daemon(LOGIN, &polkit.address());
        let Some(text) = python(&daemon, "E(lambda: c().getType())") else {
            return;
        };
        assert_eq!(text.trim_end(), said);
        let asked = polkit.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].action, "org.libvirt.unix.manage");
        assert!(asked[0].interactive, "a user may be asked");
    }
}

#[test]
fn root_logs_in_and_others_do_not_without_a_polkit() {
    let daemon = daemon(LOGIN, "unix:path=/nowhere/at/all");
    let Some(text) = python(&daemon, "E(c)") else {
        return;
    };
    assert!(
        text.starts_with("94 46 authentication unavailable: polkit cannot be asked"),
        "{text}"
    );
    if has_virsh() && rustix::process::geteuid().is_root() {
        daemon.ask(false, "list --name").has(&["Domain-0"]);
    }
}

#[test]
fn who_leaves_takes_his_question_back() {
    let Some(polkit) = Polkit::start(|_| Answer::Silence) else {
        return;
    };
    if !has_virsh() {
        return;
    }
    let mut daemon = daemon(LOGIN, &polkit.address());
    let mut virsh = as_nobody(daemon.virsh(false));
    let virsh = virsh
        .arg("list")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut virsh = virsh.spawn().unwrap();
    daemon.wait_until("polkit is asked", |_| polkit.asked().len() == 1);
    assert_eq!(polkit.cancelled(), 0);
    virsh.kill().unwrap();
    virsh.wait().unwrap();
    daemon.wait_until("it is taken back", |_| polkit.cancelled() == 1);
}

const ACCESS: &str = "unix_sock_rw_perms = \"0666\"\naccess_drivers = [ \"polkit\" ]\n";

/// Everything may be done with `pv1` but stopping it, and nothing with the others.
fn one_domain(question: &Question) -> Answer {
    let api = question.action.strip_prefix("org.libvirt.api.").unwrap();
    assert_eq!(question.details["connect_driver"], "Xen");
    assert!(!question.interactive);
    match (api, question.domain()) {
        ("domain.stop", _) => Answer::No,
        (_, "pv1") => Answer::Yes,
        (other, _) if other.starts_with("connect.") => Answer::Yes,
        _ => Answer::No,
    }
}

#[test]
fn a_client_sees_and_does_what_it_may() {
    let Some(polkit) = Polkit::start(one_domain) else {
        return;
    };
    let daemon = daemon(ACCESS, &polkit.address());
    let script = "\
        c = c()\n\
        print([d.name() for d in c.listAllDomains()], c.numOfDomains(), c.listDomainsID())\n\
        print([d.name() for d, _ in c.getAllDomainStats()])\n\
        E(lambda: c.lookupByName('pv2'))\n\
        pv1 = c.lookupByName('pv1')\n\
        print(pv1.state()[0] > 0, 'pv1' in pv1.XMLDesc())\n\
        E(lambda: pv1.destroy())\n\
        E(lambda: pv1.suspend())\n\
        E(lambda: c.defineXML('<domain type=\"xen\"><name>new</name><memory>9999</memory>'\n\
        '<os><type>linux</type><kernel>/k</kernel></os></domain>').name())\n";
    let script = &format!(
        "{script}\
         E(lambda: c.defineXML(pv1.XMLDesc().replace('000000000001', '000000000002')).name())\n"
    );
    let Some(text) = python(&daemon, script) else {
        return;
    };
    let expected = [
        "['pv1'] 1 [1]",
        "['pv1']",
        "88 55 access denied: polkit does not allow domain:getattr on domain 'pv2' \
         (org.libvirt.api.domain.getattr)",
        "True True",
        "88 55 access denied: polkit does not allow domain:stop on domain 'pv1' \
         (org.libvirt.api.domain.stop)",
        "0",
        "88 55 access denied: polkit does not allow domain:write on domain 'new' \
         (org.libvirt.api.domain.write)",
        "88 55 access denied: polkit does not allow domain:write on domain 'pv2' \
         (org.libvirt.api.domain.write)",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let asked = polkit.asked();
    let about = |action: &str| {
        let action = format!("org.libvirt.api.{action}");
        asked
            .iter()
            .filter(move |question| question.action == action)
    };
    assert!(about("domain.suspend").all(|question| question.details.contains_key("domain_uuid")));
    assert_eq!(about("domain.suspend").count(), 1);
    let seen = about("domain.getattr").filter(|question| question.domain() == "pv1");
    assert_eq!(seen.count(), 1, "asked once, and kept for a while");
}

#[test]
fn a_client_hears_of_what_it_may_see() {
    let Some(polkit) = Polkit::start(one_domain) else {
        return;
    };
    if !has_virsh() || !rustix::process::geteuid().is_root() {
        return;
    }
    let mut daemon = daemon(ACCESS, &polkit.address());
    let mut virsh = as_nobody(daemon.virsh(false));
    virsh.args(["event", "--event", "lifecycle", "--loop"]);
    let mut virsh = virsh.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(virsh.stdout.take().unwrap()).lines();
    let (tell, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.by_ref().try_for_each(|line| tell.send(line.unwrap())));
    // Registering is not told of: it is done when the first event comes.
    daemon.wait_until("an event comes", |daemon| {
        for words in ["suspend pv2", "suspend pv1", "resume pv2", "resume pv1"] {
            daemon.ask(false, words);
        }
        match heard.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                assert!(
                    line.starts_with("event 'lifecycle' for domain 'pv1'"),
                    "{line}"
                );
                true
            }
            Err(_) => false,
        }
    });
    while let Ok(line) = heard.recv_timeout(Duration::from_millis(300)) {
        assert!(
            line.starts_with("event 'lifecycle' for domain 'pv1'"),
            "{line}"
        );
    }
    virsh.kill().unwrap();
    virsh.wait().unwrap();
}

#[test]
fn a_polkit_that_hangs_delays_only_who_it_is_asked_about() {
    let Some(polkit) = Polkit::start(|_| Answer::Silence) else {
        return;
    };
    let daemon = daemon(ACCESS, &polkit.address());
    let begin = Instant::now();
    let Some(text) = python(&daemon, "E(c)") else {
        return;
    };
    assert_eq!(
        text.trim_end(),
        "88 55 access denied: polkit did not answer within 5 s"
    );
    assert!(begin.elapsed() >= Duration::from_secs(5));
    if has_virsh() && rustix::process::geteuid().is_root() {
        daemon.ask(false, "list --name").has(&["Domain-0"]);
    }
}
