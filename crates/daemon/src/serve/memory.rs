//! Calls about the memory of a domain.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::Affect;
use virtxen_guest::MemoryKib;
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{MemoryArguments, MemoryFlags, MemoryStat, MemoryStatsArguments};
use virtxen_rpc::xdr::List;

/// `VIR_DOMAIN_MEM_MAXIMUM`.
const MAXIMUM: u32 = 4;

super::rows! {
    DomainGetMaxMemory => max_memory;
    DomainSetMaxMemory => set_max_memory;
    DomainSetMemory => set_memory;
    DomainSetMemoryFlags => set_memory_flags;
    DomainMemoryStats => stats;
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
    let key = wire::key(&arguments.dom);
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
