//! A domain's vcpus.

use super::Running;
use crate::{ConfigChange, Error, Result, VcpuInfo};
use virtxen_libxl::Operation;

impl Running {
    /// The first `count` vcpus are online.
    pub(crate) async fn set_vcpus(&self, count: u32) -> Result<()> {
        if count > self.info.max_vcpus {
            return Err(Error::Refused {
                operation: "setvcpus",
                reason: format!(
                    "{count} vcpus are more than the maximum {}",
                    self.info.max_vcpus
                ),
            });
        }
        self.online((0..count).collect()).await
    }

    /// Some vcpus come or go; all others, which are as in `before`, stay.
    pub(crate) async fn plug(
        &self,
        vcpus: &[u32],
        online: bool,
        before: &[VcpuInfo],
    ) -> Result<()> {
        let there = before.iter().filter(|vcpu| vcpu.online);
        let mut on: Vec<u32> = there.map(|vcpu| vcpu.number).collect();
        on.retain(|vcpu| !vcpus.contains(vcpu));
        if online {
            on.extend(vcpus);
        }
        on.sort_unstable();
        self.online(on).await
    }

    /// Changes the document that is kept with the domain as the domain was changed; one
    /// that xl started has none.
    pub(crate) async fn note(&self, change: &ConfigChange) -> Result<()> {
        let said = self.said().await?;
        let Some(before) = &said.document else {
            return Ok(());
        };
        let mut guest = before.clone();
        change.apply(&mut guest)?;
        match guest == *before {
            true => Ok(()),
            false => self.store(&guest).await,
        }
    }

    async fn online(&self, online: Vec<u32>) -> Result<()> {
        let domid = self.domid;
        self.done(Operation::Vcpus { domid, online }).await
    }
}
