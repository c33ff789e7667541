//! Networks, storage, devices, secrets, interfaces and filters through virtxend: a
//! libvirtd with the drivers for those, behind the sockets of libvirt's other
//! daemons, and virsh.
//!
//! Skipped with a printed line where virsh or libvirtd is not installed, or we are
//! not root: libvirtd keeps its things in folders of the system, over which it gets
//! empty ones here.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Daemon, has_virsh};
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SCHEMES: [&str; 6] = [
    "network",
    "storage",
    "nodedev",
    "secret",
    "interface",
    "nwfilter",
];

/// A libvirtd that ends with its value.
struct Libvirtd {
    folder: tempfile::TempDir,
    process: Child,
}

impl Libvirtd {
    /// None, and a printed line, when it cannot run here.
    fn start() -> Option<Self> {
        let drivers = drivers()?;
        let folder = tempfile::tempdir().unwrap();
        for scheme in SCHEMES {
            let name = format!("libvirt_driver_{scheme}.so");
            let link = folder.path().join(&name);
            std::os::unix::fs::symlink(drivers.join(name), link).unwrap();
            for suffix in ["", "-ro"] {
                let link = folder.path().join(format!("virt{scheme}d-sock{suffix}"));
                std::os::unix::fs::symlink(format!("libvirt-sock{suffix}"), link).unwrap();
            }
        }
        let config = format!(
            "auth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\n\
             unix_sock_group = \"root\"\nunix_sock_dir = \"{}\"\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("conf"), config).unwrap();
        let script = "for f in /run /var/lib/libvirt /etc/libvirt /var/cache/libvirt; do \
                      mkdir -p $f; mount -t tmpfs none $f; done; exec libvirtd -f \"$0\"";
        let process = Command::new("unshare")
            .args(["--mount", "sh", "-ec", script])
            .arg(folder.path().join("conf"))
            .env("LIBVIRT_DRIVER_DIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut libvirtd = Self { folder, process };
        let socket = libvirtd.folder.path().join("libvirt-sock-ro");
        while UnixStream::connect(&socket).is_err() {
            let ended = libvirtd.process.try_wait().unwrap();
            assert!(ended.is_none(), "libvirtd ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(libvirtd)
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// virtxend on a simulated host, with this beside it.
    fn daemon(&self) -> Daemon {
        Daemon::start_with("sim:", |command, _| {
            command.arg("--others").arg(self.folder());
        })
    }
}

impl Drop for Libvirtd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder of Debian's or another system's drivers, when all can be used.
fn drivers() -> Option<PathBuf> {
    if !has_virsh() {
        return None;
    }
    let folders = [
        "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver",
        "/usr/lib64/libvirt/connection-driver",
    ];
    let found = folders.iter().map(PathBuf::from).find(|folder| {
        let mut names = SCHEMES.iter();
        names.all(|scheme| folder.join(format!("libvirt_driver_{scheme}.so")).exists())
    });
    let installed = Command::new("libvirtd").arg("--version").output().is_ok();
    if found.is_none() || !installed {
        println!("skipped: libvirtd and its drivers are not installed");
        return None;
    }
    if !rustix::process::geteuid().is_root() {
        println!("skipped: libvirtd needs root");
        return None;
    }
    found
}

#[test]
fn other_daemons_answer_through_ours() {
    let Some(libvirtd) = Libvirtd::start() else {
        return;
    };
    let daemon = libvirtd.daemon();
    let rows: [(&str, &[&str]); 9] = [
        ("nodedev-dumpxml computer", &["<name>computer</name>"]),
        (
            "nodedev-reset computer",
            &[
                "error: Failed to reset device computer",
                "error: Node device not found: 'computer' names no PCI device: those are called \
                 pci_0000_03_00_0, or 0000:03:00.0",
            ],
        ),
        ("net-list --all", &["Name State Autostart Persistent"]),
        (
            "net-info nowhere",
            &[
                "error: failed to get network 'nowhere'",
                "error: Network not found: no network with matching name 'nowhere'",
            ],
        ),
        (
            "net-define crates/daemon/tests/network.xml",
            &["Network quiet defined from crates/daemon/tests/network.xml"],
        ),
        ("net-info quiet", &["Name: quiet", "Active: no"]),
        ("secret-list", &["UUID Usage"]),
        ("nwfilter-list", &["UUID Name"]),
        ("list --name", &["Domain-0"]),
    ];
    for (words, lines) in rows {
        daemon.ask(false, words).has(lines);
    }
    assert!(daemon.ask(false, "iface-list --all").succeeded);
    daemon.ask(true, "net-info quiet").has(&["Name: quiet"]);
    daemon.ask(true, "net-undefine quiet").has(&[
        "error: Failed to undefine network quiet",
        "error: operation forbidden: read only access prevents virNetworkUndefine",
    ]);
}

#[test]
fn guests_are_on_the_bridges_of_networks() {
    let Some(libvirtd) = Libvirtd::start() else {
        return;
    };
    let daemon = libvirtd.daemon();
    let write = |name: &str, text: &str| {
        let path = daemon.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let guest = "<domain type='xen'><name>lanny</name><memory unit='MiB'>64</memory>\
                 <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os><devices>\
                 <interface type='network'><source network='lan'/></interface>\
                 </devices></domain>";
    let guest = write("guest.xml", guest);
    let words = format!("define {guest}");
    daemon.ask(false, &words).has(&[
        &format!("error: Failed to define domain from {guest}"),
        "error: Network not found: no network with matching name 'lan'",
    ]);
    let network = "<network><name>lan</name><forward mode='bridge'/><bridge name='br-lan'/>\
                   </network>";
    let network = write("network.xml", network);
    let created = daemon.ask(false, &format!("net-create {network}"));
    assert!(created.succeeded, "{}", created.text);
    let defined = daemon.ask(false, &words);
    assert!(defined.succeeded, "{}", defined.text);
    let defined = daemon.ask(false, "dumpxml lanny");
    defined.has(&["<source network='lan'/>"]);
    let started = daemon.ask(false, "start lanny");
    assert!(started.succeeded, "{}", started.text);
    let running = daemon.ask(false, "dumpxml lanny");
    running.has(&["<source bridge='br-lan'/>"]);
}

#[test]
fn volumes_travel_through_ours() {
    let Some(libvirtd) = Libvirtd::start() else {
        return;
    };
    let daemon = libvirtd.daemon();
    let folder = daemon.folder().join("pool");
    std::fs::create_dir(&folder).unwrap();
    let contents: Vec<u8> = (0u32..1 << 20).flat_map(u32::to_le_bytes).collect();
    let (sent, received) = (folder.join("sent"), folder.join("received"));
    std::fs::write(&sent, &contents).unwrap();
    let pool = format!("pool-create-as p dir --target {}", folder.display());
    daemon.ask(false, &pool).has(&["Pool p created"]);
    daemon
        .ask(false, "vol-create-as p v 4M")
        .has(&["Vol v created"]);
    for (words, path) in [("vol-upload", &sent), ("vol-download --sparse", &received)] {
        let words = format!("{words} --pool p --vol v --file {}", path.display());
        let answer = daemon.ask(false, &words);
        assert!(answer.succeeded, "{}", answer.text);
    }
    assert!(std::fs::read(folder.join("v")).unwrap() == contents);
    assert!(std::fs::read(&received).unwrap() == contents);
    let nowhere = format!(
        "vol-upload --pool p --vol v --offset 1T --file {}",
        sent.display()
    );
    assert!(!daemon.ask(false, &nowhere).succeeded);
    daemon
        .ask(false, "vol-list p")
        .has(&[&format!("v {}", folder.join("v").display())]);
}

#[test]
fn events_of_other_daemons_come_through_ours() {
    let Some(libvirtd) = Libvirtd::start() else {
        return;
    };
    let daemon = libvirtd.daemon();
    let mut virsh = daemon.virsh(false);
    virsh.args(["net-event", "--event", "lifecycle", "--loop"]);
    let mut virsh = virsh.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(virsh.stdout.take().unwrap()).lines();
    let (done, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(lines.next()));
    // The registration is not told of: it is there when an event comes.
    let line = loop {
        let answer = daemon.ask(false, "net-define crates/daemon/tests/network.xml");
        assert!(answer.succeeded, "{}", answer.text);
        if let Ok(line) = heard.recv_timeout(Duration::from_millis(300)) {
            break line;
        }
    };
    let line = line.unwrap().unwrap();
    assert_eq!(line, "event 'lifecycle' for network quiet: Defined");
    virsh.kill().unwrap();
    virsh.wait().unwrap();
}
