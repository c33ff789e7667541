//! `cargo xtask lab migrate`: a guest moves from one lab to another, as people move it: by
//! virsh in dom0, with the daemons of both labs.
//!
//! The labs know nothing of each other; QEMU's network leads from each to this machine, and
//! from a port of this machine into the other.

use super::dom0::{Dom0, quoted};
use super::monitor;
use super::place::Place;
use super::suite::Suite;
use crate::{Error, Result};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::Instant;

/// What is moved, and where to.
#[derive(clap::Args)]
pub struct Options {
    /// Only in these ways
    pub(super) names: Vec<String>,
    /// The suite of the destination, whose Xen is not older
    #[arg(long, default_value = "trixie")]
    pub(super) to: Suite,
    /// The programs that are in both already
    #[arg(long)]
    pub(super) installed: bool,
}

/// What this machine is called in dom0 while ports of it lead to the other lab. A name has
/// the destination listen on all of its addresses.
const OTHER: &str = "lab-other";

/// Where the daemon of the destination listens in its dom0.
const DAEMON: u16 = 16509;

/// Has the daemon of the destination listen for other hosts.
const OPEN: &str = r#"
echo 'auth_tcp = "none"' >/etc/libvirt/virtxend.conf
systemctl stop virtxend.service
systemctl start virtxend-tcp.socket
within 30 bash -c 'exec 3<>/dev/tcp/127.0.0.1/16509'
"#;

/// And no longer.
const SHUT: &str = "rm -f /etc/libvirt/virtxend.conf
systemctl stop virtxend-tcp.socket virtxend.service; systemctl start virtxend.socket";

/// Libvirt's own daemon has the destination; it listens on the address of the name that the
/// source is given.
const OTHERS_THERE: &str = r#"
systemctl stop virtxend-tcp.socket virtxend.service virtxend.socket
echo 'auth_tcp = "none"' >>/etc/libvirt/libvirtd.conf
echo "$(hostname -I | cut -d' ' -f1) lab-other" >>/etc/hosts
systemctl start libvirtd-tcp.socket libvirtd.service
within 30 bash -c 'exec 3<>/dev/tcp/127.0.0.1/16509'
"#;

/// And no longer.
const OURS_THERE: &str = r#"
systemctl stop libvirtd-tcp.socket
libvirtd_ends
sed -i '/^auth_tcp = "none"$/d' /etc/libvirt/libvirtd.conf
sed -i '/ lab-other$/d' /etc/hosts
systemctl start virtxend-tcp.socket
"#;

/// Who asks there asks libvirt's own daemon.
const ASK_THEIRS: &str = "export LIBVIRT_DEFAULT_URI=$theirs";

/// A guest that counts runs at the source.
const RUNS: &str = r#"
sed 's|mitigations=off|& lab.count|' $guest.xml >$work/count.xml
virsh create $work/count.xml
within 180 console $guest 'lab: second'
"#;

/// It has gone.
const WENT: &str = r#"
within 30 gone $guest
refuses 'failed to get domain' virsh domstate $guest
"#;

/// It has come, was not booted, and counts.
const CAME: &str = r#"
says running virsh domstate $guest
within 60 console $guest 'lab: second' 3
! console $guest 'lab: ready'
"#;

/// It counts where it was.
const STAYED: &str = r#"
within 30 says running virsh domstate $guest
seen=$(grep -ac 'lab: second' $consoles/guest-$guest.log)
within 60 console $guest 'lab: second' $((seen + 2))
console $guest 'lab: ready' 1
"#;

/// A way to move it.
struct Way {
    name: &'static str,
    what: &'static str,
    /// Debian's Xen has no shadow pages, without which no PV guest runs on meanwhile.
    guest: &'static str,
    /// The command at the source, with `$uri` and `$port` of the destination.
    script: &'static str,
    /// Whether it is to stay.
    stays: bool,
    /// Where libvirt's own daemon is at work.
    libvirtd: Option<End>,
}

/// The ends of the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Source,
    Destination,
}

const WAYS: [Way; 7] = [
    Way {
        name: "plain",
        what: "virsh asks both daemons in turn",
        guest: "pv",
        script: PLAIN,
        stays: false,
        libvirtd: None,
    },
    Way {
        name: "p2p",
        what: "the source's daemon asks the destination's",
        guest: "pv",
        script: "virsh migrate --p2p $guest $uri --migrateuri tcp://lab-other:$port",
        stays: false,
        libvirtd: None,
    },
    Way {
        name: "tunnelled",
        what: "the memory goes through the daemons' connection",
        guest: "pv",
        script: "virsh migrate --p2p --tunnelled $guest $uri",
        stays: false,
        libvirtd: None,
    },
    Way {
        name: "given-up",
        what: "a migration that is given up leaves the guest where it was",
        guest: "pv",
        script: r#"
virsh migrate --p2p --tunnelled $guest $uri >$work/given-up 2>&1 &
within 30 says 'Outgoing migration' virsh domjobinfo $guest
virsh domjobabort $guest
if wait %1; then echo 'it was moved'; exit 1; fi
grep cancelled $work/given-up
"#,
        stays: true,
        libvirtd: None,
    },
    Way {
        name: "live",
        what: "a PVH guest runs on while its memory goes",
        guest: "pvh",
        script: "virsh migrate --live --p2p --tunnelled $guest $uri",
        stays: false,
        libvirtd: None,
    },
    Way {
        name: "to-libvirtd",
        what: "virtxend sends it to libvirt's own daemon",
        guest: "pv",
        script: PLAIN,
        stays: false,
        libvirtd: Some(End::Destination),
    },
    Way {
        name: "from-libvirtd",
        what: "libvirt's own daemon sends it to virtxend",
        guest: "pv",
        script: PLAIN,
        stays: false,
        libvirtd: Some(End::Source),
    },
];

