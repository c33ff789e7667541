//! What each operation does, with the habits of the release.
//!
//! Versions and privilege have been checked; domains are the machine's.

use super::page::Page;
use super::{Change, MachineDomain, SimHypervisor};
use crate::xend::node::FEATURES;
use virtxen_hypercall::abi::Family;
use virtxen_hypercall::abi::layout::Layout;
use virtxen_hypercall::{Errno, Release};

/// Command of `getvcpuaffinity`, the other direction of `setvcpuaffinity`.
const GET_AFFINITY: u32 = 25;

/// The credit scheduler's number, and SEDF's before there was one.
const CREDIT: u64 = 5;
const SEDF: u64 = 4;

/// What the machine can run, in `physinfo` from 3.3 on; PV guests from 4.12 on,
/// before they always could.
const HVM: u64 = 1;
const PV: u64 = 2;

impl SimHypervisor {
    /// Serves one request.
    pub(super) fn operation(
        &self,
        family: Family,
        command: u32,
        page: &mut Page<'_>,
    ) -> Result<u64, Errno> {
        let reads_affinity = family == Family::Domctl && command == GET_AFFINITY;
        let (name, layout) = if reads_affinity {
            let (_, layout) = self
                .abi
                .operation(family, "vcpuaffinity")
                .map_err(|_| Errno::ENOSYS)?;
            ("getvcpuaffinity", layout)
        } else {
            self.abi.command(family, command).ok_or(Errno::ENOSYS)?
        };
        page.set_layout(layout);
        match (family, name) {
            (_, "getdomaininfolist") => self.list(page),
            (_, "physinfo") => self.physinfo(page),
            (_, "sched_id") => {
                page.put(
                    "sched_id",
                    if family == Family::Dom0Op {
                        SEDF
                    } else {
                        CREDIT
                    },
                );
                Ok(0)
            }
            (Family::Sysctl, "availheap") => {
                page.put("avail_bytes", self.machine.facts().pages.1 * 4096);
                Ok(0)
            }
            (Family::Sysctl, "getcpuinfo") => self.idle(page),
            (Family::Sysctl, "topologyinfo") => self.topology(page),
            (Family::Sysctl, "cputopoinfo") => self.cpu_topology(page),
            (Family::Sysctl, _) => Err(Errno::ENOSYS),
            _ => {
                let domid = match family {
                    Family::Dom0Op => page.get("domain")? as u32,
                    _ => page.envelope_domain()?,
                };
                self.on_domain(name, domid, page)
            }
        }
    }

    fn on_domain(&self, name: &str, domid: u32, page: &mut Page<'_>) -> Result<u64, Errno> {
        if name == "getdomaininfo" {
            return self.domain_info(domid, page);
        }
        let domain = self.find(domid)?;
        let change = match name {
            "pausedomain" | "destroydomain" if domid == 0 => return Err(Errno::EINVAL),
            "pausedomain" => Change::Pause,
            "unpausedomain" if self.counts_pauses() && !domain.paused => return Err(Errno::EINVAL),
            "unpausedomain" => Change::Unpause,
            "destroydomain" => Change::Destroy,
            "max_mem" | "setdomainmaxmem" => Change::MaxMemory(page.get("max_memkb")?),
            "getvcpuinfo" => return self.vcpu_info(&domain, page),
            "getvcpuaffinity" => return self.affinity(&domain, page),
            "setvcpuaffinity" | "vcpuaffinity" => {
                let vcpu = page.get("vcpu")? as u32;
                Change::Affinity(vcpu, self.wanted_cpus(page)?)
            }
            "scheduler_op" => return self.scheduler(&domain, page),
            "max_vcpus" => {
                let same = page.get("max")? == domain.affinity.len() as u64;
                return if same { Ok(0) } else { Err(Errno::EINVAL) };
            }
            _ => return Err(Errno::ENOSYS),
        };
        self.machine.change(domid, change).map(|()| 0)
    }

    fn list(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let first = page.get("first_domain")? as u32;
        let most = page.get("max_domains")? as usize;
        let element = self.abi.domain_element().ok_or(Errno::ENOSYS)?;
        let size = usize::from(element.size);
        let domains = self.machine.domains();
        let listed: Vec<_> = domains
            .iter()
            .filter(|it| it.domid >= first)
            .take(most)
            .collect();
        let buffer = page.follow("buffer")?;
        for (index, domain) in listed.iter().enumerate() {
            let target = buffer
                .get_mut(index * size..(index + 1) * size)
                .ok_or(Errno::EFAULT)?;
            self.write_element(element, domain, target);
        }
        page.put("num_domains", listed.len() as u64);
        Ok(0)
    }

