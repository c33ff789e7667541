//! Cpupools: processors with a scheduler, and the domains on them.
//!
//! Only numbers are here; names are kept in XenStore, by who makes a cpupool.

use super::page::Page;
use super::{Change, SimHypervisor};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use virtxen_hypercall::Errno;

/// A number that the hypervisor chooses.
const ANY: u32 = u32::MAX;

/// Cpupools that a client may make.
const MOST_POOLS: usize = 1024;

/// The cpupools of a machine; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Filled when it is first looked at: then the machine is known.
    pools: BTreeMap<u32, Pool>,
    /// Domains that are not in the first one.
    moved: BTreeMap<u32, u32>,
}

#[derive(Debug)]
struct Pool {
    scheduler: u32,
    cpus: BTreeSet<u32>,
}

impl Inner {
    fn of(&self, domid: u32) -> u32 {
        self.moved.get(&domid).copied().unwrap_or(0)
    }

    fn is_free(&self, cpu: u32) -> bool {
        !self.pools.values().any(|pool| pool.cpus.contains(&cpu))
    }
}

impl SimHypervisor {
    /// The cpupool of a domain and its scheduler.
    pub(super) fn pool_of(&self, domid: u32) -> (u32, u32) {
        let pools = self.pools();
        let id = pools.of(domid);
        let scheduler = pools.pools.get(&id).map_or(0, |pool| pool.scheduler);
        (id, scheduler)
    }

    pub(super) fn cpu_pool(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let id = page.get("cpupool_id")? as u32;
        let cpu = page.get("cpu")? as u32;
        match page.get("op")? {
            1 => self.create_pool(id, page.get("sched_id")? as u32, page),
            2 => self.destroy_pool(id),
            3 => self.pool_info(id, page),
            4 => self.add_cpu(id, cpu),
            5 => self.remove_cpu(id, cpu),
            6 => self.move_domain(page.get("domid")? as u32, id),
            7 => {
                let cpus = self.machine.facts().cpus;
                let pools = self.pools();
                let free = (0..cpus).filter(|cpu| pools.is_free(*cpu));
                fill(page.follow("cpumap.bitmap")?, free);
                Ok(0)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    fn pools(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.pools.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.pools.is_empty() {
            let facts = self.machine.facts();
            let first = Pool {
                scheduler: facts.scheduler,
                cpus: (0..facts.cpus).collect(),
            };
            inner.pools.insert(0, first);
        }
        inner
    }

    fn create_pool(&self, id: u32, scheduler: u32, page: &mut Page<'_>) -> Result<u64, Errno> {
        if !self.has_scheduler(scheduler) {
            return Err(Errno::ENOENT);
        }
        let mut pools = self.pools();
        if pools.pools.len() >= MOST_POOLS {
            return Err(Errno::EBUSY);
        }
        let free = (0..ANY).find(|id| !pools.pools.contains_key(id));
        let id = if id == ANY {
            free.ok_or(Errno::EBUSY)?
        } else {
            id
        };
        if pools.pools.contains_key(&id) {
            return Err(Errno::EEXIST);
        }
        let cpus = BTreeSet::new();
        pools.pools.insert(id, Pool { scheduler, cpus });
        page.put("cpupool_id", id.into());
        Ok(0)
    }

    fn destroy_pool(&self, id: u32) -> Result<u64, Errno> {
        let domains = self.domains_in(id);
        let mut pools = self.pools();
        let pool = pools.pools.get(&id).ok_or(Errno::ENOENT)?;
        if id == 0 || domains > 0 || !pool.cpus.is_empty() {
            return Err(Errno::EBUSY);
        }
        pools.pools.remove(&id);
        Ok(0)
    }

    /// The next one is told where this one is missing.
    fn pool_info(&self, id: u32, page: &mut Page<'_>) -> Result<u64, Errno> {
        let found = self.pools().pools.range(id..).next().map(|(id, _)| *id);
        let id = found.ok_or(Errno::ENOENT)?;
        let domains = self.domains_in(id);
        let pools = self.pools();
        let pool = pools.pools.get(&id).ok_or(Errno::ENOENT)?;
        page.put("cpupool_id", id.into());
        page.put("sched_id", pool.scheduler.into());
        page.put("n_dom", domains);
        fill(page.follow("cpumap.bitmap")?, pool.cpus.iter().copied());
        Ok(0)
    }

    fn add_cpu(&self, id: u32, cpu: u32) -> Result<u64, Errno> {
        let cpus = self.machine.facts().cpus;
        let mut pools = self.pools();
        let chosen = if cpu == ANY {
            (0..cpus).find(|cpu| pools.is_free(*cpu))
        } else {
            Some(cpu).filter(|cpu| *cpu < cpus)
        };
        let cpu = chosen.ok_or(Errno::EINVAL)?;
        if !pools.is_free(cpu) {
            return Err(if self.since(4, 2) {
                Errno::ENODEV
            } else {
                Errno::EBUSY
            });
        }
        let pool = pools.pools.get_mut(&id).ok_or(Errno::ENOENT)?;
        pool.cpus.insert(cpu);
        Ok(0)
    }

    fn remove_cpu(&self, id: u32, cpu: u32) -> Result<u64, Errno> {
        let domains = self.domains_in(id);
        let mut pools = self.pools();
        let pool = pools.pools.get_mut(&id).ok_or(Errno::ENOENT)?;
        let cpu = if cpu == ANY {
            pool.cpus.last().copied().ok_or(Errno::EINVAL)?
        } else {
            cpu
        };
        if !pool.cpus.contains(&cpu) {
            return Err(Errno::ENODEV);
        }
        if pool.cpus.len() == 1 && domains > 0 {
            return Err(Errno::EBUSY);
        }
        pool.cpus.remove(&cpu);
        Ok(0)
    }

    /// A domain that is moved may run on every processor again.
    fn move_domain(&self, domid: u32, id: u32) -> Result<u64, Errno> {
        if domid == 0 {
            return Err(Errno::EINVAL);
        }
        let domain = self.machine.domain(domid).ok_or(Errno::ESRCH)?;
        {
            let mut pools = self.pools();
            if pools.of(domid) == id {
                return Ok(0);
            }
            let target = pools.pools.get(&id);
            if target.is_none_or(|pool| pool.cpus.is_empty()) {
                return Err(Errno::ENOENT);
            }
            pools.moved.insert(domid, id);
        }
        let all: Vec<u32> = (0..self.machine.facts().cpus).collect();
        for (vcpu, _) in (0..).zip(&domain.affinity) {
            let change = Change::Affinity(vcpu, all.clone());
            self.machine.change(domid, change)?;
        }
        Ok(0)
    }

    fn domains_in(&self, id: u32) -> u64 {
        let domains = self.machine.domains();
        let pools = self.pools();
        let inside = domains.iter().filter(|it| pools.of(it.domid) == id);
        inside.count() as u64
    }
}

/// Writes a set of processors; what has no room is left out.
pub(super) fn fill(map: &mut [u8], cpus: impl Iterator<Item = u32>) {
    map.fill(0);
    for cpu in cpus {
        if let Some(byte) = map.get_mut(cpu as usize / 8) {
            *byte |= 1 << (cpu % 8);
        }
    }
}
