//! The domains of a simulated host as its hypervisor has them.
//!
//! What is changed here is what XenD then shows, and the other way round. How
//! the requests look is in `operations`.

use virtxen_hypercall::Errno;
use virtxen_hypercall::abi::Arch;

use super::{Change, Machine, MachineDomain, MachineFacts, Schedule, SimHypervisor};
use crate::state::behaviour;
use crate::state::{Active, CPUS, Domain, Glimpse, Life, Reason, SimHost, TOTAL_MEMORY};
use crate::xend::{NodeFacts, cores_of};

/// Pages of 4 KiB in a MiB.
const PAGES: u64 = 256;

impl SimHost {
    /// The hypervisor under this host, in the layout of its release. `None` for
    /// an architecture that the release never ran on.
    #[must_use]
    pub fn hypervisor(&self, arch: Arch) -> Option<SimHypervisor> {
        let hypervisor = SimHypervisor::new(self.xen(), arch, Box::new(self.clone()))?;
        Some(hypervisor.with_pools(self.pools().clone()))
    }
}

impl Machine for SimHost {
    fn facts(&self) -> MachineFacts {
        let NodeFacts {
            total, free, nodes, ..
        } = self.node_facts();
        MachineFacts {
            cpus: u32::try_from(CPUS).unwrap_or(1),
            cores: cores_of(nodes),
            nodes,
            scheduler: self.scheduler(),
            pages: (total * PAGES, free * PAGES),
            cpu_khz: 2_400_000,
            capabilities: crate::xend::CAPABILITIES.to_owned(),
        }
    }

    fn idle_times(&self) -> Vec<u64> {
        self.state().idle_times()
    }

    fn domains(&self) -> Vec<MachineDomain> {
        self.domains_from(0, usize::MAX)
    }

    fn domains_from(&self, first: u32, most: usize) -> Vec<MachineDomain> {
        let state = self.state();
        let mut numbers: Vec<_> = state.active_domids().collect();
        numbers.retain(|(domid, _)| *domid >= first);
        numbers.sort_unstable();
        let listed = numbers.iter().take(most);
        listed
            .filter_map(|(_, key)| shown(&state.glimpse(*key)?))
            .collect()
    }

    fn domain(&self, domid: u32) -> Option<MachineDomain> {
        let state = self.state();
        shown(&state.glimpse(state.by_domid(domid)?)?)
    }

    fn change(&self, domid: u32, change: Change) -> Result<(), Errno> {
        let mut state = self.state();
        let key = state.by_domid(domid).ok_or(Errno::ESRCH)?;
        match change {
            Change::Unpause => {
                state.let_run(key);
                state.advance();
            }
            Change::Destroy => state.destroy(key),
            Change::PowerButton => {
                let domain = state.get(key).ok_or(Errno::ESRCH)?;
                let name = domain.config.name.clone();
                let runs = domain
                    .active
                    .as_ref()
                    .is_some_and(|it| it.life == Life::Running);
                if runs && !behaviour::is_deaf(&name) && !self.xend().faults().is_hung(&name) {
                    state.order_shutdown(domid, Reason::Poweroff);
                }
            }
            _ => {
                let domain = state.get_mut(key).ok_or(Errno::ESRCH)?;
                return on_active(domain, change);
            }
        }
        Ok(())
    }
}

/// A change of what an active domain is.
fn on_active(domain: &mut Domain, change: Change) -> Result<(), Errno> {
    let active = domain.active.as_mut().ok_or(Errno::ESRCH)?;
    match change {
        Change::Pause if active.life == Life::Running => active.set_life(Life::Paused),
        Change::MaxMemory(kib) => {
            active.limit = i64::try_from(kib / 1024).map_err(|_| Errno::EINVAL)?;
        }
        Change::Affinity(vcpu, cpus) => {
            let index = usize::try_from(vcpu).map_err(|_| Errno::EINVAL)?;
            let wanted: Vec<i64> = cpus.into_iter().map(i64::from).collect();
            let first = *wanted.first().ok_or(Errno::EINVAL)?;
            let place = active.placed.get_mut(index).ok_or(Errno::ESRCH)?;
            if !wanted.contains(place) {
                *place = first;
            }
            *active.affinity.get_mut(index).ok_or(Errno::ESRCH)? = wanted;
        }
        Change::SoftAffinity(vcpu, cpus) => {
            let index = usize::try_from(vcpu).map_err(|_| Errno::EINVAL)?;
            active.affinity.get(index).ok_or(Errno::ESRCH)?;
            active.soft_affinity.insert(vcpu, cpus);
        }
        Change::Schedule(schedule) => {
            let (weight, cap) = schedule.credit;
            active.share = Some((weight.into(), cap.into()));
            active.schedule = schedule;
        }
        Change::Pause | Change::Unpause | Change::Destroy | Change::PowerButton => {}
    }
    Ok(())
}