    /// Before 4.18 the next domain is told where this one is missing.
    fn domain_info(&self, domid: u32, page: &mut Page<'_>) -> Result<u64, Errno> {
        let strict = self.release
            >= Release {
                major: 4,
                minor: 18,
                point: 0,
            };
        let domains = self.machine.domains();
        let fits = |it: &&MachineDomain| {
            if strict {
                it.domid == domid
            } else {
                it.domid >= domid
            }
        };
        let domain = domains.iter().find(fits).ok_or(Errno::ESRCH)?;
        for (field, value) in self.numbers(domain) {
            page.put(field, value);
        }
        page.put_bytes("handle", &domain.handle);
        Ok(0)
    }

    fn write_element(&self, layout: &Layout, domain: &MachineDomain, target: &mut [u8]) {
        // Before 4.16 what lies between the fields is left as it was: make it visible.
        let old = self.release
            < Release {
                major: 4,
                minor: 16,
                point: 0,
            };
        target.fill(if old { 0xa5 } else { 0 });
        for (name, value) in self.numbers(domain) {
            if let Some(field) = layout.field(name) {
                let _ = field.put(target, value);
            }
        }
        if let Some(field) = layout.field("handle") {
            let start = usize::from(field.offset);
            if let Some(place) = target.get_mut(start..start + 16) {
                place.copy_from_slice(&domain.handle);
            }
        }
    }

