//! Guests that exist when a host starts, for trying and for measuring.
//!
//! They come in the kinds that people have: paravirtualised and fully
//! virtualised, running, paused and, where XenD keeps them, inactive. Of the first
//! sixteen every fourth is paused and every fourth inactive; a host of more is
//! busy, and only every thirty-second is.
//!
//! What all guests of a kind have alike is worked out once. A guest itself is made
//! when somebody looks closer: it is then what it would have been at the start.

use std::sync::Arc;

use virtxen_formats::sxpr::{Limits, read};

use super::Entropy;
use super::domain::{Active, Domain, Glimpse, Life};
use super::machine::State;
use crate::release::{Facts, Release};
use crate::xend::config::{Config, Words};
use crate::xend::operations::{build, create_devices};

/// A guest that is not made yet.
#[derive(Debug)]
pub(super) struct Sketch {
    kind: Arc<Kind>,
    n: usize,
    name: String,
    uuid: String,
    /// Where its identifiers come from.
    entropy: Entropy,
    /// Its living part, without devices.
    active: Option<Active>,
    /// Seconds since 1970 when it was started, if it was.
    started: f64,
}

/// What guests have alike.
#[derive(Debug)]
struct Kind {
    facts: Facts,
    /// The configuration of one of them.
    config: Config,
    /// How much a configuration draws from the source of identifiers.
    drawn: u64,
}

impl State {
    /// Adds this many guests.
    pub(super) fn populate(&mut self, guests: usize) {
        let started = self.now();
        let inactive = self.facts.inactive;
        let kinds = [Kind::new(self, 0), Kind::new(self, FIRST_HVM)];
        self.domains.reserve(guests);
        for n in 0..guests {
            // A kind that the release cannot have is left out.
            let Some(Ok(kind)) = kinds.get(usize::from(is_hvm(n))) else {
                continue;
            };
            let entropy = self.entropy.clone();
            self.entropy.skip(kind.drawn);
            let every = if n < 16 { 4 } else { 32 };
            let active = (!inactive || n % every != 3).then(|| {
                let mut active = Active::new(self.take_domid(), &kind.config);
                if n % every != 2 {
                    active.set_life(Life::Running);
                }
                active
            });
            let managed = inactive && (active.is_none() || n % 4 != 1);
            let sketch = Sketch {
                kind: Arc::clone(kind),
                n,
                name: name(n),
                uuid: uuid(n),
                entropy,
                active,
                started,
            };
            self.add_sketch(sketch, managed);
        }
    }
}

impl Kind {
    /// The kind of this guest.
    fn new(state: &mut State, n: usize) -> Result<Arc<Self>, Words> {
        let facts = state.facts;
        let before = state.entropy.clone();
        let mut entropy = before.clone();
        let config = configure(n, &facts, &mut entropy)?;
        build(state, 0, &config)?;
        Ok(Arc::new(Self {
            facts,
            config,
            drawn: entropy.since(&before),
        }))
    }
}

impl Sketch {
    /// The living part, if it is active.
    pub(super) fn active(&self) -> Option<&Active> {
        self.active.as_ref()
    }

    /// What a listing shows of it.
    pub(super) fn glimpse(&self) -> Glimpse<'_> {
        let config = &self.kind.config;
        Glimpse {
            name: &self.name,
            uuid: &self.uuid,
            hvm: config.hvm,
            vcpus: config.vcpus,
            share: (config.weight, config.cap),
            active: self.active(),
        }
    }

    /// The guest; `None` when the release cannot have it after all.
    pub(super) fn make(&self) -> Option<Box<Domain>> {
        let facts = &self.kind.facts;
        let mut config = configure(self.n, facts, &mut self.entropy.clone()).ok()?;
        let mut active = self.active.clone();
        if let Some(active) = &mut active {
            // What is there at the start has been there for long.
            create_devices(facts, active.created, active, &config).ok()?;
            config.start_time = Some(self.started);
            config.notes = true;
        }
        Some(Box::new(Domain { config, active }))
    }
}

