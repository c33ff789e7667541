//! Statistics of many domains in one call: `connectGetAllDomainStats`.
//!
//! The domains are listed once; then each group of numbers is read once for all of
//! them. Names and types of the parameters are libvirt's. A group that the host
//! cannot tell, or does not in time, is left out with its reason.

use super::statistics::{as_active, usable};
use crate::{
    Domain, DomainKey, Driver, Error, ListFilter, Operation, Result, TypedParameter, TypedValue,
};
use std::collections::HashMap;
use std::future::Future;
use virtxen_host::{ActiveDomain, Balloon, DiskStatistics, InterfaceStatistics, Traffic, VcpuTime};

/// Groups of statistics, `virDomainStatsTypes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatsGroups {
    /// State and its reason.
    pub state: bool,
    /// Processor time.
    pub cpu_total: bool,
    /// Memory.
    pub balloon: bool,
    /// Vcpus.
    pub vcpu: bool,
    /// Interfaces.
    pub interface: bool,
    /// Disks.
    pub block: bool,
}

impl StatsGroups {
    /// All groups, which is also what a call without any means.
    pub const ALL: Self = Self {
        state: true,
        cpu_total: true,
        balloon: true,
        vcpu: true,
        interface: true,
        block: true,
    };

    /// libvirt's bits of the groups.
    #[must_use]
    pub fn bits(self) -> u32 {
        let groups = [
            self.state,
            self.cpu_total,
            self.balloon,
            self.vcpu,
            self.interface,
            self.block,
        ];
        let bits = groups.into_iter().rev();
        bits.fold(0, |bits, group| bits << 1 | u32::from(group))
    }

    /// The groups of libvirt's bits; none means all.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for groups that Xen has nothing of, when they are
    /// `enforced`; else they are left out.
    pub fn from_bits(bits: u32, enforced: bool) -> Result<Self> {
        const KNOWN: u32 = 0x3f;
        if enforced && bits & !KNOWN != 0 {
            return Err(Error::Unsupported {
                operation: Operation::AllStats.verb(),
                reason: format!("there are no statistics of types {:#x}", bits & !KNOWN),
            });
        }
        let bit = |number: u32| bits & 1 << number != 0;
        Ok(match bits {
            0 => Self::ALL,
            _ => Self {
                state: bit(0),
                cpu_total: bit(1),
                balloon: bit(2),
                vcpu: bit(3),
                interface: bit(4),
                block: bit(5),
            },
        })
    }
}

/// Statistics of one domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainStats {
    /// The domain.
    pub domain: Domain,
    /// Its numbers.
    pub parameters: Vec<TypedParameter>,
    /// Its devices that nobody here counts for, with the reason.
    pub uncounted: Vec<String>,
}

/// Statistics of several domains.
#[derive(Debug, Default)]
pub struct AllStats {
    /// One record a domain.
    pub domains: Vec<DomainStats>,
    /// What could not be read, with the reason.
    pub missing: Vec<Error>,
}

/// What was read for all active domains, by number.
#[derive(Default)]
struct Numbers {
    balloons: HashMap<u32, Balloon>,
    vcpus: HashMap<u32, Vec<VcpuTime>>,
    interfaces: HashMap<u32, Vec<InterfaceStatistics>>,
    disks: HashMap<u32, Vec<DiskStatistics>>,
}

impl Driver {
    /// Statistics of all domains that the filter takes and the caller may see.
    ///
    /// # Errors
    /// When the domains cannot be listed. With `enforced` also when one of the groups
    /// cannot be read; else [`AllStats::missing`] has the reason.
    pub async fn all_stats(
        &self,
        filter: &ListFilter,
        groups: StatsGroups,
        enforced: bool,
    ) -> Result<AllStats> {
        let domains = self.list(filter).await?;
        self.stats_of_these(domains, groups, enforced).await
    }

    /// As [`Driver::all_stats`], of the domains of these keys.
    ///
    /// # Errors
    /// As there, and when one of them does not exist.
    pub async fn stats_of(
        &self,
        keys: &[DomainKey],
        groups: StatsGroups,
        enforced: bool,
    ) -> Result<AllStats> {
        let mut domains = Vec::with_capacity(keys.len());
        for key in keys {
            domains.push(self.lookup(key).await?);
        }
        self.stats_of_these(domains, groups, enforced).await
    }

