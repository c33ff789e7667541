//! The machine with its domains: memory, domain numbers, the passing of time.
//!
//! Time passes when somebody looks: whatever was due is done first.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::domain::{Active, Domain, Glimpse, Life, Reason};
use super::domains::Domains;
use super::guests::Sketch;
use super::pci::PciDevice;
use super::stored::Stored;
use super::{Entropy, Timing, behaviour};
use crate::release::Facts;
use crate::xend::config::Config;
use crate::xend::dict::PyDict;

/// Memory of the host, in MiB, unless its guests at the start need more.
pub(crate) const TOTAL_MEMORY: i64 = 8192;
/// Memory beside the guests at the start, in MiB: Domain-0's and some to spare.
const SPARE_MEMORY: i64 = 2048;
/// The most that a guest at the start holds, in MiB.
const GUEST_MEMORY: i64 = 16;
/// What the hypervisor keeps for itself, in MiB.
const HYPERVISOR_MEMORY: i64 = 64;
/// What Domain-0 keeps, in MiB.
const LEAST_CONTROL_MEMORY: i64 = 196;
/// Processors of the host.
pub(crate) const CPUS: i64 = 4;

/// Names a domain for as long as XenD has it.
pub(crate) type Key = u64;

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) facts: Facts,
    pub(crate) timing: Timing,
    pub(crate) entropy: Entropy,
    /// Configurations that XenD has read since it started.
    pub(crate) configs_read: u32,
    booted: Instant,
    booted_at: f64,
    next_domid: u32,
    pub(super) domains: Domains,
    pub(super) active: PyDict<Key, u32>,
    pub(super) managed: PyDict<Key>,
    pub(super) due: Vec<(Instant, Due)>,
    /// Memory of the host, in MiB.
    pub(crate) total_memory: i64,
    /// Memory of all active domains, in MiB.
    held: i64,
    /// Time of each processor that domains used which are gone.
    used: Vec<Duration>,
    pub(crate) saved: HashMap<String, Saved>,
    /// PCI devices, by address.
    pub(crate) pci: Vec<PciDevice>,
    /// How many domains have shut down or gone.
    pub(crate) exceptions: tokio::sync::watch::Sender<u64>,
    /// Xenstore, once somebody has asked for it.
    pub(super) stored: Option<Box<Stored>>,
    /// When the clock will look next.
    pub(super) clock_set: Option<Instant>,
}

/// A saved domain.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    pub(crate) config: Config,
    /// What the head of its file says.
    pub(crate) text: String,
}

#[derive(Clone, Debug)]
pub(super) enum Due {
    Shutdown(u32, Reason),
    Reap(u32),
    Start(Key, Box<Config>),
    StartWithXend(Key),
}

