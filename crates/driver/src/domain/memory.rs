//! Memory: balloon target and limit.
//!
//! libvirt counts in KiB, XenD in MiB: amounts are rounded up, so that a guest
//! never gets less than was asked for.

use super::Part;
use crate::call::Call;
use crate::{Affect, Domain, DomainKey, Driver, Error, Operation, Result};
use virtxen_guest::MemoryKib;
use virtxen_host::ConfigChange;

impl Driver {
    /// Sets the memory that a domain has (balloon target), or of an inactive one
    /// will have.
    ///
    /// # Errors
    /// Zero, or more than the domain's limit; flags that do not go with its state.
    pub async fn set_memory(
        &self,
        key: &DomainKey,
        memory: MemoryKib,
        affect: Affect,
    ) -> Result<()> {
        let operation = Operation::SetMemory;
        let memory = whole_mib(memory)?;
        self.change(Call::domain(operation, key), async move |host, domain| {
            let part = affect.part(&*host, operation, &domain)?;
            // What a running domain is defined as may be more than it has.
            let of_domain = part != Part::Config || !domain.is_active();
            if of_domain && memory > round_up(domain.max_memory) && !domain.is_domain0() {
                return Err(too_much(&domain, memory));
            }
            let change = ConfigChange::Memory(memory);
            let live = host.set_memory(&domain.name, memory);
            part.change(&*host, &domain.name, &change, live).await
        })
        .await
    }

    /// Sets the most memory that a domain may have.
    ///
    /// # Errors
    /// Zero; flags that do not go with its state.
    pub async fn set_max_memory(
        &self,
        key: &DomainKey,
        limit: MemoryKib,
        affect: Affect,
    ) -> Result<()> {
        let operation = Operation::SetMaxMemory;
        let limit = whole_mib(limit)?;
        self.change(Call::domain(operation, key), async move |host, domain| {
            let part = affect.part(&*host, operation, &domain)?;
            let change = ConfigChange::MaxMemory(limit);
            let live = host.set_max_memory(&domain.name, limit);
            part.change(&*host, &domain.name, &change, live).await
        })
        .await
    }
}

fn round_up(memory: MemoryKib) -> MemoryKib {
    MemoryKib::from_mib(memory.to_mib_rounded_up())
}

fn whole_mib(memory: MemoryKib) -> Result<MemoryKib> {
    match memory.0 {
        0 => Err(Error::Argument("memory must not be zero".to_owned())),
        _ => Ok(round_up(memory)),
    }
}

fn too_much(domain: &Domain, memory: MemoryKib) -> Error {
    Error::Argument(format!(
        "domain '{}' may have at most {} KiB of memory, not {} KiB: raise its limit first",
        domain.name, domain.max_memory.0, memory.0
    ))
}
