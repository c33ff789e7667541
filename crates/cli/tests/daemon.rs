//! The same commands directly and through virtxend say the same: text, JSON, errors,
//! exit statuses. What libvirt's protocol cannot carry is in a table of its own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
use common::{Ran, virtxen};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// virtxend with a simulated host, until it is dropped.
struct Daemon {
    process: Child,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Daemon {
    fn start(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("sock");
        let process = Self::spawn(host, &socket);
        Self {
            process,
            socket,
            _folder: folder,
        }
    }

    fn spawn(host: &str, socket: &Path) -> Child {
        let process = Command::new(program())
            .args(["--connect", host, "--config", "/dev/null", "--socket"])
            .arg(socket)
            .stderr(Stdio::null())
            .spawn()
            .expect("cannot start virtxend");
        let begin = Instant::now();
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30), "no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        process
    }

    fn uri(&self) -> String {
        format!("virtxen+unix://{}", self.socket.display())
    }

    fn run(&self, words: &[&str]) -> Ran {
        let uri = self.uri();
        let mut all = vec!["-c", &uri];
        all.extend(words);
        Ran::of(virtxen(&all).output().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// virtxend beside virtxen; built if nobody has.
fn program() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_virtxen")).with_file_name("virtxend");
    static BUILT: std::sync::Once = std::sync::Once::new();
    BUILT.call_once(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "virtxen-daemon"]);
        if !beside.parent().unwrap().ends_with("debug") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "virtxend does not build");
    });
    beside
}

fn direct(host: &str, words: &[&str]) -> Ran {
    let mut all = vec!["-c", host];
    all.extend(words);
    Ran::of(virtxen(&all).output().unwrap())
}

/// Counters and times go on between two runs, and with them the width of columns.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            // A whole second has no fraction.
            '0'..='9' | '.' if plain.ends_with('#') => {}
            '0'..='9' => {
                plain.truncate(plain.trim_end_matches(' ').len());
                plain.push('#');
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The same of processor times in lists, of terminals, and of reasons, which only who
/// saw it happen knows.
fn without_times(text: &str) -> String {
    let mut text = text.replace("\"reason\":\"booted\"", "\"reason\":\"unknown\"");
    for before in ["\"cpu_time_s\":", "/dev/pts/"] {
        let mut parts = text.split(before);
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            plain.push_str(before);
            plain.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
        }
        text = plain;
    }
    text
}

const HOST: &str = "sim:?guests=3";

/// Scripts that change nothing, whose words are the same, numbers included.
const READS: &[&str] = &[
    "list",
    "list --all --uuid --name",
    "list --state-paused",
    "list --inactive --title",
    "list --persistent --no-autostart",
    "domstate pv1 --reason",
    "domstate 77",
    "domid pv2; domname 1; domuuid hvm3",
    "define examples/nowhere.xml",
    "define Cargo.toml",
    "resume pv1",
    "start pv1",
    "undefine pv1",
    "dumpxml pv1; dumpxml pv1 --inactive",
    "vcpupin pv1 --soft; vcpupin pv1 0 1 --soft",
    "vcpucount pv1; vcpucount pv1 --live --active",
    "domblklist pv1 --details; domiflist pv1; domblklist hvm3",
    "ttyconsole nope",
    "vncdisplay pv1",
    "screenshot pv1 /nowhere/at/all.png; screenshot pv1 --screen 3",
    "nodeinfo; freecell --all; capabilities; domcapabilities",
    "nodememstats",
    "dommemstat pv1",
    "domxml-to-native xen-xm --domain pv1; domxml-to-native xen-sxpr --domain hvm3",
    "domifstat pv1 nope",
    "domblkstat pv1 nope",
    "domstats --enforce --perf",
    "import pv1; import pv2 --print; import Domain-0; import nope",
    "frobnicate",
    "list --all --table --name",
];