    async fn stats_of_these(
        &self,
        mut domains: Vec<Domain>,
        groups: StatsGroups,
        enforced: bool,
    ) -> Result<AllStats> {
        self.check(Operation::AllStats, None)?;
        domains.retain(|domain| self.check(Operation::Info, Some(domain)).is_ok());
        let active: Vec<ActiveDomain> = domains.iter().filter_map(as_active).collect();
        let (numbers, mut missing) = self.numbers(&active, groups).await;
        if enforced && !missing.is_empty() {
            return Err(missing.swap_remove(0));
        }
        let record = |domain: Domain| DomainStats {
            parameters: parameters(&domain, &numbers, groups),
            uncounted: uncounted(&domain, &numbers),
            domain,
        };
        Ok(AllStats {
            domains: domains.into_iter().map(record).collect(),
            missing,
        })
    }

    /// Each group once for all domains, all groups at the same time.
    async fn numbers(&self, active: &[ActiveDomain], groups: StatsGroups) -> (Numbers, Vec<Error>) {
        if active.is_empty() {
            return (Numbers::default(), Vec::new());
        }
        let host = &self.inner.host;
        let (balloons, vcpus, interfaces, disks) = tokio::join!(
            self.group(
                groups.balloon,
                Operation::MemoryStats,
                host.balloons(active)
            ),
            self.group(groups.vcpu, Operation::CpuStats, host.vcpu_times(active)),
            self.group(
                groups.interface,
                Operation::InterfaceStats,
                host.interface_statistics(active)
            ),
            self.group(
                groups.block,
                Operation::BlockStats,
                host.disk_statistics(active)
            ),
        );
        let mut missing = Vec::new();
        let numbers = Numbers {
            balloons: by_number(active, balloons, &mut missing),
            vcpus: by_number(active, vcpus, &mut missing),
            interfaces: by_number(active, interfaces, &mut missing),
            disks: by_number(active, disks, &mut missing),
        };
        (numbers, missing)
    }

    /// A group that is wanted, within its own deadline.
    async fn group<T>(
        &self,
        wanted: bool,
        operation: Operation,
        answer: impl Future<Output = virtxen_host::Result<Vec<T>>>,
    ) -> Result<Vec<T>> {
        match wanted {
            true => self.read(operation, "the domains", answer).await,
            false => Ok(Vec::new()),
        }
    }
}

fn by_number<T>(
    active: &[ActiveDomain],
    read: Result<Vec<T>>,
    missing: &mut Vec<Error>,
) -> HashMap<u32, T> {
    match read {
        Ok(read) => active
            .iter()
            .map(|domain| domain.domid.0)
            .zip(read)
            .collect(),
        Err(error) => {
            missing.push(error);
            HashMap::new()
        }
    }
}

/// The parameters of a record while it is made.
#[derive(Default)]
struct Record(Vec<TypedParameter>);

impl Record {
    fn put(&mut self, name: impl AsRef<str>, value: TypedValue) {
        self.0.push(TypedParameter::new(name.as_ref(), value));
    }

    fn count(&mut self, name: &str, count: usize) {
        self.put(
            name,
            TypedValue::UInt(u32::try_from(count).unwrap_or(u32::MAX)),
        );
    }

    fn number(&mut self, name: impl AsRef<str>, number: u64) {
        self.put(name, TypedValue::ULLong(number));
    }

    fn text(&mut self, name: impl AsRef<str>, text: &str) {
        self.put(name, TypedValue::String(text.to_owned()));
    }
}

