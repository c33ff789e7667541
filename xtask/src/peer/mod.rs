//! libvirt's own daemon with its Xen driver, brought up where there is no Xen, and
//! virtxend beside it, each in a room of its own.
//!
//! Both see the same simulated hypervisor: libvirtd through Xen's library and Xen's own
//! xenstored with `xtask/foreign/xen.c` in front, virtxend as it does in all tests.
//! Nothing is installed and nothing of the machine is changed. What is compared or
//! measured is not here.

mod room;

pub(crate) use room::Room;

use crate::foreign::packages::{self, Tools};
use crate::foreign::rig::{Rig, Server};
use crate::workspace::run;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// What Debian calls libvirt's daemon, its Xen driver and its programs.
const PACKAGES: [&str; 4] = [
    "libvirt-daemon",
    "libvirt-daemon-driver-xen",
    "libvirt-clients",
    "python3-libvirt",
];

/// Both daemons' rooms and what stands behind libvirt's. Nothing runs in them yet.
pub(crate) struct Pair {
    /// Where libvirt's daemon runs: start it with [`Room::peer`].
    pub(crate) peer: Room,
    /// Where virtxend runs: start it with [`Room::ours`].
    pub(crate) ours: Room,
    _servers: [Server; 2],
    rig: Rig,
}

/// The programs that meet: unpacked, or built.
pub(crate) struct Programs {
    tools: Tools,
    virtxend: PathBuf,
}

impl Programs {
    /// Gets libvirt's programs below `target/peer`, and builds ours.
    ///
    /// # Errors
    /// When Debian's packages cannot be had, or ours do not build.
    pub(crate) fn get(root: &Path, release: bool) -> Result<Self> {
        let tools = packages::tools(&root.join("target/peer"), &PACKAGES)?;
        crate::virtxend::build(root, release)?;
        let kind = if release { "release" } else { "debug" };
        let virtxend = root.join("target").join(kind).join("virtxend");
        Ok(Self { tools, virtxend })
    }
}

impl Pair {
    /// Makes the rooms, on a host without guests.
    ///
    /// # Errors
    /// When something does not start: rooms need root, or a kernel that lets users make
    /// namespaces.
    pub(crate) fn open(root: &Path, programs: Programs) -> Result<Self> {
        let tree = programs.tools.root.clone();
        let rig = Rig::build(root, programs.tools)?;
        let simulated = rig.simulated(rig.release(), 0)?;
        let xenstored = rig.xenstored(&simulated)?;
        for (path, value) in [
            ("/local/domain/0/name", "Domain-0"),
            ("/libxl/disable_udev", "0"),
        ] {
            rig.ask(&xenstored, &["xenstore-write", path, value])?;
        }
        let room = |name: &str| {
            Room::open(&rig.path(name), root, &tree, |command| {
                command
                    .env("XENSTORED_PATH", &xenstored.xenstore)
                    .env("VIRTXEN_HYPERCALLS", &xenstored.hypercalls)
                    .env("VIRTXEN_FRONT", rig.front())
                    .env("VIRTXEND", &programs.virtxend);
            })
        };
        Ok(Self {
            peer: room("peer")?,
            ours: room("ours")?,
            _servers: [simulated, xenstored],
            rig,
        })
    }

    /// The host of virtxend: of the same release, and without guests like the other.
    pub(crate) fn host(&self) -> String {
        format!("sim:?release={}&guests=0", self.rig.release())
    }
}

/// `cargo xtask peer`: both daemons until the end of a shell command, which finds their
/// URIs in `PEER` and `OURS`.
///
/// # Errors
/// When they do not start, and when the command fails.
pub fn peer(root: &Path, command: &str) -> Result<()> {
    let pair = Pair::open(root, Programs::get(root, false)?)?;
    pair.peer.peer()?;
    pair.ours.ours(&pair.host())?;
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", command])
        .env("PEER", pair.peer.uri())
        .env("OURS", pair.ours.uri())
        .env("PEER_ROOM", pair.peer.folder())
        .env("OURS_ROOM", pair.ours.folder());
    let done = run(&mut shell, "");
    if let Err(Error::Ended { .. }) = &done {
        for room in [&pair.peer, &pair.ours] {
            eprint!("{}", room.log());
        }
    }
    done
}