/// Scripts that change something.
const CHANGES: &[&str] = &[
    "define examples/paravirt-bootloader.xml; list --inactive; dumpxml mailhub; \
     domrename mailhub post; list --all; undefine post",
    "create examples/paravirt-bootloader.xml; destroy mailhub; list --all",
    "suspend pv1; domstate pv1 --reason; resume pv1; domstate pv1",
    "shutdown pv1; reboot pv2; destroy hvm3",
    "autostart pv1; autostart pv1 --disable; autostart Domain-0",
    "setmem pv1 2048; setmaxmem pv1 8M; setmem pv1 1000G",
    "setvcpus pv1 1; vcpupin pv1; vcpupin pv1 0 0-2,^1; vcpupin pv1",
    "schedinfo pv1 --weight 512 cap=50; schedinfo pv1; schedinfo pv1 --weight 99999999",
    "attach-disk pv1 /tmp/x.img xvdb; domblklist pv1; detach-disk pv1 xvdb; detach-disk pv1 zzz",
    "attach-interface pv1 bridge xenbr0 --mac 00:16:3e:00:00:77; domiflist pv1",
];

/// Scripts on a host that xl drives.
const BESIDE_XL: &[&str] = &[
    "import --all --print",
    "vcpupin pv1 0 1-2 --soft; vcpupin pv1 --soft; vcpupin pv1; vcpupin pv1 7 1 --soft; \
     vcpupin pv1 0 99 --soft; vcpupin pv1 0 1 --soft --config",
    "nodedev-detach 03:00.0 --driver xen; nodedev-reattach pci_0000_03_00_0; \
     nodedev-reset 0000:03:00.0; nodedev-reset 00:1b.0",
    "nodedev-detach computer",
    "nodedev-reset 0000:04:00.0",
    "nodedev-detach 03:00.0; attach-device pv1 crates/cli/tests/data/hostdev.xml; \
     nodedev-reattach 03:00.0",
    "dompmsuspend pv1 mem; domstate pv1; dompmsuspend pv1 mem; dompmwakeup pv1; dompmwakeup pv1; \
     dompmsuspend pv1 disk; domstate pv1 --reason",
    "import --all; list --persistent; import hvm3; undefine pv1; list --transient; \
     import --file /nowhere; import --file examples/nowhere.json examples/paravirt-kernel.xml; \
     import --file examples/paravirt-kernel.xml",
];

/// Scripts whose words are the same but for counters.
const COUNTED: &[&str] = &[
    "dominfo pv1",
    "dominfo Domain-0",
    "define examples/paravirt-bootloader.xml; start mailhub; \
     snapshot-create-as mailhub one 'the first'; snapshot-create-as mailhub two --disk-only; \
     snapshot-list mailhub --parent; snapshot-dumpxml mailhub two; snapshot-current mailhub; \
     snapshot-revert mailhub one; snapshot-delete mailhub one --children-only; \
     snapshot-list mailhub --name; destroy mailhub; snapshot-delete mailhub one; \
     undefine mailhub",
    "snapshot-dumpxml pv1 none",
    "snapshot-create-as pv1 ../none",
    "domstats pv1 hvm3",
    "domstats --state --cpu-total --list-paused",
    "cpu-stats pv1; cpu-stats pv1 --total; cpu-stats pv1 --start 7",
    "vcpuinfo pv1",
    "domifstat pv1 vif1.0",
    "nodecpustats; nodecpustats --cpu 1; nodecpustats --cpu 99",
];

/// What is said in text and in JSON, here and by the daemon that `there` gives. To
/// libvirt's clients a guest that waits for work is running.
fn compare(
    host: &str,
    script: &str,
    plain: fn(&str) -> String,
    there: &dyn Fn(&[&str]) -> Ran,
    wrong: &mut Vec<String>,
) {
    let plain = |text: &str| plain(&text.replace("idle", "running"));
    for json in [false, true] {
        let words: &[&str] = match json {
            true => &["--json", script],
            false => &[script],
        };
        let (here, there) = (direct(host, words), there(words));
        let same = plain(&here.out) == plain(&there.out)
            && plain(&here.err) == plain(&there.err)
            && here.status == there.status;
        if !same {
            wrong.push(format!(
                "{words:?}\n--- direct ({})\n{}{}--- daemon ({})\n{}{}",
                here.status, here.out, here.err, there.status, there.out, there.err
            ));
        }
    }
}

