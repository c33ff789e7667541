//! The host: a handle to the state that everybody who speaks to it shares.
//!
//! The state sits behind one lock that is never held over an await; XenD's own
//! domain lock, which is held during a build, is another.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::behaviour::{self, Hotplug};
use super::clock::{Clock, Kept, StoreHost};
use super::machine::State;
use super::{Active, Options, Terminal};
use crate::fault::{Fault, Faults};
use crate::files::DiskSnapshots;
use crate::hypervisor::{Pools, scheduler};
use crate::release::{Facts, Release};
use crate::xend::{NodeFacts, Shared};
use crate::xenstore::SimXenstore;

/// The build of a guest that is meant to be slow.
const SLOW_BUILD: Duration = Duration::from_secs(3);

/// A Xen host in memory; clones are the same host.
#[derive(Clone, Debug)]
pub struct SimHost {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    options: Options,
    xend: Shared,
    facts: Facts,
    state: Mutex<State>,
    domains_lock: tokio::sync::Mutex<()>,
    store: OnceLock<SimXenstore>,
    pools: Pools,
    disks: DiskSnapshots,
    pub(super) clock: Clock,
}

impl SimHost {
    /// A host that has just booted.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let faults = Faults::new(&options.faults, &options.hung_guests, &options.dead_devices);
        let facts = Facts::of(options.release);
        let mut state = State::new(facts, options.timing, options.guests);
        state.populate(options.guests);
        Self {
            inner: Arc::new(Inner {
                xend: Shared::new(faults),
                facts,
                state: Mutex::new(state),
                domains_lock: tokio::sync::Mutex::new(()),
                store: OnceLock::new(),
                pools: Pools::default(),
                disks: DiskSnapshots::default(),
                clock: Clock::default(),
                options,
            }),
        }
    }

    /// Snapshots of its disks.
    pub(crate) fn disk_snapshots(&self) -> &DiskSnapshots {
        &self.inner.disks
    }

    /// The XenD release that answers.
    #[must_use]
    pub fn release(&self) -> Release {
        self.inner.options.release
    }

    /// Sets a fault of XenD, which counts requests from now on.
    pub fn inject(&self, fault: Fault) {
        self.inner.xend.faults().inject(fault);
    }

    /// Takes all faults of XenD, of guests and of devices away. A client that hangs
    /// on one stays so.
    pub fn clear_faults(&self) {
        *self.inner.xend.faults() = Faults::default();
    }

    /// From now on the guest of this name ignores orders to shut down.
    pub fn hang_guest(&self, name: &str) {
        self.inner.xend.faults().hang_guest(name);
    }

    /// From now on a new device of this name (`xvdb`, a MAC address) never connects.
    pub fn kill_device(&self, name: &str) {
        self.inner.xend.faults().kill_device(name);
    }

    /// What connections to XenD share.
    pub(crate) fn xend(&self) -> &Shared {
        &self.inner.xend
    }

    /// The machine.
    pub(crate) fn node_facts(&self) -> NodeFacts {
        let state = self.state();
        NodeFacts {
            total: state.total_memory.unsigned_abs(),
            free: state.free_memory().unsigned_abs(),
            nodes: self.inner.options.nodes.max(1),
            scheduler: scheduler::name(self.scheduler()),
        }
    }

    /// The number of the scheduler that Xen was started with.
    pub(crate) fn scheduler(&self) -> u32 {
        let release = self.xen();
        let release = (release.major, release.minor, release.point);
        let asked = self.inner.options.scheduler.as_deref();
        asked
            .and_then(|name| scheduler::number(name, release))
            .unwrap_or_else(|| scheduler::default_number(release))
    }

    /// The cpupools.
    pub(crate) fn pools(&self) -> &Pools {
        &self.inner.pools
    }

    /// How the host was asked to be.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// What the release does.
    pub(crate) fn facts(&self) -> &Facts {
        &self.inner.facts
    }

    /// The Xen that runs here.
    #[must_use]
    pub fn xen(&self) -> virtxen_hypercall::Release {
        self.inner.options.xen()
    }

    /// Whether a XenD runs here.
    #[must_use]
    pub fn has_xend(&self) -> bool {
        self.inner.options.without_xend.is_none()
    }

    /// The xenstored of this host. Nothing is written before the first call; the
    /// folder of a domain is filled when somebody looks into it, and its console
    /// opened when `console/tty` is read.
    #[must_use]
    pub fn xenstore(&self) -> &SimXenstore {
        self.inner.store.get_or_init(|| {
            let release = self.xen();
            let store = SimXenstore::new((release.major.into(), release.minor.into()));
            store.set_behind(Box::new(StoreHost(Arc::downgrade(&self.inner))));
            self.state().open_store(store.clone());
            store
        })
    }

    /// The state, brought up to now. What is changed in it is in xenstore once it
    /// is let go.
    pub(crate) fn state(&self) -> Kept<'_> {
        let mut state = self
            .inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.advance();
        Kept {
            state,
            clock: &self.inner.clock,
        }
    }

    /// The pseudo-terminal of a domain's console, opened when it is asked for
    /// first; `None` when no such domain is active.
    ///
    /// # Errors
    /// The machine's, when it has no terminal left.
    pub fn console(&self, domid: u32) -> io::Result<Option<PathBuf>> {
        let mut state = self.state();
        let Some(key) = state.by_domid(domid).filter(|_| domid != 0) else {
            return Ok(None);
        };
        let Some(domain) = state.get_mut(key) else {
            return Ok(None);
        };
        let Some(active) = domain.active.as_mut() else {
            return Ok(None);
        };
        let terminal = match &active.terminal {
            Some(terminal) => Arc::clone(terminal),
            None => Arc::new(Terminal::open(&domain.config.name)?),
        };
        let path = terminal.path().to_owned();
        active.terminal = Some(terminal);
        Ok(Some(path))
    }

    /// Whether XenD keeps the domain of this uuid when it is not active; `None`
    /// when there is no such domain.
    #[must_use]
    pub fn is_managed(&self, uuid: &str) -> Option<bool> {
        let state = self.state();
        let key = state.by_uuid(uuid)?;
        Some(state.is_managed_uuid(uuid) || state.is_managed(key))
    }

    /// Kills XenD and starts it again, as an administrator does. Domains live
    /// on; those that are to be started with XenD are.
    pub fn restart_xend(&self) {
        self.state().restart_xend();
    }

    /// Lets devices that are dead by a fault never connect.
    pub(crate) fn bury_devices(&self, active: &mut Active) {
        let faults = self.inner.xend.faults();
        for device in &mut active.devices {
            let names = [device.back("dev"), device.back("mac")];
            if names.into_iter().flatten().any(|name| faults.is_dead(name)) {
                device.hotplug = Hotplug::Never;
            }
        }
    }

    /// Lets the time of a build pass.
    pub(crate) async fn pass_build_time(&self, guest: &str) {
        let time = if behaviour::is_slow(guest) {
            SLOW_BUILD
        } else {
            self.inner.options.timing.build
        };
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
    }

    /// XenD's lock on its domains.
    pub(crate) fn domains_lock(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.domains_lock
    }
}
