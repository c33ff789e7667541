//! Calls about the memory of a domain.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{Affect, Operation};
use virtxen_guest::{CpuSet, MemoryKib};
use virtxen_rpc::calls::{
    MemoryArguments, MemoryFlags, MemoryStat, MemoryStatsArguments, Params, ParamsFlags,
};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{Domain, TypedParam, TypedValue};

/// `VIR_DOMAIN_MEM_MAXIMUM`.
const MAXIMUM: u32 = 4;
/// `VIR_DOMAIN_AFFECT_LIVE`.
const LIVE: u32 = 1;
/// `VIR_DOMAIN_NUMATUNE_MEM_INTERLEAVE`, which comes closest to what Xen does.
const INTERLEAVE: i32 = 2;

super::rows! {
    DomainGetMaxMemory => max_memory;
    DomainSetMaxMemory => set_max_memory;
    DomainSetMemory => set_memory;
    DomainSetMemoryFlags => set_memory_flags;
    DomainMemoryStats => stats;
    DomainGetNumaParameters => numa;
}

async fn max_memory(caller: Arc<Caller>, dom: Domain) -> Result<u64> {
    Ok(lookup::look(&caller, &dom).await?.max_memory.0)
}

async fn set_max_memory(caller: Arc<Caller>, arguments: MemoryArguments) -> Result<()> {
    let key = wire::key(&arguments.dom);
    let limit = MemoryKib(arguments.memory);
    Ok(caller
        .driver
        .set_max_memory(&key, limit, Affect::CURRENT)
        .await?)
}

async fn set_memory(caller: Arc<Caller>, arguments: MemoryArguments) -> Result<()> {
    let key = lookup::running(&caller, &arguments.dom, Operation::SetMemory).await?;
    let memory = MemoryKib(arguments.memory);
    Ok(caller
        .driver
        .set_memory(&key, memory, Affect::CURRENT)
        .await?)
}

async fn set_memory_flags(caller: Arc<Caller>, arguments: MemoryFlags) -> Result<()> {
    let flags = arguments.flags;
    wire::only("virDomainSetMemoryFlags", flags, wire::AFFECT | MAXIMUM)?;
    let (key, memory) = (wire::key(&arguments.dom), MemoryKib(arguments.memory));
    let affect = wire::affect(flags);
    let set = match flags & MAXIMUM {
        0 => caller.driver.set_memory(&key, memory, affect).await,
        _ => caller.driver.set_max_memory(&key, memory, affect).await,
    };
    Ok(set?)
}

/// From which nodes of the host a running domain has its memory.
async fn numa(caller: Arc<Caller>, arguments: ParamsFlags) -> Result<Params> {
    let function = "virDomainGetNumaParameters";
    wire::only(function, arguments.flags, LIVE | wire::STRINGS)?;
    let nodes = caller.driver.numa_nodes(&wire::key(&arguments.dom)).await?;
    let nodes: CpuSet = nodes.into_iter().collect();
    let params = vec![
        TypedParam::new("numa_mode", TypedValue::Int(INTERLEAVE)),
        TypedParam::new("numa_nodeset", TypedValue::String(nodes.to_string())),
    ];
    Ok(Params::answer(params, arguments.nparams, arguments.flags))
}

async fn stats(
    caller: Arc<Caller>,
    arguments: MemoryStatsArguments,
) -> Result<List<MemoryStat, 1024>> {
    wire::only("virDomainMemoryStats", arguments.flags, 0)?;
    let stats = caller
        .driver
        .memory_stats(&wire::key(&arguments.dom))
        .await?;
    let most = usize::try_from(arguments.max_stats).unwrap_or(usize::MAX);
    let stats = stats
        .into_iter()
        .take(most)
        .map(|(tag, memory)| MemoryStat {
            tag: tag.number(),
            val: memory.0,
        });
    Ok(List(stats.collect()))
}