#[test]
fn commands_say_the_same() {
    let mut wrong = Vec::new();
    let daemon = Daemon::start(HOST);
    for script in READS {
        compare(
            HOST,
            script,
            without_times,
            &|words| daemon.run(words),
            &mut wrong,
        );
    }
    for script in COUNTED {
        compare(
            HOST,
            script,
            without_numbers,
            &|words| daemon.run(words),
            &mut wrong,
        );
    }
    for script in CHANGES {
        let fresh = |words: &[&str]| Daemon::start(HOST).run(words);
        compare(HOST, script, without_times, &fresh, &mut wrong);
    }
    for script in BESIDE_XL {
        let host = "sim:?release=4.17&guests=3";
        let fresh = |words: &[&str]| Daemon::start(host).run(words);
        compare(host, script, without_times, &fresh, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What libvirt's protocol does not carry.
#[test]
fn what_needs_the_host_says_so() {
    let daemon = Daemon::start(HOST);
    for command in ["cpupool-list", "cpupool-migrate pv1 Pool-0", "xenstore-ls"] {
        let ran = daemon.run(&[command]);
        assert_eq!(ran.status, 6, "{}", ran.err);
        let words = "needs the host itself: connect with xen: on it";
        assert!(ran.err.contains(words), "{}", ran.err);
    }
    let ran = daemon.run(&["version"]);
    assert!(ran.out.contains("Running hypervisor: Xen 4.1 (simulated)"));
    let ran = daemon.run(&["doctor"]);
    assert!(ran.out.contains("Through a daemon"), "{}", ran.out);
    assert_eq!(daemon.run(&["-q", "uri"]).out.trim(), daemon.uri());
}

#[test]
fn a_daemon_that_is_not_there_is_named() {
    let ran = direct("virtxen+unix:///nowhere/sock", &["list"]);
    assert_eq!(ran.status, 3);
    let words = "Failed to connect to /nowhere/sock: No such file or directory";
    assert!(ran.err.contains(words), "{}", ran.err);
    assert_eq!(direct("virtxen+smoke://a", &["list"]).status, 2);
}

#[test]
fn a_read_only_connection_reads() {
    let daemon = Daemon::start(HOST);
    let uri = format!("{}?readonly=1", daemon.uri());
    assert_eq!(direct(&uri, &["list"]).status, 0);
    let ran = direct(&uri, &["--json", "destroy", "pv1"]);
    assert_eq!(ran.json()["error"]["libvirt_code"], 29, "{}", ran.out);
}

#[test]
fn events_come_through() {
    let daemon = Daemon::start(HOST);
    let uri = daemon.uri();
    let words = [
        "-c",
        &uri,
        "event",
        "--event",
        "lifecycle",
        "--timeout",
        "60",
    ];
    let waiting = virtxen(&words).stdout(Stdio::piped()).spawn().unwrap();
    // Until it listens nothing that happens is an event for it.
    for _ in 0..100 {
        daemon.run(&["suspend pv1; resume pv1"]);
        std::thread::sleep(Duration::from_millis(100));
        if std::fs::read_to_string(format!("/proc/{}/stat", waiting.id()))
            .is_ok_and(|stat| stat.contains(") Z"))
        {
            break;
        }
    }
    let ran = Ran::of(waiting.wait_with_output().unwrap());
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        ran.out.contains("event 'lifecycle' for domain 'pv1'"),
        "{}",
        ran.out
    );
}

/// What ssh does, without a network: it runs its last word in a shell.
#[test]
fn another_host_is_reached_by_ssh() {
    let daemon = Daemon::start(HOST);
    let folder = tempfile::tempdir().unwrap();
    let ssh = folder.path().join("ssh");
    let bin = Path::new(env!("CARGO_BIN_EXE_virtxen")).parent().unwrap();
    let script = format!(
        "#!/bin/sh\nfor word; do :; done\nPATH={}:$PATH exec sh -c \"$word\"\n",
        bin.display()
    );
    std::fs::write(&ssh, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&ssh, mode).unwrap();
    let (ssh, socket) = (ssh.display(), daemon.socket.display());
    let uri = format!("virtxen+ssh://root@xen1/?socket={socket}&command={ssh}");
    let ran = direct(&uri, &["list"]);
    assert_eq!(ran.out, daemon.run(&["list"]).out, "{}", ran.err);
    let uri = format!("virtxen+ssh://xen1/nowhere?command={ssh}");
    let ran = direct(&uri, &["list"]);
    assert_eq!(ran.status, 3);
    assert!(ran.err.contains("ssh may have said why"), "{}", ran.err);
    assert!(
        ran.err.contains("Failed to connect to '/nowhere'"),
        "{}",
        ran.err
    );
}
