//! A domain: its configuration, and what lives when it is active.
//!
//! Nothing here knows how a release shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Terminal;
use super::behaviour::Hotplug;
use crate::hypervisor::Schedule;
use crate::libxl::Kept;
use crate::xend::config::Config;

/// An idle guest uses two per cent of a processor: this part of its time.
const IDLENESS: u32 = 50;

/// Processors that can have a use.
const MOST_CPUS: usize = 4096;

/// A domain as XenD has it.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) config: Config,
    pub(crate) active: Option<Active>,
}

/// What the hypervisor and a listing know of a domain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glimpse<'a> {
    pub(crate) name: &'a str,
    pub(crate) uuid: &'a str,
    pub(crate) hvm: bool,
    pub(crate) vcpus: i64,
    /// Weight and cap of the configuration.
    pub(crate) share: (i64, i64),
    /// The living part; of a guest that is not made yet it has no devices.
    pub(crate) active: Option<&'a Active>,
}

impl<'a> Glimpse<'a> {
    /// What is known of this domain.
    pub(crate) fn of(domain: &'a Domain) -> Self {
        let config = &domain.config;
        Self {
            name: &config.name,
            uuid: &config.uuid,
            hvm: config.hvm,
            vcpus: config.vcpus,
            share: (config.weight, config.cap),
            active: domain.active.as_ref(),
        }
    }
}

/// The living part of a domain.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) domid: u32,
    pub(crate) created: Instant,
    pub(crate) life: Life,
    /// XenD knows its shared pages, which it forgets when it is started anew.
    pub(crate) pages_known: bool,
    /// XenD has asked the hypervisor about it since it was built.
    pub(crate) refreshed: bool,
    /// Since when its clock runs, and what it had run before.
    pub(crate) running_since: Option<Instant>,
    pub(crate) ran: Duration,
    /// Memory that it holds, in MiB.
    pub(crate) memory: i64,
    /// The limit that the hypervisor keeps, in MiB.
    pub(crate) limit: i64,
    /// The cpus that the hypervisor lets each vcpu use; none means any.
    pub(crate) affinity: Vec<Vec<i64>>,
    /// The cpus that a vcpu should rather use, where somebody said so.
    pub(crate) soft_affinity: BTreeMap<u32, Vec<u32>>,
    /// Parameters under schedulers beside weight and cap.
    pub(crate) schedule: Schedule,
    /// Weight and cap, where the configuration does not follow them.
    pub(crate) share: Option<(i64, i64)>,
    /// Where each vcpu is.
    pub(crate) placed: Vec<i64>,
    /// How many vcpus are up.
    pub(crate) online: i64,
    /// Which they are, after one was plugged by itself; else the first ones.
    pub(crate) plugged: Option<BTreeSet<u32>>,
    /// Its console, once somebody has asked for it.
    pub(crate) terminal: Option<Arc<Terminal>>,
    /// The devices in the store, in the order of their creation.
    pub(crate) devices: Vec<StoreDevice>,
    /// Interfaces that ever were, to number the next.
    pub(crate) next_interface: i64,
    /// What libxl keeps of it, if that started it.
    pub(crate) libxl: Option<Box<Kept>>,
}

/// What a domain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Built, or stopped by an order.
    Paused,
    /// Runs.
    Running,
    /// Has shut down for this reason and is kept.
    Shutdown(Reason),
}

/// Why a domain shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Powered off, or halted.
    Poweroff,
    /// Wants to boot again.
    Reboot,
    /// Waits for its memory to be written to a file.
    Suspend,
    /// Crashed.
    Crash,
}

/// A device in the store.
#[derive(Clone, Debug)]
pub(crate) struct StoreDevice {
    pub(crate) class: String,
    pub(crate) id: i64,
    /// Its key in the configuration.
    pub(crate) uuid: String,
    /// What the back end's folder says.
    pub(crate) back: Vec<(String, String)>,
    /// What the front end's folder says.
    pub(crate) front: Vec<(String, String)>,
    /// When its back end will have connected it.
    pub(crate) connects: Instant,
    pub(crate) hotplug: Hotplug,
}

impl StoreDevice {
    /// A value of the back end's folder.
    pub(crate) fn back(&self, name: &str) -> Option<&str> {
        find(&self.back, name)
    }

    /// A value of the front end's folder.
    pub(crate) fn front(&self, name: &str) -> Option<&str> {
        find(&self.front, name)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

impl Active {
    /// A domain that has just been built and waits.
    pub(crate) fn new(domid: u32, config: &Config) -> Self {
        Self {
            domid,
            created: Instant::now(),
            life: Life::Paused,
            pages_known: true,
            refreshed: false,
            running_since: None,
            ran: Duration::ZERO,
            memory: config.dynamic_max,
            limit: config.static_max,
            affinity: config.cpus.clone(),
            soft_affinity: BTreeMap::new(),
            schedule: Schedule::default(),
            share: None,
            placed: (0..config.vcpus.clamp(0, 4096))
                .zip(config.cpus.iter())
                .map(|(n, cpus)| match cpus.first() {
                    Some(first) if domid != 0 => *first,
                    _ => n % super::CPUS,
                })
                .collect(),
            online: i64::from(config.vcpu_avail.count_ones()).min(config.vcpus),
            plugged: None,
            terminal: None,
            devices: Vec::new(),
            next_interface: 0,
            libxl: None,
        }
    }

    /// Processor time used by one vcpu.
    pub(crate) fn cpu_time(&self) -> Duration {
        let running = self
            .running_since
            .map_or(Duration::ZERO, |since| since.elapsed() / IDLENESS);
        self.ran + running
    }

    /// How long it has run.
    pub(crate) fn run_time(&self) -> Duration {
        self.cpu_time() * IDLENESS
    }

    /// Adds what it used of each processor.
    pub(crate) fn add_use(&self, used: &mut Vec<Duration>) {
        let time = self.cpu_time();
        let online = usize::try_from(self.online).unwrap_or(0);
        for place in self.placed.iter().take(online) {
            let Ok(place) = usize::try_from(*place) else {
                continue;
            };
            if used.len() <= place && place < MOST_CPUS {
                used.resize(place + 1, Duration::ZERO);
            }
            if let Some(used) = used.get_mut(place) {
                *used += time;
            }
        }
    }

    /// Whether a vcpu is online.
    pub(crate) fn is_online(&self, vcpu: i64) -> bool {
        match &self.plugged {
            Some(plugged) => u32::try_from(vcpu).is_ok_and(|vcpu| plugged.contains(&vcpu)),
            None => vcpu < self.online,
        }
    }

    /// The first vcpus are online.
    pub(crate) fn set_online(&mut self, count: i64) {
        self.plugged = None;
        self.online = count;
    }

    /// Takes one vcpu online or offline.
    pub(crate) fn plug(&mut self, vcpu: u32, online: bool) {
        let first = u32::try_from(self.online).unwrap_or(0);
        let plugged = self.plugged.get_or_insert_with(|| (0..first).collect());
        if online {
            plugged.insert(vcpu);
        } else {
            plugged.remove(&vcpu);
        }
        self.online = i64::try_from(plugged.len()).unwrap_or(0);
    }

    /// Stops or lets run.
    pub(crate) fn set_life(&mut self, life: Life) {
        self.ran = self.cpu_time();
        self.running_since = (life == Life::Running).then(Instant::now);
        self.life = life;
    }

    /// The device of a class and number.
    pub(crate) fn device(&self, class: &str, id: i64) -> Option<&StoreDevice> {
        self.devices
            .iter()
            .find(|device| device.class == class && device.id == id)
    }
}
