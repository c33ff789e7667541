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
