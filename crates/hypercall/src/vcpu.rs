//! Vcpus: what they do, where they run and may run.

use crate::Xen;
use crate::abi::Family;
use crate::affinity::{bitmap, cpus};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::gate::Errno;

/// Flags of the affinities, from Xen 4.5 on.
const HARD: u64 = 1;
const SOFT: u64 = 2;

/// Processors of the one 64-bit word that carries an affinity up to Xen 3.0.2.
const OLD_CPUS_MAX: u32 = 64;

/// One vcpu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vcpu {
    /// It is online.
    pub online: bool,
    /// It waits.
    pub blocked: bool,
    /// It is on a processor.
    pub running: bool,
    /// Its processor time, in nanoseconds.
    pub cpu_time: u64,
    /// The processor it ran on last.
    pub cpu: u32,
}

impl Xen {
    /// One vcpu; `None` when the domain has no such vcpu.
    ///
    /// # Errors
    /// What the hypervisor says.
    pub fn vcpu(&self, domid: u32, vcpu: u32) -> Result<Option<Vcpu>> {
        let mut call = Call::on_domain(&self.abi, "getvcpuinfo", "getvcpuinfo", domid)?;
        call.set("vcpu", u64::from(vcpu))?;
        match call.send(self.gate.as_ref()) {
            Err(Error::Refused {
                errno: Errno::ESRCH | Errno::EINVAL,
                ..
            }) => return Ok(None),
            result => result?,
        };
        Ok(Some(Vcpu {
            online: call.get("online")? != 0,
            blocked: call.get("blocked")? != 0,
            running: call.get("running")? != 0,
            cpu_time: call.get("cpu_time")?,
            cpu: u32::try_from(call.get("cpu")?).unwrap_or(u32::MAX),
        }))
    }

    /// The processors that a vcpu may run on, of a host with `count`.
    ///
    /// # Errors
    /// What the hypervisor says.
    pub fn affinity(&self, domid: u32, vcpu: u32, count: u32) -> Result<Vec<u32>> {
        if self.abi.control() == Family::Dom0Op {
            let mut call = Call::on_domain(&self.abi, "getvcpuinfo", "getvcpuinfo", domid)?;
            call.set("vcpu", u64::from(vcpu))?;
            self.send_to(domid, &mut call)?;
            let map = call.get("cpumap")?.to_le_bytes();
            return Ok(cpus(&map, count.min(OLD_CPUS_MAX)));
        }
        self.read_affinity(domid, vcpu, count, HARD)
    }

    /// The processors that a vcpu should rather run on, from Xen 4.5 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, and what the hypervisor says.
    pub fn soft_affinity(&self, domid: u32, vcpu: u32, count: u32) -> Result<Vec<u32>> {
        self.read_affinity(domid, vcpu, count, SOFT)
    }

    /// Limits a vcpu to these processors of a host with `count`.
    ///
    /// # Errors
    /// [`Error::Range`] for a processor that the host does not have, and what the
    /// hypervisor says.
    pub fn set_affinity(&self, domid: u32, vcpu: u32, cpus: &[u32], count: u32) -> Result<()> {
        let limit = if self.abi.control() == Family::Dom0Op {
            OLD_CPUS_MAX
        } else {
            u32::MAX
        };
        let map = bitmap(cpus, count.min(limit)).ok_or_else(|| self.no_such_cpus(cpus, count))?;
        if self.abi.control() == Family::Dom0Op {
            let mut call = Call::on_domain(&self.abi, "setvcpuaffinity", "vcpuaffinity", domid)?;
            let mut word = [0; 8];
            word.iter_mut().zip(&map).for_each(|(to, from)| *to = *from);
            call.set("vcpu", u64::from(vcpu))?;
            call.set("cpumap", u64::from_le_bytes(word))?;
            return self.send_to(domid, &mut call);
        }
        let (mut call, _) = self.affinity_call(domid, vcpu, true, HARD, map, count)?;
        self.send_to(domid, &mut call)
    }

    /// Says which processors a vcpu should rather run on, from Xen 4.5 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, [`Error::Range`] for a processor that
    /// the host does not have, and what the hypervisor says.
    pub fn set_soft_affinity(&self, domid: u32, vcpu: u32, cpus: &[u32], count: u32) -> Result<()> {
        let map = bitmap(cpus, count).ok_or_else(|| self.no_such_cpus(cpus, count))?;
        let (mut call, _) = self.affinity_call(domid, vcpu, true, SOFT, map, count)?;
        self.send_to(domid, &mut call)
    }

    fn no_such_cpus(&self, cpus: &[u32], count: u32) -> Error {
        Error::Range {
            release: self.abi.release.to_string(),
            operation: "vcpuaffinity",
            what: format!("processors {cpus:?} of {count}"),
        }
    }

    fn read_affinity(&self, domid: u32, vcpu: u32, count: u32, which: u64) -> Result<Vec<u32>> {
        let empty = bitmap(&[], count).unwrap_or_default();
        let (mut call, buffer) = self.affinity_call(domid, vcpu, false, which, empty, count)?;
        self.send_to(domid, &mut call)?;
        Ok(cpus(call.buffer(buffer), count))
    }

    /// Affinity by domctl: one map up to 4.4, hard and soft maps from 4.5 on.
    fn affinity_call(
        &self,
        domid: u32,
        vcpu: u32,
        set: bool,
        which: u64,
        map: Vec<u8>,
        count: u32,
    ) -> Result<(Call<'_>, usize)> {
        const MAPS: [[&str; 2]; 4] = [
            ["cpumap.bitmap", "cpumap.nr_cpus"],
            ["cpumap.bitmap", "cpumap.nr_bits"],
            ["cpumap_hard.bitmap", "cpumap_hard.nr_bits"],
            ["cpumap_soft.bitmap", "cpumap_soft.nr_bits"],
        ];
        let mut call = self.affinity_operation(domid, set)?;
        call.set("vcpu", u64::from(vcpu))?;
        let both = call.has("flags");
        if both {
            call.set("flags", which)?;
        } else if which == SOFT {
            return Err(call.unsupported());
        }
        let wanted = |names: &&[&str; 2]| {
            let soft = names[0].contains("soft");
            call.has(names[0]) && call.has(names[1]) && (!both || soft == (which == SOFT))
        };
        let [field, bits] = *MAPS.iter().find(wanted).ok_or_else(|| call.unsupported())?;
        let buffer = call.point(field, map)?;
        call.set(bits, u64::from(count))?;
        Ok((call, buffer))
    }

    fn affinity_operation(&self, domid: u32, set: bool) -> Result<Call<'_>> {
        let mut call = Call::on_domain(&self.abi, "setvcpuaffinity", "vcpuaffinity", domid)?;
        if !set {
            // The two directions are commands beside each other.
            call.set_command(GET_AFFINITY);
        }
        Ok(call)
    }
}

/// Command of `getvcpuaffinity`, the other direction of `setvcpuaffinity`.
const GET_AFFINITY: u32 = 25;
