//! Statistics of one domain: disks, interfaces, memory, processor time.
//!
//! Counters are of an active domain and begin anew with each of its runs. Those of
//! many domains at once are in `bulk`, those of the machine in `node_statistics`.

use crate::call::allowed_now;
use crate::{Domain, DomainKey, Driver, Error, Operation, Result, TypedParameter, TypedValue};
use std::time::Duration;
use virtxen_guest::MemoryKib;
use virtxen_host::{
    ActiveDomain, Balloon, DiskCounters, DiskStatistics, InterfaceCounters, InterfaceStatistics,
};

/// What memory statistics are about, with libvirt's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryTag {
    /// The most that the guest can use: what it was started for.
    Available,
    /// What the guest has: its balloon's size.
    Actual,
    /// What of it the guest could do without, as far as it tells.
    Usable,
}

impl MemoryTag {
    /// The tag of libvirt's number, where it is one of these.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            5 => Some(Self::Available),
            6 => Some(Self::Actual),
            8 => Some(Self::Usable),
            _ => None,
        }
    }

    /// `virDomainMemoryStatTags`.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Available => 5,
            Self::Actual => 6,
            Self::Usable => 8,
        }
    }

    /// How virsh calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Actual => "actual",
            Self::Usable => "usable",
        }
    }
}

/// Processor time of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuStats {
    /// Of all vcpus.
    pub total: Duration,
    /// Of each vcpu, by number.
    pub vcpus: Vec<Duration>,
}

impl Driver {
    /// What went through a disk since the domain was started; through all disks
    /// when `device` is empty. A disk is named by its name in the guest, its number
    /// or its source.
    ///
    /// # Errors
    /// The domain is not active or has no such disk; nobody here counts for it, with
    /// the reason.
    pub async fn block_stats(&self, key: &DomainKey, device: &str) -> Result<DiskCounters> {
        let operation = Operation::BlockStats;
        let (domain, active) = self.active(operation, key).await?;
        let active = [active];
        let answer = self.inner.host.disk_statistics(&active);
        let mut disks = self.read(operation, &domain.name, answer).await?;
        let disks = disks.pop().unwrap_or_default();
        if device.is_empty() {
            return sum(disks).map_err(|reason| uncounted(operation, reason));
        }
        let disk = disks.into_iter().find(|disk| disk.is_called(device));
        let disk = disk.ok_or_else(|| Error::Invalid {
            name: domain.name.clone(),
            operation: operation.verb(),
            reason: format!("invalid path '{device}': it has no such disk"),
        })?;
        disk.counters.map_err(|why| uncounted(operation, why))
    }

    /// What went through an interface since the domain was started, as the guest
    /// sees it. An interface is named by its name on the host or its address.
    ///
    /// # Errors
    /// As [`Driver::block_stats`].
    pub async fn interface_stats(
        &self,
        key: &DomainKey,
        device: &str,
    ) -> Result<InterfaceCounters> {
        let operation = Operation::InterfaceStats;
        let (domain, active) = self.active(operation, key).await?;
        let active = [active];
        let answer = self.inner.host.interface_statistics(&active);
        let mut interfaces = self.read(operation, &domain.name, answer).await?;
        let interfaces = interfaces.pop().unwrap_or_default();
        let mut interfaces = interfaces.into_iter();
        let found = interfaces.find(|interface| is_called(interface, device));
        let found = found.ok_or_else(|| {
            let name = &domain.name;
            Error::Argument(format!("'{device}' is no interface of domain '{name}'"))
        })?;
        found.counters.map_err(|why| uncounted(operation, why))
    }

    /// Memory of a domain. What happens inside the guest Xen does not know; guests
    /// with Qubes OS's agent tell what they could do without.
    ///
    /// # Errors
    /// The domain is not active.
    pub async fn memory_stats(&self, key: &DomainKey) -> Result<Vec<(MemoryTag, MemoryKib)>> {
        let operation = Operation::MemoryStats;
        let (domain, active) = self.active(operation, key).await?;
        let active = [active];
        let answer = self.inner.host.balloons(&active);
        let told = self.read(operation, &domain.name, answer).await?;
        let told = told.first().copied().unwrap_or_default();
        let mut stats = vec![
            (MemoryTag::Actual, domain.memory),
            (MemoryTag::Available, told.most.unwrap_or(domain.max_memory)),
        ];
        stats.extend(usable(&domain, &told).map(|usable| (MemoryTag::Usable, usable)));
        Ok(stats)
    }

