//! How a simulated host is to be: release, guests at the start, its tempo.
//!
//! The URI form of these options is in `uri`.

use std::path::PathBuf;
use std::time::Duration;

use crate::fault::Fault;
use crate::release::Release;

/// What a new host is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The XenD release that answers.
    pub release: Release,
    /// A Xen after the last XenD (4.5 and later): there is none to connect to, only
    /// the hypervisor and xenstore, and `release` says what the guests are like.
    pub without_xend: Option<virtxen_hypercall::Release>,
    /// Guests that exist at the start, beside Domain-0.
    pub guests: usize,
    /// NUMA nodes of the machine: 1, 2 or 4.
    pub nodes: u32,
    /// The scheduler that Xen was started with; `None` for the release's own.
    pub scheduler: Option<String>,
    /// How long things take.
    pub timing: Timing,
    /// Faults of XenD that are set from the start.
    pub faults: Vec<Fault>,
    /// Guests, by name, that ignore orders to shut down.
    pub hung_guests: Vec<String>,
    /// Devices (`xvdb`, a MAC address) that never connect.
    pub dead_devices: Vec<String>,
    /// TCP port where domains of other simulated hosts are taken, for who opens the
    /// host.
    pub relocation: Option<u16>,
    /// Folder of xm's files, for who opens the host: XenD knows nothing of them.
    pub xm_dir: Option<PathBuf>,
}

impl Options {
    /// The Xen that runs on the host.
    pub(crate) fn xen(&self) -> virtxen_hypercall::Release {
        if let Some(release) = self.without_xend {
            return release;
        }
        let mut numbers = self.release.version().split('.');
        let mut next = || numbers.next().and_then(|number| number.parse().ok());
        virtxen_hypercall::Release {
            major: next().unwrap_or(0),
            minor: next().unwrap_or(0),
            point: next().unwrap_or(0),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            release: Release::V4_1,
            without_xend: None,
            guests: 0,
            nodes: 1,
            scheduler: None,
            timing: Timing::default(),
            faults: Vec::new(),
            hung_guests: Vec::new(),
            dead_devices: Vec::new(),
            relocation: None,
            xm_dir: None,
        }
    }
}

/// How long things take on the host.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From an order to shut down (or reboot) until the guest has shut down.
    pub shutdown: Duration,
    /// From then until the toolstack has taken the domain down.
    pub reap: Duration,
    /// From the creation of a device until its back end is connected.
    pub connect: Duration,
    /// From the end of a domain that boots again until it is back.
    pub reboot: Duration,
    /// Building a domain, with XenD's domain lock held.
    pub build: Duration,
    /// Saving or restoring a domain.
    pub save: Duration,
}

impl Default for Timing {
    /// The tempo of a small idle host.
    fn default() -> Self {
        Self {
            shutdown: Duration::from_millis(100),
            reap: Duration::from_millis(20),
            connect: Duration::from_millis(40),
            reboot: Duration::from_millis(150),
            build: Duration::from_millis(20),
            save: Duration::from_millis(200),
        }
    }
}

impl Timing {
    /// Nothing takes time: for tests and scripts.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            shutdown: Duration::ZERO,
            reap: Duration::ZERO,
            connect: Duration::ZERO,
            reboot: Duration::ZERO,
            build: Duration::ZERO,
            save: Duration::ZERO,
        }
    }
}