impl State {
    /// A machine with nothing but Domain-0, and with memory for this many guests.
    pub(crate) fn new(facts: Facts, timing: Timing, guests: usize) -> Self {
        let guests = i64::try_from(guests).unwrap_or(i64::MAX);
        let needed = guests
            .saturating_mul(GUEST_MEMORY)
            .saturating_add(SPARE_MEMORY);
        let booted_at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64());
        let mut state = Self {
            facts,
            timing,
            entropy: Entropy::new(0x5eed),
            configs_read: 0,
            booted: Instant::now(),
            booted_at,
            next_domid: 0,
            domains: Domains::default(),
            active: PyDict::default(),
            managed: PyDict::default(),
            due: Vec::new(),
            total_memory: needed.max(TOTAL_MEMORY),
            held: 0,
            used: Vec::new(),
            saved: HashMap::new(),
            pci: super::pci::devices(),
            exceptions: tokio::sync::watch::Sender::default(),
            stored: None,
            clock_set: None,
        };
        state.add_control_domain();
        state
    }

    /// Seconds since 1970 on the host's clock.
    pub(crate) fn now(&self) -> f64 {
        self.booted_at + self.booted.elapsed().as_secs_f64()
    }

    /// Time since the machine was started.
    pub(crate) fn uptime(&self) -> Duration {
        self.booted.elapsed()
    }

    /// Time of each processor that domains used which are gone; none for those that
    /// are not listed.
    pub(crate) fn used_before(&self) -> &[Duration] {
        &self.used
    }

    /// The living part of each active domain, by number.
    pub(crate) fn active_domains(&self) -> impl Iterator<Item = &Active> {
        let living = self.active_keys().filter_map(|key| self.get(key));
        let mut living: Vec<&Active> = living.filter_map(|it| it.active.as_ref()).collect();
        living.sort_unstable_by_key(|active| active.domid);
        living.into_iter()
    }

    /// Memory that no domain holds, in MiB.
    pub(crate) fn free_memory(&self) -> i64 {
        (self.total_memory - HYPERVISOR_MEMORY - self.held).max(0)
    }

    /// Changes the memory that an active domain holds, in MiB.
    pub(crate) fn set_memory(&mut self, key: Key, memory: i64) {
        let domain = self.domains.get_mut(key);
        if let Some(active) = domain.and_then(|domain| domain.active.as_mut()) {
            self.held += memory - active.memory;
            active.memory = memory;
            self.note(key);
        }
    }

    /// A number for a new domain; also one that will not be is numbered.
    pub(crate) fn take_domid(&mut self) -> u32 {
        let domid = self.next_domid;
        self.next_domid += 1;
        domid
    }

    /// XenD had a domain of this number for a moment, which its table of
    /// domains does not forget.
    pub(crate) fn note_failed(&mut self, domid: u32) {
        self.active.set(&domid, Key::MAX);
        self.active.remove(&domid);
    }

    /// XenD's words when there is not enough memory, in MiB.
    pub(crate) fn no_memory(&self, need: i64) -> String {
        let free = self.free_memory();
        let control = self
            .by_domid(0)
            .and_then(|key| self.get(key)?.active.as_ref())
            .map_or(0, |active| active.memory);
        self.facts
            .no_memory
            .replace("%need", &need.saturating_mul(1024).to_string())
            .replace("%have", &(free * 1024).to_string())
            .replace(
                "%shrunk",
                &((free + control - LEAST_CONTROL_MEMORY) * 1024).to_string(),
            )
    }

    /// Adds a domain that has been built.
    pub(crate) fn add_active(&mut self, config: Config, active: Active) -> Key {
        let domid = active.domid;
        self.held += active.memory;
        let key = self.domains.insert(Domain {
            config,
            active: Some(active),
        });
        self.active.set(&domid, key);
        self.note(key);
        key
    }

    /// Adds a domain that XenD keeps, or takes its place.
    pub(crate) fn define(&mut self, config: Config) -> Key {
        let uuid = config.uuid.clone();
        let old = self.managed.get(uuid.as_str()).copied();
        let key = self.domains.insert(Domain {
            config,
            active: None,
        });
        self.managed.set(uuid.as_str(), key);
        if let Some(old) = old {
            self.forget_unless_used(old);
        }
        key
    }

    /// Adds a guest of the start, that XenD keeps when it is `managed`.
    pub(super) fn add_sketch(&mut self, sketch: Sketch, managed: bool) {
        let key = self.domains.insert_sketch(sketch);
        let Some(domain) = self.domains.glimpse(key) else {
            return;
        };
        if managed {
            self.managed.set(domain.uuid, key);
        }
        if let Some(active) = domain.active {
            self.held += active.memory;
            self.active.set(&active.domid, key);
        }
    }

    /// Makes an inactive domain active.
    pub(crate) fn activate(&mut self, key: Key, active: Active) {
        let domid = active.domid;
        if let Some(domain) = self.domains.get_mut(key) {
            self.held += active.memory;
            domain.active = Some(active);
            self.active.set(&domid, key);
            self.note(key);
        }
    }

    /// Takes a domain off the machine; a managed one stays, inactive.
    pub(crate) fn destroy(&mut self, key: Key) {
        let Some(domain) = self.domains.get_mut(key) else {
            return;
        };
        if let Some(active) = domain.active.take() {
            self.exceptions.send_modify(|count| *count += 1);
            self.held -= active.memory;
            active.add_use(&mut self.used);
            self.active.remove(&active.domid);
            self.note(key);
        }
        self.forget_unless_used(key);
    }

    /// Removes an inactive domain for good.
    pub(crate) fn undefine(&mut self, key: Key) {
        if let Some(domain) = self.domains.glimpse(key)
            && self.managed.get(domain.uuid) == Some(&key)
        {
            self.managed.remove(domain.uuid);
        }
        self.forget_unless_used(key);
    }

    /// A domain.
    pub(crate) fn get(&self, key: Key) -> Option<&Domain> {
        self.domains.get(key)
    }

    /// What a listing shows of a domain.
    pub(crate) fn glimpse(&self, key: Key) -> Option<Glimpse<'_>> {
        self.domains.glimpse(key)
    }

    /// A domain, to change it. Its name is changed with [`rename`](Self::rename).
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Domain> {
        self.note(key);
        self.domains.get_mut(key)
    }

    /// Whether XenD keeps the domain when it is not active.
    pub(crate) fn is_managed(&self, key: Key) -> bool {
        self.glimpse(key)
            .is_some_and(|domain| self.managed.get(domain.uuid) == Some(&key))
    }

    /// Gives a domain another name.
    pub(crate) fn rename(&mut self, key: Key, name: &str) {
        self.domains.rename(key, name);
        self.note(key);
    }

    /// A guest obeys an order to shut down, after a while.
    pub(crate) fn order_shutdown(&mut self, domid: u32, reason: Reason) {
        let at = Instant::now() + self.timing.shutdown;
        self.due.push((at, Due::Shutdown(domid, reason)));
        self.advance();
    }

    /// XenD will start an inactive domain by itself.
    pub(crate) fn order_start(&mut self, key: Key) {
        let at = Instant::now() + self.timing.reboot;
        self.due.push((at, Due::StartWithXend(key)));
    }

    /// Lets a guest do at once what it does by itself: crash.
    pub(crate) fn let_run(&mut self, key: Key) {
        self.note(key);
        let Some(domain) = self.domains.get_mut(key) else {
            return;
        };
        let Some(active) = domain.active.as_mut() else {
            return;
        };
        if active.life == Life::Paused {
            active.set_life(Life::Running);
        }
        if behaviour::crashes(&domain.config.name) {
            let domid = active.domid;
            self.due
                .push((Instant::now(), Due::Shutdown(domid, Reason::Crash)));
        }
    }

    /// Does whatever was due by now.
    pub(crate) fn advance(&mut self) {
        let now = Instant::now();
        if let Some(stored) = &mut self.stored {
            stored.advance(now);
        }
        while let Some(at) = self.due.iter().position(|(time, _)| *time <= now) {
            let (time, due) = self.due.remove(at);
            match due {
                Due::Shutdown(domid, reason) => self.shut_down(domid, reason, time),
                Due::Reap(domid) => self.take_down(domid, time),
                Due::StartWithXend(key) => self.start_with_xend(key),
                Due::Start(key, config) => self.start_again(key, *config),
            }
        }
    }

    /// When something is due next without anybody asking.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = self.due.iter().map(|(at, _)| *at).min();
        let stored = self.stored.as_ref().and_then(|stored| stored.next());
        due.into_iter().chain(stored).min()
    }

    /// How many guests have a console that is open.
    pub(super) fn open_consoles(&self) -> usize {
        let active = self.domains.changed().filter_map(|it| it.active.as_ref());
        active.filter(|it| it.terminal.is_some()).count()
    }

    /// The domain changes: the store will have to follow.
    pub(super) fn note(&mut self, key: Key) {
        if let Some(stored) = &mut self.stored {
            stored.note(key);
        }
    }

    fn forget_unless_used(&mut self, key: Key) {
        if self.is_managed(key) {
            return;
        }
        if !self.domains.is_active(key) {
            self.domains.remove(key);
        }
    }

    fn start_again(&mut self, key: Key, config: Config) {
        let domid = self.take_domid();
        let Ok(active) = crate::xend::operations::build(self, domid, &config) else {
            self.note_failed(domid);
            return;
        };
        let mut config = config;
        config.start_time = Some(self.now());
        let managed = self.is_managed(key);
        let key = if managed {
            self.activate(key, active);
            if let Some(domain) = self.domains.get_mut(key) {
                domain.config.start_time = config.start_time;
            }
            key
        } else {
            self.add_active(config, active)
        };
        self.let_run(key);
    }

    fn add_control_domain(&mut self) {
        let mut config = Config::new();
        config.uuid = "00000000-0000-0000-0000-000000000000".to_owned();
        config.name = "Domain-0".to_owned();
        config.vcpus = CPUS;
        config.vcpu_avail = (1 << CPUS) - 1;
        config.cpus = vec![(0..CPUS).collect(); usize::try_from(CPUS).unwrap_or(0)];
        config.dynamic_max = 1024;
        config.dynamic_min = 1024;
        config.static_max = if self.facts.vcpus_free {
            // XenD rounded up, for once.
            16_777_216
        } else if self.facts.inactive {
            16_777_215
        } else {
            1024
        };
        for (name, value) in self.facts.platform_defaults {
            config
                .platform
                .set(*name, virtxen_formats::sxpr::Sxpr::atom(*value));
        }
        let domid = self.take_domid();
        let mut active = Active::new(domid, &config);
        active.set_life(Life::Running);
        active.refreshed = true;
        self.add_active(config, active);
    }
}
