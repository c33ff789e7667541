//! Calls about the memory of a domain.

use super::{PEEK_MAX, Params, ParamsFlags, SetParamsFlags};
use crate::calls::table::procedures;
use crate::objects::Domain;
use crate::xdr::{List, Opaque, record};

record! {
    /// A domain and an amount of memory.
    MemoryArguments {
        dom: Domain,
        /// KiB.
        memory: u64,
    }
    /// The same, and which of its configurations is meant.
    MemoryFlags {
        dom: Domain,
        /// KiB.
        memory: u64,
        flags: u32,
    }
    /// Arguments of `virDomainSetMemoryStatsPeriod`.
    StatsPeriodArguments {
        dom: Domain,
        /// Seconds.
        period: i32,
        flags: u32,
    }
    /// Arguments of `virDomainMemoryStats`.
    MemoryStatsArguments { dom: Domain, max_stats: u32, flags: u32 }
    /// `virDomainMemoryStatStruct`.
    MemoryStat {
        tag: i32,
        /// KiB for all tags that are amounts.
        val: u64,
    }
    /// Arguments of `virDomainMemoryPeek`.
    MemoryPeekArguments { dom: Domain, offset: u64, size: u32, flags: u32 }
}

procedures! { ROWS: Domain {
     17 HIGH DomainGetMaxMemory READS [Domain: Read] (Domain) -> u64;
     30 HIGH DomainSetMaxMemory WRITES [Domain: Write] (MemoryArguments) -> ();
     31 LOW  DomainSetMemory WRITES [Domain: Write] (MemoryArguments) -> ();
    104 LOW  DomainMemoryPeek WRITES [Domain: MemRead] (MemoryPeekArguments) -> Opaque<PEEK_MAX>;
    159 LOW  DomainMemoryStats READS [Domain: Read]
        (MemoryStatsArguments) -> List<MemoryStat, 1024>;
    197 LOW  DomainSetMemoryParameters WRITES [Domain: Write, Save if STORED]
        (SetParamsFlags) -> ();
    198 LOW  DomainGetMemoryParameters READS [Domain: Read] (ParamsFlags) -> Params;
    204 LOW  DomainSetMemoryFlags WRITES [Domain: Write, Save if STORED] (MemoryFlags) -> ();
    254 LOW  DomainSetNumaParameters WRITES [Domain: Write, Save if STORED] (SetParamsFlags) -> ();
    255 LOW  DomainGetNumaParameters READS [Domain: Read] (ParamsFlags) -> Params;
    308 LOW  DomainSetMemoryStatsPeriod WRITES [Domain: Write, Save if STORED]
        (StatsPeriodArguments) -> ();
} }
