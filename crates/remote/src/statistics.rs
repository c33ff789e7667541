//! Calls that ask for numbers of domains. Those of the host are in `node`; what the
//! numbers are is the driver's to say.

use crate::{Remote, wire};
use virtxen_driver::{
    AllStats, CpuStats, Domain, DomainKey, DomainStats, ListFilter, MemoryTag, Operation, Reason,
    Result, State, StatsGroups,
};
use virtxen_guest::{MemoryKib, OsType, Uuid};
use virtxen_host::{DiskCounters, InterfaceCounters, Traffic};
use virtxen_rpc::calls::{
    CPUStatsArguments, ConnectGetAllDomainStats, DeviceArguments, DomainBlockStatsFlags,
    DomainGetCPUStats, DomainInterfaceStats, DomainMemoryStats, MemoryStatsArguments, PathParams,
    StatsArguments, StatsRecord,
};
use virtxen_rpc::xdr::List;

/// Most parameters of a disk.
const PARAMETERS: i32 = 16;
/// `VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS`.
const ENFORCE: u32 = 1 << 31;
/// Most tags of memory.
const TAGS: u32 = 32;
/// Processors in one reply.
const PROCESSORS: u32 = 128;

impl Remote {
    pub(crate) async fn all_stats(
        &self,
        filter: &ListFilter,
        groups: StatsGroups,
        enforced: bool,
    ) -> Result<AllStats> {
        let mut stats = self
            .stats(Vec::new(), groups, enforced, wire::filter(filter))
            .await?;
        if !filter.states.is_empty() {
            let wanted = |stats: &DomainStats| filter.states.contains(&stats.domain.state);
            stats.domains.retain(wanted);
        }
        Ok(stats)
    }

    pub(crate) async fn stats_of(
        &self,
        keys: &[DomainKey],
        groups: StatsGroups,
        enforced: bool,
    ) -> Result<AllStats> {
        let mut doms = Vec::with_capacity(keys.len());
        for key in keys {
            doms.push(self.domain(key).await?);
        }
        if doms.is_empty() {
            // Without domains the call means all.
            return Ok(AllStats::default());
        }
        self.stats(doms, groups, enforced, 0).await
    }

    async fn stats(
        &self,
        doms: Vec<virtxen_rpc::Domain>,
        groups: StatsGroups,
        enforced: bool,
        filter: u32,
    ) -> Result<AllStats> {
        let arguments = StatsArguments {
            doms: List(doms),
            stats: groups.bits(),
            flags: filter | if enforced { ENFORCE } else { 0 },
        };
        let records = self.ask::<ConnectGetAllDomainStats>(Operation::AllStats, arguments);
        let records = records.await?.0.into_iter();
        Ok(AllStats {
            domains: records.map(record).collect(),
            missing: Vec::new(),
        })
    }

    pub(crate) async fn block_stats(&self, key: &DomainKey, device: &str) -> Result<DiskCounters> {
        let arguments = PathParams {
            dom: self.domain(key).await?,
            path: device.to_owned(),
            nparams: PARAMETERS,
            flags: 0,
        };
        let stats = self
            .ask::<DomainBlockStatsFlags>(Operation::BlockStats, arguments)
            .await?;
        let find = |name: &str| {
            let mut params = stats.params.0.iter();
            let found = params.find(|param| param.field == name)?;
            wire::number(&found.value)
        };
        Ok(DiskCounters {
            read_requests: find("rd_operations"),
            read_bytes: find("rd_bytes"),
            write_requests: find("wr_operations"),
            write_bytes: find("wr_bytes"),
            flush_requests: find("flush_operations"),
            discard_requests: None,
            waits: None,
        })
    }

