//! Cpupools, from Xen 4.1 on: what there is, and what can be done to them. How a host
//! does it is in `xen`.

use crate::Result;

/// Processors with a scheduler, and how many domains run on them; from Xen 4.1 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuPool {
    /// Number; 0 is there from the start.
    pub id: u32,
    /// Name, `Pool-N` where nobody gave one.
    pub name: String,
    /// Scheduler: `credit`, `credit2`, …
    pub scheduler: String,
    /// Domains in it.
    pub domains: u32,
    /// Processors of it.
    pub cpus: Vec<u32>,
}

/// All cpupools, and what is in none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuPools {
    /// By number.
    pub pools: Vec<CpuPool>,
    /// Processors that are in none.
    pub free: Vec<u32>,
}

impl CpuPools {
    /// The cpupool of this name or number.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&CpuPool> {
        let by_name = self.pools.iter().find(|pool| pool.name == text);
        by_name.or_else(|| {
            let id: u32 = text.parse().ok()?;
            self.pools.iter().find(|pool| pool.id == id)
        })
    }
}

/// What can be done to the cpupools of a host. One is named by its name or number.
#[async_trait::async_trait]
pub trait CpuPoolControl: Send + Sync {
    /// All cpupools, and what is in none.
    async fn list(&self) -> Result<CpuPools>;

    /// Makes a cpupool with this scheduler, or the host's, of processors that are in
    /// none; gives its number.
    async fn create(&self, name: &str, scheduler: Option<&str>, cpus: &[u32]) -> Result<u32>;

    /// Removes a cpupool that has no domains; its processors are in none then.
    async fn destroy(&self, pool: &str) -> Result<()>;

    /// Gives a processor that is in no cpupool to this one.
    async fn add(&self, pool: &str, cpu: u32) -> Result<()>;

    /// Takes a processor out; then it is in none.
    async fn remove(&self, pool: &str, cpu: u32) -> Result<()>;

    /// Moves an active domain to a cpupool.
    async fn move_domain(&self, name: &str, pool: &str) -> Result<()>;
}
