//! Statistics of many domains in one call, those of the machine, and what went wrong with
//! disks.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{ListFilter, StatsGroups};
use virtxen_rpc::calls::{
    DOMAINS_MAX, DiskErrors, DiskErrorsArguments, NodeCPUStatsArguments, NodeMemoryStatsArguments,
    NodeStat, NodeStats, StatsArguments, StatsRecord,
};
use virtxen_rpc::procedure::Permission;
use virtxen_rpc::xdr::List;
use virtxen_rpc::{RemoteError, code, origin};

/// `VIR_CONNECT_GET_ALL_DOMAINS_STATS_…`: filters have the bits of a list.
const FILTERS: u32 = 0xff;
/// Statistics that need a job are not waited for: none here does.
const NOWAIT: u32 = 1 << 29;
/// Statistics of files behind disks: none here has them.
const BACKING: u32 = 1 << 30;
/// Groups that nobody has are an error.
const ENFORCE: u32 = 1 << 31;

super::rows! {
    ConnectGetAllDomainStats => domains;
    NodeGetCPUStats => cpu;
    NodeGetMemoryStats => memory;
    DomainGetDiskErrors => disk_errors;
}

async fn domains(
    caller: Arc<Caller>,
    arguments: StatsArguments,
) -> Result<List<StatsRecord, DOMAINS_MAX>> {
    let flags = arguments.flags;
    wire::only(
        "virConnectGetAllDomainStats",
        flags,
        FILTERS | NOWAIT | BACKING | ENFORCE,
    )?;
    let enforced = flags & ENFORCE != 0;
    let groups = StatsGroups::from_bits(arguments.stats, enforced)?;
    let driver = &caller.driver;
    let filter: ListFilter = wire::filter(flags & FILTERS);
    let stats = if arguments.doms.0.is_empty() {
        driver.all_stats(&filter, groups, enforced).await?
    } else {
        let keys: Vec<_> = arguments.doms.0.iter().map(wire::key).collect();
        driver.stats_of(&keys, groups, enforced).await?
    };
    let record = |stats: virtxen_driver::DomainStats| StatsRecord {
        dom: wire::domain(&stats.domain),
        params: List(stats.parameters.into_iter().map(wire::parameter).collect()),
    };
    let domains = caller
        .rights
        .filter(Permission::Read, stats.domains, |stats| &stats.domain)
        .await?;
    Ok(List(domains.into_iter().map(record).collect()))
}

/// A client without room asks how much it needs. Xen's backends tell of no errors.
async fn disk_errors(caller: Arc<Caller>, arguments: DiskErrorsArguments) -> Result<DiskErrors> {
    wire::only("virDomainGetDiskErrors", arguments.flags, 0)?;
    let domain = lookup::look(&caller, &arguments.dom).await?;
    if domain.id.is_none() {
        let message = format!(
            "domain '{}' is not running: its disks have no errors",
            domain.name
        );
        return Err(RemoteError::new(code::OPERATION_INVALID, origin::DOMAIN, message).into());
    }
    let disks = match arguments.maxerrors {
        0 => caller
            .driver
            .block_list(&wire::key(&arguments.dom), false)
            .await?
            .len(),
        _ => 0,
    };
    Ok(DiskErrors {
        errors: List(Vec::new()),
        nerrors: i32::try_from(disks).unwrap_or(i32::MAX),
    })
}

async fn cpu(caller: Arc<Caller>, arguments: NodeCPUStatsArguments) -> Result<NodeStats> {
    wire::only("virNodeGetCPUStats", arguments.flags, 0)?;
    // −1 is all processors together.
    let cpu = u32::try_from(arguments.cpu_num).ok();
    let stats = caller.driver.node_cpu_stats(cpu).await?;
    Ok(answer(stats.parameters(), arguments.nparams))
}

async fn memory(caller: Arc<Caller>, arguments: NodeMemoryStatsArguments) -> Result<NodeStats> {
    wire::only("virNodeGetMemoryStats", arguments.flags, 0)?;
    // −1 is the whole machine.
    let cell = u32::try_from(arguments.cell_num).ok();
    let stats = caller.driver.node_memory_stats(cell).await?;
    Ok(answer(stats.parameters(), arguments.nparams))
}

/// A client without room asks how many there are.
fn answer(parameters: Vec<(&'static str, u64)>, room: i32) -> NodeStats {
    let nparams = i32::try_from(parameters.len()).unwrap_or(i32::MAX);
    let stat = |(field, value): (&str, u64)| NodeStat {
        field: field.to_owned(),
        value,
    };
    let room = usize::try_from(room).unwrap_or(0);
    let params = parameters.into_iter().take(room).map(stat).collect();
    NodeStats {
        params: List(params),
        nparams,
    }
}