    pub(crate) async fn interface_stats(
        &self,
        key: &DomainKey,
        device: &str,
    ) -> Result<InterfaceCounters> {
        let arguments = DeviceArguments {
            dom: self.domain(key).await?,
            device: device.to_owned(),
        };
        let stats = self
            .ask::<DomainInterfaceStats>(Operation::InterfaceStats, arguments)
            .await?;
        let known = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(InterfaceCounters {
            received: Traffic {
                bytes: known(stats.rx_bytes),
                packets: known(stats.rx_packets),
                errors: known(stats.rx_errs),
                dropped: known(stats.rx_drop),
            },
            sent: Traffic {
                bytes: known(stats.tx_bytes),
                packets: known(stats.tx_packets),
                errors: known(stats.tx_errs),
                dropped: known(stats.tx_drop),
            },
        })
    }

    pub(crate) async fn memory_stats(
        &self,
        key: &DomainKey,
    ) -> Result<Vec<(MemoryTag, MemoryKib)>> {
        let arguments = MemoryStatsArguments {
            dom: self.domain(key).await?,
            max_stats: TAGS,
            flags: 0,
        };
        let stats = self.ask::<DomainMemoryStats>(Operation::MemoryStats, arguments);
        let stats = stats.await?.0.into_iter();
        let known = stats.filter_map(|stat| {
            let tag = MemoryTag::from_number(stat.tag)?;
            Some((tag, MemoryKib(stat.val)))
        });
        Ok(known.collect())
    }

    pub(crate) async fn cpu_stats(&self, key: &DomainKey) -> Result<CpuStats> {
        let dom = self.domain(key).await?;
        let ask = |start_cpu, ncpus, nparams| {
            let dom = dom.clone();
            let flags = 0;
            let arguments = CPUStatsArguments {
                dom,
                nparams,
                start_cpu,
                ncpus,
                flags,
            };
            self.ask::<DomainGetCPUStats>(Operation::CpuStats, arguments)
        };
        let times = |stats: virtxen_rpc::calls::CPUStats| {
            let params = stats.params.0.into_iter();
            let times = params.filter(|param| param.field == "cpu_time");
            let times = times.filter_map(|param| wire::number(&param.value));
            times.map(wire::time).collect::<Vec<_>>()
        };
        let (total, count) = tokio::try_join!(ask(-1, 1, 1), ask(0, 0, 0))?;
        let count = u32::try_from(count.nparams).unwrap_or(0);
        let mut vcpus = Vec::new();
        let mut first = 0;
        while first < count {
            let start = i32::try_from(first).unwrap_or(i32::MAX);
            vcpus.extend(times(ask(start, PROCESSORS.min(count - first), 1).await?));
            first = first.saturating_add(PROCESSORS);
        }
        Ok(CpuStats {
            total: times(total).first().copied().unwrap_or_default(),
            vcpus,
        })
    }
}

fn record(record: StatsRecord) -> DomainStats {
    let dom = record.dom;
    let parameters: Vec<_> = record.params.0.into_iter().map(wire::parameter).collect();
    let number = |name: &str| {
        let found = parameters.iter().find(|parameter| parameter.name == name)?;
        found.value.to_string().parse::<u64>().ok()
    };
    let count = |name: &str| number(name).and_then(|count| u32::try_from(count).ok());
    let state = number("state.state").and_then(|number| i32::try_from(number).ok());
    let domain = Domain {
        id: wire::id(dom.id),
        uuid: Uuid(dom.uuid),
        name: dom.name,
        state: State::from_number(state.unwrap_or(0)),
        reason: Reason::Unknown,
        persistent: None,
        kind: OsType::Xen,
        memory: MemoryKib(number("balloon.current").unwrap_or(0)),
        max_memory: MemoryKib(number("balloon.maximum").unwrap_or(0)),
        vcpus: count("vcpu.current").unwrap_or(0),
        max_vcpus: count("vcpu.maximum").unwrap_or(0),
        cpu_time: wire::time(number("cpu.time").unwrap_or(0)),
    };
    DomainStats {
        domain,
        parameters,
        uncounted: Vec::new(),
    }
}
