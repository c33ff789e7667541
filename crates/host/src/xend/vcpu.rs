//! A domain's vcpus.

use super::XendHost;
use crate::{Error, Result, VcpuInfo};
use std::time::Duration;

impl XendHost {
    pub(super) async fn set_online_vcpus(&self, name: &str, count: u32) -> Result<()> {
        // XenD before 3.4 takes any number for a running domain and says nothing.
        let info = self.info(name).await?;
        if info.domid.is_some() && count > info.max_vcpus {
            return Err(Error::Refused {
                operation: "set_vcpus",
                reason: format!("{count} vcpus are more than the maximum {}", info.max_vcpus),
            });
        }
        let done = self.client.set_vcpus(name, count).await;
        done.map_err(|error| self.failed(name, error))
    }

    /// XenD takes a number of vcpus: the first ones are online. Only such a set can
    /// be had.
    pub(super) async fn plug(&self, name: &str, vcpus: &[u32], online: bool) -> Result<()> {
        let before = self.read_vcpus(name).await?;
        let wanted = |vcpu: &VcpuInfo| match vcpus.contains(&vcpu.number) {
            true => online,
            false => vcpu.online,
        };
        let on: Vec<bool> = before.iter().map(wanted).collect();
        let count = on.iter().take_while(|on| **on).count();
        if on.iter().skip(count).any(|on| *on) {
            return Err(self.unsupported(
                "setvcpu",
                "sets the number of vcpus only, of which the first are online; one by one \
                 they are set in XenStore, on the host itself",
            ));
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.set_online_vcpus(name, count).await
    }

    pub(super) async fn read_vcpus(&self, name: &str) -> Result<Vec<VcpuInfo>> {
        if !self.client.habits().inactive_vcpus {
            let info = self.info(name).await?;
            if info.domid.is_none() {
                return Ok((0..info.max_vcpus).map(offline).collect());
            }
        }
        let vcpus = self.client.vcpus(name).await;
        let vcpus = vcpus.map_err(|error| self.failed(name, error))?;
        // For an inactive domain XenD names processors that there are not.
        let cpus = self.client.first_node().cpus;
        let there = |map: Vec<u32>| map.into_iter().filter(|cpu| *cpu < cpus).collect();
        let infos = vcpus.into_iter().map(|vcpu| VcpuInfo {
            number: vcpu.number,
            online: vcpu.online,
            blocked: vcpu.blocked,
            running: vcpu.running,
            time: vcpu.time,
            cpu: vcpu.cpu,
            affinity: there(vcpu.cpumap),
        });
        Ok(infos.collect())
    }
}

fn offline(number: u32) -> VcpuInfo {
    VcpuInfo {
        number,
        online: false,
        blocked: false,
        running: false,
        time: Duration::ZERO,
        cpu: None,
        affinity: Vec::new(),
    }
}
