//! What each operation does, with the habits of the release.
//!
//! Versions and privilege have been checked; domains are the machine's.

use super::cpupool::fill;
use super::page::Page;
use super::{Change, MachineDomain, SimHypervisor};
use virtxen_hypercall::Errno;
use virtxen_hypercall::abi::Family;
use virtxen_hypercall::abi::layout::Layout;

/// Command of `getvcpuaffinity`, the other direction of `setvcpuaffinity`.
const GET_AFFINITY: u32 = 25;

/// Which affinity is meant, from 4.5 on.
const HARD: u64 = 1;
const SOFT: u64 = 2;

/// The sets of processors of an affinity: one up to 4.4, then two.
const MAPS: [(&str, u64); 3] = [
    ("cpumap.bitmap", HARD),
    ("cpumap_hard.bitmap", HARD),
    ("cpumap_soft.bitmap", SOFT),
];

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
            (_, "sched_id") => self.scheduler_id(page),
            (Family::Sysctl, "availheap") => self.free(page),
            (Family::Sysctl, "numainfo") => self.numa(page),
            (Family::Sysctl, "cpupool_op") => self.cpu_pool(page),
            (Family::Sysctl, "getcpuinfo") => self.idle(page),
            (Family::Sysctl, "topologyinfo") => self.topology(page),
            (Family::Sysctl, "cputopoinfo") => self.cpu_topology(page),
            (Family::Sysctl, _) => Err(Errno::ENOSYS),
            _ => {
                let domid = match family {
                    Family::Dom0Op => page.get("domain")? as u32,
                    _ => page.envelope_domain()?,
                };
                self.on_domain(family, name, domid, page)
            }
        }
    }

    fn on_domain(
        &self,
        family: Family,
        name: &str,
        domid: u32,
        page: &mut Page<'_>,
    ) -> Result<u64, Errno> {
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
            "setvcpuaffinity" | "vcpuaffinity" => return self.set_affinity(domid, page),
            "sendtrigger" => match trigger(&domain, page)? {
                Some(change) => change,
                None => return Ok(0),
            },
            "adjustdom" | "scheduler_op" => return self.scheduler(family, &domain, page),
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
        let listed = self.machine.domains_from(first, most);
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
        let found = if self.since(4, 18) {
            self.machine.domain(domid)
        } else {
            self.machine.domains_from(domid, 1).pop()
        };
        let domain = &found.ok_or(Errno::ESRCH)?;
        for (field, value) in self.numbers(domain) {
            page.put(field, value);
        }
        page.put_bytes("handle", &domain.handle);
        Ok(0)
    }

    fn write_element(&self, layout: &Layout, domain: &MachineDomain, target: &mut [u8]) {
        // Before 4.16 what lies between the fields is left as it was: make it visible.
        let old = !self.since(4, 16);
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
            ("cpupool", self.pool_of(domain.domid).0.into()),
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

    fn vcpu_info(&self, domain: &MachineDomain, page: &mut Page<'_>) -> Result<u64, Errno> {
        let vcpu = page.get("vcpu")?;
        let affinity = usize::try_from(vcpu)
            .ok()
            .and_then(|at| domain.affinity.get(at));
        let affinity = affinity.ok_or(Errno::ESRCH)?;
        let online = match &domain.online_vcpus {
            Some(online) => online.iter().any(|number| u64::from(*number) == vcpu),
            None => vcpu < u64::from(domain.online),
        };
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
        let hard = domain.affinity.get(vcpu).ok_or(Errno::ESRCH)?;
        let all = (0..self.machine.facts().cpus).collect();
        let soft = domain.soft_affinity.get(vcpu).unwrap_or(&all);
        let flags = page.get("flags").unwrap_or(HARD);
        for (name, flag) in MAPS {
            if flags & flag != 0
                && let Ok(map) = page.follow(name)
            {
                let cpus = if flag == SOFT { soft } else { hard };
                fill(map, cpus.iter().copied());
            }
        }
        Ok(0)
    }

    fn set_affinity(&self, domid: u32, page: &mut Page<'_>) -> Result<u64, Errno> {
        let vcpu = page.get("vcpu")? as u32;
        if let Ok(word) = page.get("cpumap") {
            let cpus = self.wanted_cpus(&word.to_le_bytes())?;
            let change = Change::Affinity(vcpu, cpus);
            return self.machine.change(domid, change).map(|()| 0);
        }
        let flags = page.get("flags").unwrap_or(HARD);
        if flags & (HARD | SOFT) == 0 {
            return Err(Errno::EINVAL);
        }
        for (name, flag) in MAPS {
            let Ok(map) = page.follow(name) else { continue };
            let map = map.to_vec();
            if flags & flag == 0 {
                continue;
            }
            let cpus = self.wanted_cpus(&map)?;
            let change = if flag == SOFT {
                Change::SoftAffinity(vcpu, cpus)
            } else {
                Change::Affinity(vcpu, cpus)
            };
            self.machine.change(domid, change)?;
        }
        Ok(0)
    }

    fn wanted_cpus(&self, map: &[u8]) -> Result<Vec<u32>, Errno> {
        let cpus = self.machine.facts().cpus;
        let set = |cpu: &u32| {
            let byte = map.get(*cpu as usize / 8);
            byte.is_some_and(|it| it >> (cpu % 8) & 1 == 1)
        };
        let wanted: Vec<u32> = (0..cpus).filter(set).collect();
        if wanted.is_empty() {
            Err(Errno::EINVAL)
        } else {
            Ok(wanted)
        }
    }

    /// From 4.5 on each pause needs its own unpause.
    fn counts_pauses(&self) -> bool {
        self.since(4, 5)
    }

    fn find(&self, domid: u32) -> Result<MachineDomain, Errno> {
        self.machine.domain(domid).ok_or(Errno::ESRCH)
    }
}

/// What an event of the machine does to a domain: a guest here takes no notice of an
/// NMI.
fn trigger(domain: &MachineDomain, page: &Page<'_>) -> Result<Option<Change>, Errno> {
    const NMI: u64 = 0;
    const POWER: u64 = 3;
    let vcpu = page.get("vcpu")?;
    if usize::try_from(vcpu).map_or(true, |vcpu| vcpu >= domain.affinity.len()) {
        return Err(Errno::ESRCH);
    }
    match page.get("trigger")? {
        NMI => Ok(None),
        POWER if domain.hvm => Ok(Some(Change::PowerButton)),
        POWER => Err(Errno::EINVAL),
        _ => Err(Errno::ENOSYS),
    }
}
