//! Cpupools: the hypervisor's numbers with XenStore's names.
//!
//! Names are where xl and XenD keep them; without XenStore there are numbers only.

use super::{XenHost, usable};
use crate::hypercall::failed;
use crate::{CpuPool, CpuPoolControl, CpuPools, Error, Result};
use virtxen_hypercall::{SchedulerId, Xen};

/// Longest name that is taken.
const NAME_MAX: usize = 128;

#[async_trait::async_trait]
impl CpuPoolControl for XenHost {
    async fn list(&self) -> Result<CpuPools> {
        let xen = self.pool_calls()?;
        let pools = xen.cpu_pools().map_err(|error| failed(&error))?;
        let free = xen.free_cpus().map_err(|error| failed(&error))?;
        let ids: Vec<u32> = pools.iter().map(|pool| pool.id).collect();
        let named = pools.into_iter().zip(self.pool_names(&ids).await?);
        let pools = named.map(|(pool, name)| CpuPool {
            name,
            id: pool.id,
            scheduler: pool.scheduler.name().to_owned(),
            domains: pool.domains,
            cpus: pool.cpus,
        });
        let pools = pools.collect();
        Ok(CpuPools { pools, free })
    }

    async fn create(&self, name: &str, scheduler: Option<&str>, cpus: &[u32]) -> Result<u32> {
        const OPERATION: &str = "cpupool-create";
        let refused = |reason: String| Error::Refused {
            operation: OPERATION,
            reason,
        };
        let xen = self.pool_calls()?;
        let is_name =
            !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control);
        if !is_name || name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused(format!("'{name}' is no name for a cpupool")));
        }
        if self.list().await?.find(name).is_some() {
            return Err(refused(format!("there is a cpupool '{name}' already")));
        }
        let scheduler = match scheduler {
            Some(name) => SchedulerId::from_name(name)
                .ok_or_else(|| refused(format!("there is no scheduler '{name}'")))?,
            None => xen.scheduler().map_err(|error| failed(&error))?,
        };
        let id = xen.create_cpu_pool(scheduler);
        let id = id.map_err(|error| failed(&error))?;
        let filled = cpus
            .iter()
            .try_for_each(|cpu| xen.add_to_cpu_pool(id, *cpu));
        let filled = filled.map_err(|error| failed(&error));
        let named = match filled {
            Ok(()) => self.name_pool(id, name).await,
            Err(error) => Err(error),
        };
        if named.is_err() {
            // What was begun is taken back; the first error says what went wrong.
            let _ = xen.cpu_pool(id).and_then(|pool| empty(xen, id, &pool.cpus));
        }
        named.map(|()| id)
    }

    async fn destroy(&self, pool: &str) -> Result<()> {
        let xen = self.pool_calls()?;
        let pool = self.find_pool(pool).await?;
        if pool.id == 0 || pool.domains > 0 {
            let why = match pool.id {
                0 => "is there from the start and stays".to_owned(),
                _ => format!("has {} domains", pool.domains),
            };
            return Err(Error::Refused {
                operation: "cpupool-destroy",
                reason: format!("the cpupool '{}' {why}", pool.name),
            });
        }
        empty(xen, pool.id, &pool.cpus).map_err(|error| failed(&error))?;
        if let Some(facts) = &self.facts {
            // A name that stays behind hurts nobody: only those of the hypervisor's
            // cpupools are read.
            let _ = facts.store().remove(&format!("{POOLS}/{}", pool.id)).await;
        }
        Ok(())
    }

    async fn add(&self, pool: &str, cpu: u32) -> Result<()> {
        let xen = self.pool_calls()?;
        let id = self.find_pool(pool).await?.id;
        let added = xen.add_to_cpu_pool(id, cpu);
        added.map_err(|error| failed(&error))
    }

    async fn remove(&self, pool: &str, cpu: u32) -> Result<()> {
        let xen = self.pool_calls()?;
        let id = self.find_pool(pool).await?.id;
        let removed = xen.remove_from_cpu_pool(id, cpu);
        removed.map_err(|error| failed(&error))
    }

    async fn move_domain(&self, name: &str, pool: &str) -> Result<()> {
        let domid = self.active_number(name, "cpupool-migrate").await?;
        let xen = self.pool_calls()?;
        let id = self.find_pool(pool).await?.id;
        let moved = xen.move_to_cpu_pool(domid.0, id);
        moved.map_err(|error| failed(&error))
    }
}

impl XenHost {
    /// The hypervisor; nobody else knows cpupools.
    fn pool_calls(&self) -> Result<&Xen> {
        Ok(usable("hypercalls", &self.hypercalls)?.xen())
    }

    async fn find_pool(&self, pool: &str) -> Result<CpuPool> {
        let pools = self.list().await?;
        pools.find(pool).cloned().ok_or_else(|| Error::Refused {
            operation: "cpupool",
            reason: format!("there is no cpupool '{pool}'"),
        })
    }

    /// Names of cpupools, in one round trip.
    async fn pool_names(&self, ids: &[u32]) -> Result<Vec<String>> {
        let paths: Vec<String> = ids.iter().map(|id| format!("{POOLS}/{id}/name")).collect();
        let stored = match &self.facts {
            Some(facts) => facts.read(&paths).await?,
            None => vec![None; ids.len()],
        };
        let named = ids.iter().zip(stored);
        Ok(named
            .map(|(id, name)| name.unwrap_or_else(|| format!("Pool-{id}")))
            .collect())
    }

    async fn name_pool(&self, id: u32, name: &str) -> Result<()> {
        let Some(facts) = &self.facts else {
            return Ok(());
        };
        let uuid = virtxen_guest::Uuid::random().to_string();
        for (key, value) in [("uuid", uuid.as_str()), ("name", name)] {
            let path = format!("{POOLS}/{id}/{key}");
            let written = facts.store().write(&path, value.as_bytes()).await;
            written.map_err(|error| facts.failed(error))?;
        }
        Ok(())
    }
}

/// Where xl and XenD keep what they know of cpupools.
const POOLS: &str = "/local/pool";

/// Takes the processors out and removes the cpupool; gives them back if it stays.
fn empty(xen: &Xen, id: u32, cpus: &[u32]) -> virtxen_hypercall::Result<()> {
    let mut taken = Vec::new();
    let mut done = Ok(());
    for cpu in cpus {
        match xen.remove_from_cpu_pool(id, *cpu) {
            Ok(()) => taken.push(*cpu),
            Err(error) => done = Err(error),
        }
    }
    let done = done.and_then(|()| xen.destroy_cpu_pool(id));
    if done.is_err() {
        for cpu in taken {
            // The error that is told is the first one.
            let _ = xen.add_to_cpu_pool(id, cpu);
        }
    }
    done
}
