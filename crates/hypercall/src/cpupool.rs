//! Cpupools, from Xen 4.1 on: processors with a scheduler and the domains on them.
//!
//! Their names are XenStore's; nothing here knows them.

use crate::Xen;
use crate::abi::Family;
use crate::affinity::cpus;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::gate::Errno;
use crate::node::CPUS_MAX;
use crate::scheduler::SchedulerId;

/// Sub-commands of `cpupool_op`.
const CREATE: u64 = 1;
const DESTROY: u64 = 2;
const INFO: u64 = 3;
const ADD_CPU: u64 = 4;
const REMOVE_CPU: u64 = 5;
const MOVE_DOMAIN: u64 = 6;
const FREE_INFO: u64 = 7;

/// A number that the hypervisor chooses.
const ANY: u64 = 0xffff_ffff;

/// Most cpupools that are listed.
const POOLS_MAX: usize = 4096;

/// A cpupool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuPool {
    /// Its number; 0 is there from the start.
    pub id: u32,
    /// Its scheduler.
    pub scheduler: SchedulerId,
    /// How many domains run in it.
    pub domains: u32,
    /// Its processors.
    pub cpus: Vec<u32>,
}

impl Xen {
    /// All cpupools, by number.
    ///
    /// # Errors
    /// [`Error::Unsupported`] before 4.1, and what the hypervisor says.
    pub fn cpu_pools(&self) -> Result<Vec<CpuPool>> {
        let mut pools: Vec<CpuPool> = Vec::new();
        let mut next = 0;
        while let Some(pool) = self.cpu_pool_from(next)? {
            if pools.len() >= POOLS_MAX || pool.id == u32::MAX {
                return Err(broken("more cpupools than there can be"));
            }
            next = pool.id + 1;
            pools.push(pool);
        }
        Ok(pools)
    }

    /// One cpupool.
    ///
    /// # Errors
    /// [`Error::NoCpuPool`], [`Error::Unsupported`] before 4.1, and what the
    /// hypervisor says.
    pub fn cpu_pool(&self, id: u32) -> Result<CpuPool> {
        // The hypervisor tells the next one where this one is missing.
        let found = self.cpu_pool_from(id)?.filter(|pool| pool.id == id);
        found.ok_or(Error::NoCpuPool { id })
    }

    /// Processors that are in no cpupool.
    ///
    /// # Errors
    /// As [`Xen::cpu_pools`].
    pub fn free_cpus(&self) -> Result<Vec<u32>> {
        let mut call = self.cpu_pool_call(FREE_INFO, 0)?;
        let map = cpu_map(&mut call)?;
        call.send(self.gate.as_ref())?;
        Ok(cpus(call.buffer(map), CPUS_MAX))
    }

    /// Makes a cpupool without processors; gives its number.
    ///
    /// # Errors
    /// [`Error::Unsupported`] before 4.1, and what the hypervisor says: EINVAL or
    /// ENOENT for a scheduler that it was built without.
    pub fn create_cpu_pool(&self, scheduler: SchedulerId) -> Result<u32> {
        let mut call = self.cpu_pool_call(CREATE, ANY)?;
        call.set("sched_id", u64::from(scheduler.number()))?;
        call.send(self.gate.as_ref())?;
        u32::try_from(call.get("cpupool_id")?).map_err(|_| broken("a number that is too large"))
    }

    /// Removes a cpupool, which must have neither domains nor processors.
    ///
    /// # Errors
    /// [`Error::NoCpuPool`], and what the hypervisor says: EBUSY for one in use.
    pub fn destroy_cpu_pool(&self, id: u32) -> Result<()> {
        self.send_to_pool(id, &mut self.cpu_pool_call(DESTROY, u64::from(id))?)
    }

    /// Gives a processor that is in no cpupool to this one.
    ///
    /// # Errors
    /// [`Error::NoCpuPool`], and what the hypervisor says: EBUSY or ENODEV for one
    /// that is not free.
    pub fn add_to_cpu_pool(&self, id: u32, cpu: u32) -> Result<()> {
        let mut call = self.cpu_pool_call(ADD_CPU, u64::from(id))?;
        call.set("cpu", u64::from(cpu))?;
        self.send_to_pool(id, &mut call)
    }

    /// Takes a processor out of a cpupool; then it is in none.
    ///
    /// # Errors
    /// [`Error::NoCpuPool`], and what the hypervisor says: EBUSY for the last one
    /// below running domains.
    pub fn remove_from_cpu_pool(&self, id: u32, cpu: u32) -> Result<()> {
        let mut call = self.cpu_pool_call(REMOVE_CPU, u64::from(id))?;
        call.set("cpu", u64::from(cpu))?;
        self.send_to_pool(id, &mut call)
    }

    /// Moves a domain to a cpupool, which must have processors.
    ///
    /// # Errors
    /// [`Error::NoDomain`], [`Error::NoCpuPool`] also for one without processors,
    /// and what the hypervisor says: EINVAL for Domain-0.
    pub fn move_to_cpu_pool(&self, domid: u32, id: u32) -> Result<()> {
        let mut call = self.cpu_pool_call(MOVE_DOMAIN, u64::from(id))?;
        call.set("domid", u64::from(domid))?;
        match self.send_to_pool(id, &mut call) {
            Err(Error::Refused {
                errno: Errno::ESRCH,
                ..
            }) => Err(Error::NoDomain { domid }),
            result => result,
        }
    }

    /// The cpupool of this number, else that of the next one there is.
    fn cpu_pool_from(&self, id: u32) -> Result<Option<CpuPool>> {
        let mut call = self.cpu_pool_call(INFO, u64::from(id))?;
        let map = cpu_map(&mut call)?;
        match call.send(self.gate.as_ref()) {
            Err(Error::Refused {
                errno: Errno::ENOENT,
                ..
            }) => return Ok(None),
            result => result?,
        };
        let word = |field| Ok::<u32, Error>(call.get(field)? as u32);
        let found = word("cpupool_id")?;
        if found < id {
            return Err(broken("a cpupool before the one that was asked for"));
        }
        Ok(Some(CpuPool {
            id: found,
            scheduler: SchedulerId::from_number(word("sched_id")?),
            domains: word("n_dom")?,
            cpus: cpus(call.buffer(map), CPUS_MAX),
        }))
    }

    fn cpu_pool_call(&self, command: u64, id: u64) -> Result<Call<'_>> {
        let mut call = Call::new(&self.abi, Family::Sysctl, NAME)?;
        call.set("op", command)?;
        call.set("cpupool_id", id)?;
        Ok(call)
    }

    fn send_to_pool(&self, id: u32, call: &mut Call<'_>) -> Result<()> {
        match call.send(self.gate.as_ref()) {
            Err(Error::Refused {
                errno: Errno::ENOENT,
                ..
            }) => Err(Error::NoCpuPool { id }),
            result => result.map(drop),
        }
    }
}

const NAME: &str = "cpupool_op";

/// Room for the processors of an answer; gives the buffer's index.
fn cpu_map(call: &mut Call<'_>) -> Result<usize> {
    // The same word has two names.
    let bits = if call.has("cpumap.nr_bits") {
        "cpumap.nr_bits"
    } else {
        "cpumap.nr_cpus"
    };
    call.set(bits, u64::from(CPUS_MAX))?;
    call.point("cpumap.bitmap", vec![0; CPUS_MAX as usize / 8])
}

fn broken(reason: &'static str) -> Error {
    Error::Answer {
        operation: NAME,
        reason,
    }
}