const PLAIN: &str = "virsh migrate $guest $uri --migrateuri tcp://lab-other:$port";

/// Moves a guest between two labs that are up, in ways of these names, or in all.
///
/// # Errors
/// When a lab cannot be reached, or a move does not do what it is to do.
pub(super) fn run(from: &Place, to: &Place, names: &[String]) -> Result<()> {
    let is_meant = |way: &&Way| names.is_empty() || names.iter().any(|it| it == way.name);
    let ways: Vec<&Way> = WAYS.iter().filter(is_meant).collect();
    if ways.is_empty() {
        return Err(Error::Failed("nothing moves in such a way".to_owned()));
    }
    let (here, there) = (Dom0::of(from)?, Dom0::of(to)?);
    calm(&there)?;
    let (daemon, memory) = (free_port()?, free_port()?);
    let _roads = [
        Road::open(to, daemon, DAEMON)?,
        Road::open(to, memory, memory)?,
    ];
    expect(&here, &format!("echo 10.0.2.2 {OTHER} >>/etc/hosts"))?;
    let moved =
        expect(&there, OPEN).and_then(|()| move_all(&here, &there, [daemon, memory], &ways));
    // What was changed is changed back, whatever came of it.
    let shut = there.outcome(SHUT);
    let forgotten = here.outcome(&format!("sed -i /{OTHER}$/d /etc/hosts"));
    moved?;
    shut.and(forgotten).map(drop)
}

fn move_all(
    here: &Dom0<'_>,
    there: &Dom0<'_>,
    [daemon, memory]: [u16; 2],
    ways: &[&Way],
) -> Result<()> {
    let mut failed = String::new();
    for way in ways {
        let begin = Instant::now();
        let Way { guest, script, .. } = way;
        let variables =
            format!("guest={guest} uri=xen+tcp://{OTHER}:{daemon}/system port={memory}");
        let after = if way.stays { STAYED } else { WENT };
        let asks = |end| match way.libvirtd == Some(end) {
            true => ASK_THEIRS,
            false => "",
        };
        let asked = asks(End::Source);
        let leaves = format!("{variables}\n{asked}\n{RUNS}\n{script}\n{after}");
        let comes = if way.stays { "gone $guest" } else { CAME };
        let comes = format!("{variables}\n{}\n{comes}", asks(End::Destination));
        let done = calm(there)
            .and_then(|()| calm(here))
            .and_then(|()| {
                change_daemons(here, there, way.libvirtd, ["libvirtd_begins", OTHERS_THERE])
            })
            .and_then(|()| expect(here, &leaves))
            .and_then(|()| expect(there, &comes));
        let back = change_daemons(here, there, way.libvirtd, ["libvirtd_ends", OURS_THERE]);
        let done = done.and(back);
        let seconds = begin.elapsed().as_secs();
        let word = if done.is_ok() { "ok    " } else { "FAILED" };
        println!("{word} {:<12} {seconds:>4} s  {}", way.name, way.what);
        if let Err(error) = done {
            println!("{error}");
            let _ = write!(failed, " {}", way.name);
        }
    }
    calm(there)?;
    calm(here)?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!("failed:{failed}")))
}

/// Does the first at the source, or the second at the destination, if libvirt's own daemon is
/// at work there.
fn change_daemons(
    here: &Dom0<'_>,
    there: &Dom0<'_>,
    libvirtd: Option<End>,
    [source, destination]: [&str; 2],
) -> Result<()> {
    match libvirtd {
        None => Ok(()),
        Some(End::Source) => expect(here, source),
        Some(End::Destination) => expect(there, destination),
    }
}

fn calm(dom0: &Dom0<'_>) -> Result<()> {
    expect(dom0, "calm")
}

/// Runs lines with the words of the tests.
fn expect(dom0: &Dom0<'_>, lines: &str) -> Result<()> {
    let script = format!(". /srv/lab/steps.sh\n{lines}\n");
    let line = format!("timeout -k 5 600 bash -c {} 2>&1", quoted(&script));
    match dom0.outcome(&line)? {
        (true, _) => Ok(()),
        (false, text) => Err(Error::Failed(text)),
    }
}

/// A port of this machine that leads into a lab.
struct Road<'a> {
    place: &'a Place,
    port: u16,
}

impl<'a> Road<'a> {
    fn open(place: &'a Place, port: u16, to: u16) -> Result<Self> {
        let line = format!("hostfwd_add net tcp:127.0.0.1:{port}-:{to}");
        match &*monitor::ask(&place.run(), &line)? {
            "" => Ok(Self { place, port }),
            why => Err(Error::Failed(format!("QEMU's monitor: {why}"))),
        }
    }
}

impl Drop for Road<'_> {
    fn drop(&mut self) {
        let line = format!("hostfwd_remove net tcp:127.0.0.1:{}", self.port);
        // A machine that has ended has no ports.
        let _ = monitor::ask(&self.place.run(), &line);
    }
}

/// A port that nobody has; it is the same in the lab.
fn free_port() -> Result<u16> {
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = port.map_err(|error| Error::Failed(format!("no port is free: {error}")))?;
    Ok(port.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_shell() {
        let ways = WAYS.iter().map(|way| way.script);
        for script in [
            OPEN,
            SHUT,
            OTHERS_THERE,
            OURS_THERE,
            RUNS,
            WENT,
            CAME,
            STAYED,
        ]
        .into_iter()
        .chain(ways)
        {
            let mut bash = std::process::Command::new("bash");
            assert!(
                bash.args(["-n", "-c", script]).status().unwrap().success(),
                "{script}"
            );
        }
    }
}
