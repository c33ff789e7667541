//! Counters and times on their routes: from the kernel's files, by hypercalls, and
//! with what XenStore says of devices. What they mean is in `statistics` and `files`.

use super::{Monitoring, XenHost};
use crate::hypercall::failed;
use crate::{
    ActiveDomain, Balloon, CpuTimes, DiskStatistics, Error, Host, InterfaceStatistics, MemoryPart,
    NodeFiles, NodeMemory, ProcessorScope, ProcessorTimes, Result, RouteReport, VcpuTime, routes,
};
use std::time::Duration;
use virtxen_guest::{DomId, MemoryKib};
use virtxen_hypercall::Release;

/// From this release on the hypervisor tells how long processors were idle.
const TELLS_IDLE: Release = Release {
    major: 3,
    minor: 2,
    point: 0,
};

impl XenHost {
    pub(super) async fn disks_with_counters(
        &self,
        domains: &[ActiveDomain],
    ) -> Result<Vec<Vec<DiskStatistics>>> {
        let files = self.node_files("domblkstat")?;
        let stored = match &self.facts {
            Some(facts) => Some(facts.disks(&domids(domains)).await?),
            None => None,
        };
        files.disks(numbers(domains), stored).await
    }

    pub(super) async fn interfaces_with_counters(
        &self,
        domains: &[ActiveDomain],
    ) -> Result<Vec<Vec<InterfaceStatistics>>> {
        let files = self.node_files("domifstat")?;
        let stored = match &self.facts {
            Some(facts) => Some(facts.interfaces(&domids(domains)).await?),
            None => None,
        };
        files.interfaces(numbers(domains), stored).await
    }

    pub(super) async fn times_of_vcpus(
        &self,
        domains: &[ActiveDomain],
    ) -> Result<Vec<Vec<VcpuTime>>> {
        if self.monitoring == Monitoring::Hypercalls {
            let hypercalls = self.hypercalls()?;
            // One that has ended meanwhile has no vcpus.
            let times = domains
                .iter()
                .map(|domain| match hypercalls.vcpu_times(domain) {
                    Err(Error::NoDomain { .. }) => Ok(Vec::new()),
                    times => times,
                });
            return times.collect();
        }
        let mut times = Vec::with_capacity(domains.len());
        for domain in domains {
            let vcpus = self.vcpus(&domain.name).await?;
            times.push(vcpus.iter().map(VcpuTime::from).collect());
        }
        Ok(times)
    }

    pub(super) async fn told_memory(&self, domains: &[ActiveDomain]) -> Result<Vec<Balloon>> {
        let Some(facts) = &self.facts else {
            return Ok(vec![Balloon::default(); domains.len()]);
        };
        let told = facts.balloons(&domids(domains)).await?;
        let balloon = |[target, most, used]: [Option<u64>; 3]| Balloon {
            target: target.map(MemoryKib),
            most: most.map(MemoryKib),
            used: used.map(MemoryKib),
        };
        Ok(told.into_iter().map(balloon).collect())
    }

    pub(super) async fn times_of_processors(&self) -> Result<ProcessorTimes> {
        if !self.tells_idle() {
            return self.node_files("nodecpustats")?.own_processors().await;
        }
        let uptime = match &self.files {
            Ok(files) => files.uptime().await?,
            Err(_) => None,
        };
        let xen = self.hypercalls()?.xen();
        let idle = xen.idle_times().map_err(|error| failed(&error))?;
        let own = xen.domain(0).map_err(|error| failed(&error))?;
        let own = Duration::from_nanos(own.cpu_time);
        Ok(machine_times(&idle, own, uptime))
    }

    pub(super) async fn memory_of_node(&self) -> Result<NodeMemory> {
        let mut memory = NodeMemory::from(&self.node().await?);
        if let Ok(hypercalls) = self.hypercalls() {
            let cells = match hypercalls.xen().numa_memory() {
                Ok(cells) => cells,
                // What the node's document says of them is all there is.
                Err(virtxen_hypercall::Error::Unsupported { .. }) => Vec::new(),
                Err(error) => return Err(failed(&error)),
            };
            if !cells.is_empty() {
                let kib = |bytes: u64| MemoryKib(bytes / 1024);
                let cell = |(total, free): (u64, u64)| MemoryPart {
                    total: Some(kib(total)),
                    free: kib(free),
                };
                memory.cells = cells.into_iter().map(cell).collect();
            }
        }
        if let Ok(files) = &self.files {
            let caches = files.caches().await?;
            (memory.buffers, memory.cached) = (caches.buffers, caches.cached);
        }
        Ok(memory)
    }

