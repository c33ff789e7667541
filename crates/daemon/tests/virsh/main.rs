//! virsh, unchanged, on a simulated host: what it prints for each command, a row of a
//! table each.
//!
//! Skipped with a printed line where virsh is not installed.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod snapshots;

use common::{Daemon, has_virsh};

/// A command and lines that it prints; spaces between words do not count.
type Row = (&'static str, &'static [&'static str]);

/// How virsh begins when it does not succeed.
const FAILURES: [&str; 2] = ["error: ", "event loop timed out"];

/// Asks for one row after the other. A command fails exactly when its first line says
/// so.
fn play(daemon: &Daemon, read_only: bool, rows: &[Row]) {
    for (words, lines) in rows {
        let answer = daemon.ask(read_only, words);
        answer.has(lines);
        let first = lines.first().copied().unwrap_or_default();
        let fails = FAILURES.iter().any(|start| first.starts_with(start));
        assert_eq!(answer.succeeded, !fails, "{words}: {}", answer.text);
    }
}

const HOST: &[Row] = &[
    (
        "version",
        &["Using API: Xen 9.0.0", "Running hypervisor: Xen 4.1.0"],
    ),
    (
        "nodeinfo",
        &["CPU model: x86_64", "CPU(s): 4", "Memory size: 8388608 KiB"],
    ),
    (
        "nodecpumap",
        &["CPUs present: 4", "CPUs online: 4", "CPU map: yyyy"],
    ),
    ("maxvcpus", &["512"]),
    (
        "cpu-models x86_64",
        &["error: failed to get CPU model names"],
    ),
    (
        "domcapabilities --machine xenfv",
        &[
            "<domainCapabilities>",
            "<machine>xenfv</machine>",
            "<arch>x86_64</arch>",
            "<vcpu max='128'/>",
            "<value>/usr/lib/xen/boot/hvmloader</value>",
            "<value>cirrus</value>",
        ],
    ),
    (
        "domcapabilities --arch i686 --emulatorbin /opt/qemu",
        &[
            "<path>/opt/qemu</path>",
            "<machine>xenpv</machine>",
            "<arch>i686</arch>",
        ],
    ),
    (
        "domcapabilities --machine xenpvh",
        &[
            "error: failed to get emulator capabilities",
            "error: invalid argument: the host runs no xenpvh guests of x86_64, but xenpv of \
             x86_64, xenpv of i686, xenfv of i686, xenfv of x86_64",
        ],
    ),
    (
        "domcapabilities --virttype kvm",
        &[
            "error: failed to get emulator capabilities",
            "error: invalid argument: unknown virttype: kvm; this host runs guests of Xen ('xen')",
        ],
    ),
    ("freecell --all", &["0: 7262208 KiB", "Total: 7262208 KiB"]),
    (
        "list --all",
        &[
            "0 Domain-0 running",
            "1 pv1 running",
            "2 pv2 running",
            "3 hvm3 paused",
        ],
    ),
    ("list --name --inactive", &[""]),
    (
        "sysinfo",
        &[
            "error: failed to get sysinfo",
            "error: this function is not supported by the connection driver: virConnectGetSysinfo",
        ],
    ),
];

const RUNNING: &[Row] = &[
    (
        "dominfo pv1",
        &[
            "Id: 1",
            "Name: pv1",
            "UUID: 5a11ab1e-0000-4000-8000-000000000001",
            "OS Type: xen",
            "CPU(s): 1",
            "Max memory: 8192 KiB",
            "Used memory: 4096 KiB",
            "Persistent: yes",
            "Autostart: disable",
            "Managed save: no",
        ],
    ),
    ("domid pv1", &["1"]),
    ("domname 1", &["pv1"]),
    ("domuuid pv1", &["5a11ab1e-0000-4000-8000-000000000001"]),
    ("domstate hvm3", &["paused"]),
    ("domcontrol pv1", &["ok"]),
    ("domjobinfo pv1", &["Job type: None"]),
    ("vcpuinfo pv1", &["VCPU: 0", "CPU Affinity: yyyy"]),
    ("vcpucount pv1", &["maximum live 1", "current live 1"]),
    ("vcpupin pv1", &["0 0-3"]),
    ("vcpupin pv1 0 1", &[]),
    ("vcpupin pv1", &["0 1"]),
    (
        "schedinfo pv1",
        &["Scheduler : credit", "weight : 256", "cap : 0"],
    ),
    ("schedinfo pv1 --set weight=512", &["weight : 512"]),
    ("schedinfo pv1", &["weight : 512"]),
    ("domblklist pv1", &["xvda /var/lib/xen/images/pv1.img"]),
    (
        "domiflist pv1",
        &["vif1.0 bridge xenbr0 - 00:16:3e:00:00:01"],
    ),
    (
        "domstats pv1 --balloon --block",
        &[
            "Domain: 'pv1'",
            "balloon.current=4096",
            "balloon.maximum=8192",
            "block.count=1",
            "block.0.name=xvda",
        ],
    ),
    ("dommemstat pv1", &["actual 4096"]),
    ("setmem pv1 6144", &[]),
    (
        "dumpxml pv1",
        &[
            "<domain type='xen' id='1'>",
            "<name>pv1</name>",
            "<target dev='xvda' bus='xen'/>",
            "</domain>",
        ],
    ),
    (
        "domblkinfo pv1 xvda",
        &[
            "Capacity: 4294967296",
            "Allocation: 1073741824",
            "Physical: 4294967296",
        ],
    ),
    (
        "domblkinfo pv1 /etc/passwd",
        &["error: invalid argument: invalid path '/etc/passwd': it is no disk of domain 'pv1'"],
    ),
    (
        "domifaddr pv1 --source arp",
        &["vif1.0 00:16:3e:00:00:01 ipv4 10.1.0.2/0"],
    ),
    (
        "setvcpu pv1 0 --disable --live",
        &["error: invalid argument: name the vcpus, of which the \
      first is always online"],
    ),
    (
        "attach-disk pv1 /var/lib/xen/images/more.img xvdb",
        &["Disk attached successfully"],
    ),
    (
        "domblklist pv1",
        &[
            "xvda /var/lib/xen/images/pv1.img",
            "xvdb /var/lib/xen/images/more.img",
        ],
    ),
    ("detach-disk pv1 xvdb", &["Disk detached successfully"]),
    ("send-key pv1 KEY_LEFTALT KEY_SYSRQ KEY_S", &[]),
    (
        "send-key pv1 KEY_LEFTCTRL KEY_C",
        &[
            "error: Operation not supported: send-key: a Xen guest can be sent magic keys only: \
           SysRq with one letter or digit, such as KEY_LEFTALT KEY_SYSRQ KEY_S; others where it \
           has a VNC server on this machine",
        ],
    ),
    ("inject-nmi pv1", &[]),
    (
        "screenshot pv1 /nowhere/at/all.png",
        &[
            "error: could not take a screenshot of pv1",
            "error: Operation not supported: screenshot: domain 'pv1' has no screen that can be \
             seen from here: that takes a VNC server on this machine (<graphics type='vnc'/>)",
        ],
    ),
    (
        "dompmsuspend pv1 mem",
        &[
            "error: Domain 'pv1' could not be suspended",
            "error: Operation not supported: dompmsuspend is not possible: domain 'pv1' cannot \
             be put to sleep here, suspend pauses it: it needs libxl of Xen 4.11 or later; XenD \
             suspends a domain only to save it",
        ],
    ),
    (
        "dompmwakeup pv1",
        &["error: Domain 'pv1' could not be woken up"],
    ),
    (
        "shutdown pv1 --mode acpi",
        &[
            "error: Failed to shutdown domain 'pv1'",
            "error: Operation not supported: shutdown: only fully virtualized guests have an ACPI \
             power button",
        ],
    ),
    ("desc pv1", &["No description for domain: pv1"]),
    ("snapshot-list pv1", &["Name Creation Time State"]),
    (
        "snapshot-info pv1 before",
        &[
            "error: Domain snapshot not found: domain 'pv1' has no snapshot with matching name \
           'before'",
        ],
    ),
];

const LIFE: &[Row] = &[
    (
        "define examples/paravirt-kernel.xml",
        &["Domain 'orchard' defined from \
        examples/paravirt-kernel.xml"],
    ),
    ("domstate orchard", &["shut off"]),
    (
        "autostart orchard",
        &["Domain 'orchard' marked as autostarted"],
    ),
    ("dominfo orchard", &["Autostart: enable"]),
    ("start orchard", &["Domain 'orchard' started"]),
    ("start orchard", &["error: Domain is already active"]),
    (
        "autostart orchard --disable",
        &["Domain 'orchard' unmarked as autostarted"],
    ),
    ("dominfo orchard", &["Autostart: disable"]),
    (
        "autostart orchard",
        &["Domain 'orchard' marked as autostarted"],
    ),
    ("dominfo orchard", &["Autostart: enable"]),
    ("suspend orchard", &["Domain 'orchard' suspended"]),
    ("domstate orchard", &["paused"]),
    ("resume orchard", &["Domain 'orchard' resumed"]),
    (
        "undefine orchard",
        &["error: Failed to undefine domain 'orchard'"],
    ),
    ("destroy orchard", &["Domain 'orchard' destroyed"]),
    ("domrename orchard post", &["Domain successfully renamed"]),
    ("undefine post", &["Domain 'post' has been undefined"]),
    ("domstate post", &["error: failed to get domain 'post'"]),
    ("reset pv1", &["Domain 'pv1' was reset"]),
    ("domid pv1", &["5"]),
    ("resume hvm3", &["Domain 'hvm3' resumed"]),
    (
        "shutdown hvm3 --mode acpi",
        &["Domain 'hvm3' is being shutdown"],
    ),
];

/// What is kept of a guest that Xen does not keep.
const KEPT: &[Row] = &[
    (
        "desc pv2 --title Shop",
        &["Domain title updated successfully"],
    ),
    ("desc pv2 --title", &["Shop"]),
    (
        "metadata pv2 http://a.example --key a --set <b/>",
        &["Metadata modified"],
    ),
    ("metadata pv2 http://a.example", &["<b/>"]),
    (
        "metadata pv2 http://a.example --remove",
        &["Metadata removed"],
    ),
    (
        "metadata pv2 http://a.example",
        &["error: metadata not found: domain 'pv2' has no element of 'http://a.example'"],
    ),
    (
        "define examples/paravirt-kernel.xml",
        &["Domain 'orchard' defined from examples/paravirt-kernel.xml"],
    ),
    ("start orchard", &["Domain 'orchard' started"]),
    (
        "managedsave orchard",
        &["Domain 'orchard' state saved by libvirt"],
    ),
    ("list --all --managed-save", &["- orchard saved"]),
    ("dominfo orchard", &["Managed save: yes"]),
    ("managedsave-dumpxml orchard", &["<name>orchard</name>"]),
    (
        "undefine orchard",
        &["error: Refusing to undefine while domain managed save image exists"],
    ),
    ("start orchard", &["Domain 'orchard' started"]),
    ("dominfo orchard", &["Managed save: no"]),
    (
        "managedsave orchard",
        &["Domain 'orchard' state saved by libvirt"],
    ),
    (
        "managedsave-remove orchard",
        &["Removed managedsave image for domain 'orchard'"],
    ),
    (
        "managedsave orchard",
        &["error: Failed to save domain 'orchard' state"],
    ),
    ("start orchard", &["Domain 'orchard' started"]),
    (
        "managedsave orchard",
        &["Domain 'orchard' state saved by libvirt"],
    ),
    (
        "undefine orchard --managed-save",
        &["Domain 'orchard' has been undefined"],
    ),
    (
        "save-image-dumpxml /dev/null",
        &["error: operation failed: /dev/null: it is no file"],
    ),
];

/// Other daemons of libvirt have these.
const ABSENT: &[Row] = &[
    ("net-list --all", &["Name State Autostart Persistent"]),
    ("pool-list --all", &["Name State Autostart"]),
    ("nodedev-list", &[""]),
    ("secret-list", &["UUID Usage"]),
    ("iface-list --all", &["Name State MAC Address"]),
    ("nwfilter-list", &["UUID Name"]),
    ("nwfilter-binding-list", &["Port Dev Filter"]),
    (
        "net-event --loop --event lifecycle --timeout 1",
        &["event loop timed out"],
    ),
    (
        "net-info default",
        &[
            "error: failed to get network 'default'",
            "error: no network 'default': virtxend has none of its own, and virtnetworkd is not there",
        ],
    ),
    (
        "pool-info images",
        &[
            "error: failed to get pool 'images'",
            "error: no storage pool 'images': virtxend has none of its own, and \
             virtstoraged is not there",
        ],
    ),
];

const READ_ONLY: &[Row] = &[
    ("list", &["1 pv1 running"]),
    ("dumpxml pv1", &["<name>pv1</name>"]),
    (
        "destroy pv1",
        &[
            "error: Failed to destroy domain 'pv1'",
            "error: operation forbidden: read only access prevents virDomainDestroy",
        ],
    ),
    ("undefine pv1", &["error: Failed to undefine domain 'pv1'"]),
    (
        "setmem pv1 4096",
        &["error: operation forbidden: read only access prevents virDomainSetMemoryFlags"],
    ),
    (
        "dumpxml pv1 --security-info",
        &["error: operation forbidden: read only access prevents virDomainGetXMLDesc"],
    ),
    (
        "define examples/paravirt-kernel.xml",
        &[
            "error: Failed to define domain from examples/paravirt-kernel.xml",
            "error: operation forbidden: read only access prevents virDomainDefineXML",
        ],
    ),
    ("domstate pv1", &["running"]),
];

#[test]
fn virsh_prints_what_is_expected() {
    if !has_virsh() {
        return;
    }
    let daemon = Daemon::start("sim:?guests=3");
    for rows in [HOST, RUNNING, ABSENT, LIFE] {
        play(&daemon, false, rows);
    }
}

/// Where libxl is the toolstack.
const BY_LIBXL: &[Row] = &[
    (
        "dompmsuspend pv1 mem",
        &["Domain 'pv1' successfully suspended"],
    ),
    ("domstate pv1", &["pmsuspended"]),
    ("list --state-other", &["1 pv1 pmsuspended"]),
    ("suspend pv1", &["error: Failed to suspend domain 'pv1'"]),
    ("dompmwakeup pv1", &["Domain 'pv1' successfully woken up"]),
    ("domstate pv1 --reason", &["running (event wakeup)"]),
];

#[test]
fn virsh_does_what_libxl_can() {
    if !has_virsh() {
        return;
    }
    play(
        &Daemon::start("sim:?release=4.17&guests=1"),
        false,
        BY_LIBXL,
    );
}

#[test]
fn virsh_finds_what_is_kept() {
    if !has_virsh() {
        return;
    }
    play(&Daemon::start("sim:?guests=2"), false, KEPT);
}

#[test]
fn a_read_only_socket_refuses_changes() {
    if !has_virsh() {
        return;
    }
    play(&Daemon::start("sim:?guests=1"), true, READ_ONLY);
}

/// virsh waits for events while another one makes them.
#[test]
fn virsh_sees_what_another_does() {
    if !has_virsh() {
        return;
    }
    let mut daemon = Daemon::start("sim:?guests=1");
    let watching = daemon
        .virsh(false)
        .args(["event", "--event", "lifecycle", "--timeout", "60"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // When the watcher listens cannot be seen: it is told again and again.
    let mut watching = Some(watching);
    daemon.wait_until("the watcher has seen an event", |daemon| {
        daemon.ask(false, "suspend pv1");
        daemon.ask(false, "resume pv1");
        matches!(watching.as_mut().unwrap().try_wait(), Ok(Some(_)))
    });
    let output = watching.take().unwrap().wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let seen = ["Suspended Paused", "Resumed Unpaused"];
    assert!(
        seen.iter()
            .any(|what| { text.contains(&format!("event 'lifecycle' for domain 'pv1': {what}")) }),
        "{text}"
    );
}