fn parameters(domain: &Domain, numbers: &Numbers, groups: StatsGroups) -> Vec<TypedParameter> {
    let mut record = Record::default();
    let id = domain.id.map(|id| id.0);
    if groups.state {
        record.put("state.state", TypedValue::Int(domain.state.libvirt()));
        record.put("state.reason", TypedValue::Int(domain.reason.number()));
    }
    if groups.cpu_total && domain.is_active() {
        let time = u64::try_from(domain.cpu_time.as_nanos()).unwrap_or(u64::MAX);
        record.number("cpu.time", time);
    }
    if groups.balloon {
        let told = id.and_then(|id| numbers.balloons.get(&id));
        let most = told.and_then(|balloon| balloon.most);
        record.number("balloon.current", domain.memory.0);
        record.number("balloon.maximum", most.unwrap_or(domain.max_memory).0);
        if let Some(usable) = told.and_then(|told| usable(domain, told)) {
            record.number("balloon.usable", usable.0);
        }
    }
    if groups.vcpu {
        record.put("vcpu.current", TypedValue::UInt(domain.vcpus));
        record.put("vcpu.maximum", TypedValue::UInt(domain.max_vcpus));
        let vcpus = id.and_then(|id| numbers.vcpus.get(&id));
        vcpus
            .into_iter()
            .flatten()
            .for_each(|it| vcpu(&mut record, it));
    }
    if let Some(interfaces) = id
        .and_then(|id| numbers.interfaces.get(&id))
        .filter(|_| groups.interface)
    {
        record.count("net.count", interfaces.len());
        for (at, one) in interfaces.iter().enumerate() {
            interface(&mut record, at, one);
        }
    }
    if let Some(disks) = id
        .and_then(|id| numbers.disks.get(&id))
        .filter(|_| groups.block)
    {
        record.count("block.count", disks.len());
        for (at, disk) in disks.iter().enumerate() {
            block(&mut record, at, disk);
        }
    }
    record.0
}

/// Why devices of a domain have no counters.
fn uncounted(domain: &Domain, numbers: &Numbers) -> Vec<String> {
    let Some(id) = domain.id.map(|id| id.0) else {
        return Vec::new();
    };
    let interfaces = numbers.interfaces.get(&id).into_iter().flatten();
    let interfaces = interfaces.filter_map(|it| it.counters.as_ref().err());
    let disks = numbers.disks.get(&id).into_iter().flatten();
    let disks = disks.filter_map(|disk| disk.counters.as_ref().err());
    interfaces.chain(disks).cloned().collect()
}

/// `virVcpuState`; one that is offline is not shown.
fn vcpu(record: &mut Record, vcpu: &VcpuTime) {
    if !vcpu.online {
        return;
    }
    let state = if vcpu.blocked { 2 } else { 1 };
    let name = format!("vcpu.{}", vcpu.number);
    record.put(format!("{name}.state"), TypedValue::Int(state));
    let time = u64::try_from(vcpu.time.as_nanos()).unwrap_or(u64::MAX);
    record.number(format!("{name}.time"), time);
}

fn interface(record: &mut Record, at: usize, interface: &InterfaceStatistics) {
    record.text(format!("net.{at}.name"), &interface.name);
    let Ok(counters) = &interface.counters else {
        return;
    };
    for (direction, traffic) in [("rx", counters.received), ("tx", counters.sent)] {
        let Traffic {
            bytes,
            packets,
            errors,
            dropped,
        } = traffic;
        let name = format!("net.{at}.{direction}");
        record.number(format!("{name}.bytes"), bytes);
        record.number(format!("{name}.pkts"), packets);
        record.number(format!("{name}.errs"), errors);
        record.number(format!("{name}.drop"), dropped);
    }
}

fn block(record: &mut Record, at: usize, disk: &DiskStatistics) {
    record.text(format!("block.{at}.name"), &disk.target);
    if let Some(source) = &disk.source {
        record.text(format!("block.{at}.path"), source);
    }
    let Ok(counters) = &disk.counters else {
        return;
    };
    let all = [
        ("rd.reqs", counters.read_requests),
        ("rd.bytes", counters.read_bytes),
        ("wr.reqs", counters.write_requests),
        ("wr.bytes", counters.write_bytes),
        ("fl.reqs", counters.flush_requests),
    ];
    for (name, count) in all {
        if let Some(count) = count {
            record.number(format!("block.{at}.{name}"), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_libvirts_bits() {
        assert_eq!(StatsGroups::from_bits(0, false).unwrap(), StatsGroups::ALL);
        let some = StatsGroups::from_bits(1 | 1 << 5 | 1 << 6, false).unwrap();
        assert!(some.state && some.block && !some.vcpu);
        assert_eq!(some.bits(), 1 | 1 << 5);
        let error = StatsGroups::from_bits(1 << 6, true).unwrap_err();
        assert!(error.to_string().contains("0x40"), "{error}");
    }
}