    /// The routes of all of these.
    pub(super) fn counter_routes(&self) -> Vec<RouteReport> {
        let files = self.files.as_ref().ok().map(NodeFiles::place);
        let (disks, interfaces) = match (files, &self.facts) {
            (None, _) => (routes::NO_COUNTERS, routes::NO_COUNTERS),
            (_, Some(_)) => (
                "what the kernel's back ends count; devices from XenStore",
                "/proc/net/dev; devices from XenStore",
            ),
            (_, None) => (
                "what the kernel's back ends count; sources are in XenStore",
                "/proc/net/dev; names and addresses are in XenStore",
            ),
        };
        let (processors, note) = if self.tells_idle() {
            (
                Some("hypercalls"),
                "the machine's; busy is what is not idle",
            )
        } else {
            let note =
                "Domain-0's own vcpus only: Xen tells of the machine's from 3.2 on, by hypercall";
            (files, note)
        };
        let caches = match files {
            Some(_) => "as machine; buffers and cached are Domain-0's, from /proc/meminfo",
            None => "as machine",
        };
        let machine = self.has_machine().then_some("hypercalls");
        let machine = machine.or(self.has_xend().then_some("XenD"));
        vec![
            routes::route("disk counters", files, disks),
            routes::route("interface counters", files, interfaces),
            routes::route("processor times", processors, note),
            routes::route("host memory", machine, caches),
        ]
    }

    fn tells_idle(&self) -> bool {
        let version = self.hypercalls().map(|it| it.xen().version());
        version.is_ok_and(|version| version.release >= TELLS_IDLE)
    }

    fn has_machine(&self) -> bool {
        self.hypercalls.is_ok() && self.machine.is_some()
    }

    pub(super) fn node_files(&self, operation: &'static str) -> Result<&NodeFiles> {
        self.files.as_ref().map_err(|why| Error::Unsupported {
            operation,
            reason: why.clone(),
        })
    }
}

/// The machine's times, from how long each processor was idle and how long the
/// machine has been up. Up time is Domain-0's, some seconds less: what was idle
/// before it was started would else make a processor less than idle.
fn machine_times(idle: &[u64], own: Duration, uptime: Option<Duration>) -> ProcessorTimes {
    let idle: Vec<Duration> = idle
        .iter()
        .map(|idle| Duration::from_nanos(*idle))
        .collect();
    let longest = idle.iter().max().copied().unwrap_or_default();
    let up = uptime.map(|uptime| uptime.max(longest));
    let one = |idle: &Duration| CpuTimes {
        user: up.map(|up| up.saturating_sub(*idle)),
        idle: Some(*idle),
        ..CpuTimes::default()
    };
    let cpus: Vec<CpuTimes> = idle.iter().map(one).collect();
    // A kernel may say any number.
    let mut each = cpus.iter();
    let busy = each.try_fold(Duration::ZERO, |all, cpu| {
        Some(all.saturating_add(cpu.user?))
    });
    ProcessorTimes {
        scope: ProcessorScope::Machine,
        total: CpuTimes {
            user: busy.map(|busy| busy.saturating_sub(own)),
            system: Some(own),
            idle: Some(
                idle.into_iter()
                    .fold(Duration::ZERO, Duration::saturating_add),
            ),
            iowait: None,
        },
        cpus,
    }
}

fn domids(domains: &[ActiveDomain]) -> Vec<DomId> {
    domains.iter().map(|domain| domain.domid).collect()
}

fn numbers(domains: &[ActiveDomain]) -> Vec<u32> {
    domains.iter().map(|domain| domain.domid.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_busy() {
        let second = 1_000_000_000;
        let own = Duration::from_secs(3);
        let times = machine_times(
            &[90 * second, 95 * second],
            own,
            Some(Duration::from_secs(100)),
        );
        assert_eq!(times.cpus[0].user, Some(Duration::from_secs(10)));
        assert_eq!(times.total.user, Some(Duration::from_secs(12)));
        assert_eq!(times.total.system, Some(own));
        assert_eq!(times.total.idle, Some(Duration::from_secs(185)));
        // Xen is up longer than Domain-0.
        let times = machine_times(&[90 * second], own, Some(Duration::from_secs(80)));
        assert_eq!(times.cpus[0].user, Some(Duration::ZERO));
        assert_eq!(times.total.user, Some(Duration::ZERO));
        let times = machine_times(&[second], own, None);
        assert_eq!(times.total.user, None);
    }

    #[test]
    fn absurd_times_are_the_longest_there_are() {
        let uptime = Duration::from_secs(u64::MAX);
        let times = machine_times(&[0, u64::MAX], Duration::ZERO, Some(uptime));
        assert_eq!(times.total.user, Some(Duration::MAX));
    }
}