    fn numbers(&self, domain: &MachineDomain) -> [(&'static str, u64); 8] {
        let max_vcpu = u32::try_from(domain.affinity.len())
            .unwrap_or(0)
            .wrapping_sub(1);
        [
            ("domain", domain.domid.into()),
            ("flags", self.flags(domain).into()),
            ("tot_pages", domain.pages),
            ("max_pages", domain.max_pages),
            ("cpu_time", domain.cpu_time),
            ("nr_online_vcpus", domain.online.into()),
            ("max_vcpu_id", max_vcpu.into()),
            ("cpupool", 0),
        ]
    }

    /// The word of a domain's state, with the bits that this release has, those
    /// that moved among them.
    fn flags(&self, domain: &MachineDomain) -> u32 {
        let bit = |name: &str, set: bool| if set { self.abi.constant(name) } else { 0 };
        let runs = !domain.blocked && !domain.paused && domain.shutdown.is_none();
        let mut word = u32::from(domain.dying)
            | u32::from(domain.shutdown.is_some()) << 2
            | u32::from(domain.paused) << 3
            | u32::from(domain.blocked) << 4
            | u32::from(runs) << 5;
        word |= bit("XEN_DOMINF_hvm_guest", domain.hvm);
        word |= bit("XEN_DOMINF_hap", domain.hvm);
        word |= u32::from(domain.shutdown.unwrap_or(0)) << 16;
        word
    }

    fn physinfo(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let facts = self.machine.facts();
        let fields = [
            ("threads_per_core", 1),
            ("cores_per_socket", facts.cpus),
            ("sockets_per_node", 1),
            ("nr_cpus", facts.cpus),
            ("max_cpu_id", facts.cpus - 1),
            ("nr_nodes", 1),
            ("max_node_id", 0),
            ("cpu_khz", facts.cpu_khz),
        ];
        for (field, value) in fields {
            page.put(field, value.into());
        }
        page.put("total_pages", facts.pages.0);
        page.put("free_pages", facts.pages.1);
        page.put("scrub_pages", 0);
        let tells_pv = self.release
            >= Release {
                major: 4,
                minor: 12,
                point: 0,
            };
        page.put("capabilities", if tells_pv { HVM | PV } else { HVM });
        page.put_bytes("hw_cap", &FEATURES.map(u32::to_ne_bytes).concat());
        Ok(0)
    }

    fn idle(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let times = self.machine.idle_times();
        let most = usize::try_from(page.get("max_cpus")?).unwrap_or(0);
        let layout = self.abi.structure("sysctl_cpuinfo").ok_or(Errno::ENOSYS)?;
        let size = usize::from(layout.size);
        let told = times.len().min(most);
        let buffer = page.follow("info")?;
        for (index, time) in times.iter().take(told).enumerate() {
            let one = buffer.get_mut(index * size..(index + 1) * size);
            if let Some(field) = layout.field("idletime") {
                let _ = field.put(one.ok_or(Errno::EFAULT)?, *time);
            }
        }
        page.put("nr_cpus", told as u64);
        Ok(0)
    }

    fn topology(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let cpus = self.machine.facts().cpus;
        for (name, is_core) in [
            ("cpu_to_core", true),
            ("cpu_to_socket", false),
            ("cpu_to_node", false),
        ] {
            let buffer = page.follow(name)?;
            for (cpu, word) in (0..cpus).zip(buffer.chunks_exact_mut(4)) {
                word.copy_from_slice(&(if is_core { cpu } else { 0 }).to_ne_bytes());
            }
        }
        page.put("max_cpu_index", u64::from(cpus - 1));
        Ok(0)
    }

    fn cpu_topology(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let cpus = self.machine.facts().cpus;
        let layout = self.abi.structure("sysctl_cputopo").ok_or(Errno::ENOSYS)?;
        let buffer = page.follow("cputopo")?;
        for (cpu, one) in (0..cpus).zip(buffer.chunks_exact_mut(usize::from(layout.size))) {
            for (name, value) in [("core", cpu), ("socket", 0), ("node", 0)] {
                if let Some(field) = layout.field(name) {
                    let _ = field.put(one, value.into());
                }
            }
        }
        page.put("num_cpus", cpus.into());
        Ok(0)
    }

    fn vcpu_info(&self, domain: &MachineDomain, page: &mut Page<'_>) -> Result<u64, Errno> {
        let vcpu = page.get("vcpu")?;
        let affinity = usize::try_from(vcpu)
            .ok()
            .and_then(|at| domain.affinity.get(at));
        let affinity = affinity.ok_or(Errno::ESRCH)?;
        let online = vcpu < u64::from(domain.online);
        page.put("online", online.into());
        page.put("blocked", (online && domain.blocked).into());
        page.put(
            "running",
            (online && !domain.blocked && !domain.paused).into(),
        );
        page.put(
            "cpu_time",
            domain.cpu_time / u64::from(domain.online.max(1)),
        );
        page.put("cpu", affinity.first().copied().unwrap_or(0).into());
        let map = affinity
            .iter()
            .filter(|cpu| **cpu < 64)
            .fold(0_u64, |map, cpu| map | 1 << cpu);
        page.put("cpumap", map);
        Ok(0)
    }

    fn affinity(&self, domain: &MachineDomain, page: &mut Page<'_>) -> Result<u64, Errno> {
        let vcpu = usize::try_from(page.get("vcpu")?).map_err(|_| Errno::EINVAL)?;
        let cpus = domain.affinity.get(vcpu).ok_or(Errno::ESRCH)?;
        for name in ["cpumap.bitmap", "cpumap_hard.bitmap", "cpumap_soft.bitmap"] {
            let Ok(map) = page.follow(name) else { continue };
            map.fill(0);
            for cpu in cpus {
                if let Some(byte) = map.get_mut(*cpu as usize / 8) {
                    *byte |= 1 << (cpu % 8);
                }
            }
        }
        Ok(0)
    }

    fn wanted_cpus(&self, page: &mut Page<'_>) -> Result<Vec<u32>, Errno> {
        let map = match page.get("cpumap") {
            Ok(word) => word.to_le_bytes().to_vec(),
            Err(_) => {
                let name = if page.get("flags").is_ok() {
                    "cpumap_hard.bitmap"
                } else {
                    "cpumap.bitmap"
                };
                page.follow(name)?.to_vec()
            }
        };
        let cpus = self.machine.facts().cpus;
        let set = |cpu: &u32| {
            map.get(*cpu as usize / 8)
                .is_some_and(|it| it >> (cpu % 8) & 1 == 1)
        };
        let wanted: Vec<u32> = (0..cpus).filter(set).collect();
        if wanted.is_empty() {
            Err(Errno::EINVAL)
        } else {
            Ok(wanted)
        }
    }

    fn scheduler(&self, domain: &MachineDomain, page: &mut Page<'_>) -> Result<u64, Errno> {
        if page.get("sched_id")? != CREDIT {
            return Err(Errno::EINVAL);
        }
        if page.get("cmd")? == 1 {
            page.put("u.credit.weight", domain.credit.0.into());
            page.put("u.credit.cap", domain.credit.1.into());
            return Ok(0);
        }
        let (weight, cap) = (page.get("u.credit.weight")?, page.get("u.credit.cap")?);
        let change = Change::Credit(weight as u16, cap as u16);
        self.machine.change(domain.domid, change).map(|()| 0)
    }

    /// From 4.5 on each pause needs its own unpause.
    fn counts_pauses(&self) -> bool {
        self.release
            >= Release {
                major: 4,
                minor: 5,
                point: 0,
            }
    }

    fn find(&self, domid: u32) -> Result<MachineDomain, Errno> {
        self.machine.domain(domid).ok_or(Errno::ESRCH)
    }
}
