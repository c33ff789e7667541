//! Cpupools: libvirt has no calls for them, so these are ours, in Xen's words.

use crate::call::Call;
use crate::{DomainKey, Driver, Operation, Result};
use virtxen_host::CpuPools;

impl Driver {
    /// The cpupools of the host, and the processors that are in none.
    ///
    /// # Errors
    /// The host has none (before Xen 4.1, without hypercalls).
    pub async fn cpu_pools(&self) -> Result<CpuPools> {
        let operation = Operation::CpuPools;
        self.check(operation, None)?;
        let pools = self.inner.host.cpu_pools()?;
        self.read(operation, "the host", pools.list()).await
    }

    /// Makes a cpupool; gives its number.
    ///
    /// # Errors
    /// A name that is taken or none; a scheduler that the host does not have; a
    /// processor that is not free.
    pub async fn create_cpu_pool(
        &self,
        name: &str,
        scheduler: Option<&str>,
        cpus: &[u32],
    ) -> Result<u32> {
        self.check(Operation::ChangeCpuPool, None)?;
        let made = self.inner.host.cpu_pools()?.create(name, scheduler, cpus);
        self.read(Operation::ChangeCpuPool, name, made).await
    }

    /// Removes a cpupool, named by name or number.
    ///
    /// # Errors
    /// No such cpupool, or domains are in it.
    pub async fn destroy_cpu_pool(&self, pool: &str) -> Result<()> {
        self.check(Operation::ChangeCpuPool, None)?;
        let removed = self.inner.host.cpu_pools()?.destroy(pool);
        self.read(Operation::ChangeCpuPool, pool, removed).await
    }

    /// Gives a processor that is in no cpupool to this one.
    ///
    /// # Errors
    /// No such cpupool or processor; one that is not free.
    pub async fn add_to_cpu_pool(&self, pool: &str, cpu: u32) -> Result<()> {
        self.check(Operation::ChangeCpuPool, None)?;
        let added = self.inner.host.cpu_pools()?.add(pool, cpu);
        self.read(Operation::ChangeCpuPool, pool, added).await
    }

    /// Takes a processor out of a cpupool.
    ///
    /// # Errors
    /// No such cpupool; it does not have the processor, or has domains and no other.
    pub async fn remove_from_cpu_pool(&self, pool: &str, cpu: u32) -> Result<()> {
        self.check(Operation::ChangeCpuPool, None)?;
        let removed = self.inner.host.cpu_pools()?.remove(pool, cpu);
        self.read(Operation::ChangeCpuPool, pool, removed).await
    }

    /// Moves a domain to a cpupool.
    ///
    /// # Errors
    /// No such domain or cpupool, or one without processors.
    pub async fn move_to_cpu_pool(&self, key: &DomainKey, pool: &str) -> Result<()> {
        let pool = pool.to_owned();
        let call = Call::domain(Operation::MoveToCpuPool, key);
        self.change(call, async move |host, domain| {
            Ok(host.cpu_pools()?.move_domain(&domain.name, &pool).await?)
        })
        .await
    }
}