    /// Processor time of a domain and of each of its vcpus.
    ///
    /// # Errors
    /// The domain is not active; the host cannot tell.
    pub async fn cpu_stats(&self, key: &DomainKey) -> Result<CpuStats> {
        let operation = Operation::CpuStats;
        let (domain, active) = self.active(operation, key).await?;
        let active = [active];
        let answer = self.inner.host.vcpu_times(&active);
        let mut times = self.read(operation, &domain.name, answer).await?;
        let vcpus = times.pop().unwrap_or_default();
        Ok(CpuStats {
            total: domain.cpu_time,
            vcpus: vcpus.iter().map(|vcpu| vcpu.time).collect(),
        })
    }

    /// An active domain of which something is read.
    async fn active(
        &self,
        operation: Operation,
        key: &DomainKey,
    ) -> Result<(Domain, ActiveDomain)> {
        let domain = self.readable(operation, key).await?;
        allowed_now(operation, &domain)?;
        let active = as_active(&domain).ok_or(Error::Task {
            operation: operation.verb(),
        })?;
        Ok((domain, active))
    }
}

/// What a guest could do without of what it has, if it says what it uses.
pub(super) fn usable(domain: &Domain, told: &Balloon) -> Option<MemoryKib> {
    let used = told.used?;
    Some(MemoryKib(domain.memory.0.saturating_sub(used.0)))
}

/// How the host is asked for the numbers of a domain.
pub(super) fn as_active(domain: &Domain) -> Option<ActiveDomain> {
    Some(ActiveDomain {
        domid: domain.id?,
        name: domain.name.clone(),
        max_vcpus: domain.max_vcpus,
    })
}

/// Counters of a disk as `domainBlockStatsFlags` has them: what nobody counts is
/// not among them.
#[must_use]
pub fn block_parameters(counters: &DiskCounters) -> Vec<TypedParameter> {
    let all = [
        ("rd_operations", counters.read_requests),
        ("rd_bytes", counters.read_bytes),
        ("wr_operations", counters.write_requests),
        ("wr_bytes", counters.write_bytes),
        ("flush_operations", counters.flush_requests),
    ];
    all.into_iter()
        .filter_map(|(name, count)| {
            Some(TypedParameter::new(name, TypedValue::LLong(signed(count?))))
        })
        .collect()
}

/// libvirt has signed numbers here.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// All disks together; a number is known when it is of every disk.
fn sum(disks: Vec<DiskStatistics>) -> std::result::Result<DiskCounters, String> {
    let mut disks = disks.into_iter();
    let Some(first) = disks.next() else {
        return Err("the domain has no disk".to_owned());
    };
    let add = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    disks.try_fold(first.counters?, |sum, disk| {
        let one = disk.counters?;
        Ok(DiskCounters {
            read_requests: add(sum.read_requests, one.read_requests),
            read_bytes: add(sum.read_bytes, one.read_bytes),
            write_requests: add(sum.write_requests, one.write_requests),
            write_bytes: add(sum.write_bytes, one.write_bytes),
            flush_requests: add(sum.flush_requests, one.flush_requests),
            discard_requests: add(sum.discard_requests, one.discard_requests),
            waits: add(sum.waits, one.waits),
        })
    })
}

fn is_called(interface: &InterfaceStatistics, word: &str) -> bool {
    let mac = interface.mac.as_deref();
    interface.name == word || mac.is_some_and(|mac| mac.eq_ignore_ascii_case(word))
}

fn uncounted(operation: Operation, reason: String) -> Error {
    Error::Unsupported {
        operation: operation.verb(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(reads: Option<u64>) -> DiskStatistics {
        DiskStatistics {
            device: 51712,
            target: "xvda".to_owned(),
            source: None,
            counters: Ok(DiskCounters {
                read_requests: reads,
                write_requests: Some(u64::MAX),
                ..DiskCounters::default()
            }),
        }
    }

    #[test]
    fn a_sum_is_known_when_all_of_it_is() {
        let all = sum(vec![disk(Some(1)), disk(Some(2))]).unwrap();
        assert_eq!(all.read_requests, Some(3));
        assert_eq!(all.write_requests, Some(u64::MAX));
        assert_eq!(
            sum(vec![disk(Some(1)), disk(None)]).unwrap().read_requests,
            None
        );
        let lost = DiskStatistics {
            counters: Err("qemu serves it".to_owned()),
            ..disk(None)
        };
        assert_eq!(sum(vec![disk(None), lost]).unwrap_err(), "qemu serves it");
        let parameters = block_parameters(&disk(None).counters.unwrap());
        assert_eq!(
            parameters,
            [TypedParameter::new(
                "wr_operations",
                TypedValue::LLong(i64::MAX)
            )]
        );
    }
}