/// An active domain; `None` for one that is not.
fn shown(domain: &Glimpse<'_>) -> Option<MachineDomain> {
    let active = domain.active?;
    let (weight, cap) = active.share.unwrap_or(domain.share);
    let small = |number: i64| u16::try_from(number).unwrap_or(u16::MAX);
    let vcpus = u32::try_from(domain.vcpus).unwrap_or(1);
    let cpu_time = active.cpu_time().as_nanos() * u128::from(vcpus);
    Some(MachineDomain {
        domid: active.domid,
        handle: handle(domain.uuid),
        hvm: domain.hvm,
        paused: active.life == Life::Paused,
        // Guests here are idle; Domain-0 is who asks.
        blocked: active.life == Life::Running && active.domid != 0,
        shutdown: match active.life {
            Life::Shutdown(reason) => Some(code(reason)),
            Life::Paused | Life::Running => None,
        },
        dying: false,
        pages: active.memory.unsigned_abs() * PAGES,
        max_pages: limit(active),
        cpu_time: u64::try_from(cpu_time).unwrap_or(u64::MAX),
        affinity: (0..vcpus).map(|vcpu| cpus_of(active, vcpu)).collect(),
        soft_affinity: (0..vcpus).map(|vcpu| soft_cpus_of(active, vcpu)).collect(),
        online: u32::try_from(active.online).unwrap_or(0),
        online_vcpus: active.plugged.clone(),
        schedule: Schedule {
            credit: (small(weight), small(cap)),
            ..active.schedule
        },
    })
}

/// Xen's number for why a domain shut down.
fn code(reason: Reason) -> u8 {
    match reason {
        Reason::Poweroff => 0,
        Reason::Reboot => 1,
        Reason::Suspend => 2,
        Reason::Crash => 3,
    }
}

/// Most memory in pages; Domain-0's has no end, which is more than the machine has.
fn limit(active: &Active) -> u64 {
    if active.limit > TOTAL_MEMORY && active.domid == 0 {
        return u64::from(u32::MAX);
    }
    active.limit.unsigned_abs() * PAGES
}

/// Where a vcpu may run: none means anywhere.
fn cpus_of(active: &Active, vcpu: u32) -> Vec<u32> {
    let listed = usize::try_from(vcpu)
        .ok()
        .and_then(|index| active.affinity.get(index))
        .filter(|cpus| !cpus.is_empty());
    match listed {
        Some(cpus) => cpus
            .iter()
            .filter_map(|cpu| u32::try_from(*cpu).ok())
            .collect(),
        None => all_cpus(),
    }
}

/// Where a vcpu should rather run: nothing set means anywhere.
fn soft_cpus_of(active: &Active, vcpu: u32) -> Vec<u32> {
    let set = active.soft_affinity.get(&vcpu);
    set.cloned().unwrap_or_else(all_cpus)
}

fn all_cpus() -> Vec<u32> {
    (0..u32::try_from(CPUS).unwrap_or(1)).collect()
}

/// A uuid's bytes; what is not one in the text is left out.
fn handle(uuid: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    let digits = uuid.chars().filter_map(|digit| digit.to_digit(16));
    for (index, digit) in digits.take(32).enumerate() {
        if let (Some(byte), Ok(digit)) = (bytes.get_mut(index / 2), u8::try_from(digit)) {
            *byte = *byte << 4 | digit;
        }
    }
    bytes
}