/// The configuration of a guest, as XenD reads it.
fn configure(n: usize, facts: &Facts, entropy: &mut Entropy) -> Result<Config, Words> {
    let (image, disk) = if facts.release < Release::V3_0_3 {
        ("vmx", "ioemu:hda")
    } else {
        ("hvm", "hda:disk")
    };
    let tree = read(&expression(n, image, disk), Limits::default());
    Config::read(&tree.map_err(|error| error.to_string())?, facts, entropy)
}

/// The first that is fully virtualised.
const FIRST_HVM: usize = 2;

/// Every third is fully virtualised.
fn is_hvm(n: usize) -> bool {
    n % 3 == FIRST_HVM
}

fn name(n: usize) -> String {
    let kind = if is_hvm(n) { "hvm" } else { "pv" };
    format!("{kind}{}", n + 1)
}

fn uuid(n: usize) -> String {
    format!("5a11ab1e-0000-4000-8000-{:012x}", n + 1)
}

/// The expression that a guest is made of, with what the release calls the image
/// and the disk of one that is fully virtualised.
fn expression(n: usize, image: &str, disk: &str) -> String {
    let id = n + 1;
    let mac = format!(
        "00:16:3e:{:02x}:{:02x}:{:02x}",
        id >> 16 & 0x7f,
        id >> 8 & 0xff,
        id & 0xff
    );
    let (name, uuid) = (name(n), uuid(n));
    let common = format!(
        "(uuid '{uuid}')(memory 4)(maxmem 8)(vcpus 1)(on_poweroff 'destroy')(on_reboot 'restart')(on_crash 'restart')"
    );
    let interface = format!("(mac '{mac}')(bridge 'xenbr0')(script 'vif-bridge')");
    if is_hvm(n) {
        format!(
            "(vm (name '{name}'){common}(image ({image} (kernel '/usr/lib/xen/boot/hvmloader')(vcpus 1)(boot c)(acpi 1)(apic 1)(pae 1)(timer_mode 1)(vnc 1)(vncunused 1)(device_model '/usr/lib/xen/bin/qemu-dm')))\
             (device (vbd (dev '{disk}')(uname 'file:/var/lib/xen/images/{name}.img')(mode 'w')))(device (vif {interface}(type ioemu))))"
        )
    } else {
        format!(
            "(vm (name '{name}'){common}(image (linux (kernel '/boot/vmlinuz-xen')(ramdisk '/boot/initrd-xen.img')(root '/dev/xvda1 ro')(args 'console=hvc0')))\
             (device (vbd (dev 'xvda')(uname 'file:/var/lib/xen/images/{name}.img')(mode 'w')))(device (vif {interface})))"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Key, Timing};

    fn host(release: Release) -> State {
        let mut state = State::new(Facts::of(release), Timing::instant(), 9);
        state.populate(9);
        state
    }

    /// Domain-0 and the guests.
    const KEYS: std::ops::Range<Key> = 0..10;

    #[test]
    fn a_sketch_shows_what_the_guest_will() {
        for release in Release::ALL {
            let state = host(release);
            let shown = |glimpse: Glimpse<'_>| {
                let active = glimpse.active;
                let active = active.map(|it| (it.domid, it.life, it.memory, it.limit, it.online));
                format!(
                    "{:?} {active:?}",
                    Glimpse {
                        active: None,
                        ..glimpse
                    }
                )
            };
            for key in KEYS {
                let sketched = shown(state.glimpse(key).unwrap());
                assert_eq!(sketched, shown(Glimpse::of(state.get(key).unwrap())));
            }
        }
    }

    #[test]
    fn a_guest_is_the_same_whenever_it_is_made() {
        for release in Release::ALL {
            let (early, late) = (host(release), host(release));
            let made = |state: &State, key| {
                let mut domain = state.get(key).unwrap().clone();
                domain.config.start_time = None;
                let active = domain.active.into_iter();
                let devices: Vec<_> = active.flat_map(|it| it.devices).collect();
                let stored = devices.iter().map(|it| (&it.uuid, &it.back, &it.front));
                let stored: Vec<_> = stored.collect();
                format!("{:?} {stored:?}", domain.config)
            };
            let first: Vec<_> = KEYS.map(|key| made(&early, key)).collect();
            let mut last: Vec<_> = KEYS.rev().map(|key| made(&late, key)).collect();
            last.reverse();
            assert_eq!(first, last, "{release:?}");
        }
    }
}
