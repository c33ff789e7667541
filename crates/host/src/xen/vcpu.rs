//! Vcpus: what they do, where they run, as the hypervisor is told, and where that is kept:
//! in the document of a running guest of libxl's, so that it is shown, and goes with the
//! guest into files and to other hosts.

use super::toolstack::Changer;
use super::{Monitoring, XenHost, usable};
use crate::{ConfigChange, Error, Host, Result, VcpuInfo, routes};

impl XenHost {
    /// The vcpus on the route of monitoring; of a guest in a file as it is defined.
    pub(super) async fn read_vcpus(&self, name: &str) -> Result<Vec<VcpuInfo>> {
        if self.monitoring == Monitoring::Hypercalls
            && let Some((domid, count)) = self.number(name).await?
        {
            return self.hypercalls()?.vcpus(name, domid, count);
        }
        if let Some(defined) = self.in_file(name).await? {
            return self.vcpus_in_file(&defined).await;
        }
        if self.monitoring != Monitoring::Xend && !self.keeps_inactive() {
            return Err(self.unmonitored(name, "vcpuinfo"));
        }
        self.xend("vcpuinfo").await?.vcpus(name).await
    }

    /// Where the vcpus of a domain should rather run.
    pub(super) async fn read_soft_affinity(&self, name: &str) -> Result<Vec<Vec<u32>>> {
        if let Some((domid, count)) = self.number(name).await? {
            let xen = usable("hypercalls", &self.hypercalls)?;
            let told = xen.soft_affinity(name, domid, count);
            return told.map_err(why_not_softly);
        }
        match self.in_file(name).await? {
            Some(defined) if self.has_documents() => {
                let cpus = self.node().await?.topology.cpus;
                Ok(defined.soft_affinity(cpus))
            }
            _ => Err(routes::no_soft_affinity()),
        }
    }

    /// Tells the hypervisor where a vcpu may, or should rather, run, which is the change.
    pub(super) async fn place_vcpu(
        &self,
        name: &str,
        vcpu: u32,
        cpus: &[u32],
        change: &ConfigChange,
    ) -> Result<()> {
        let softly = matches!(change, ConfigChange::SoftPin { .. });
        let changer = self.changer(name, change.operation()).await?;
        let domid = match &changer {
            Changer::Xend(_) if softly => return Err(routes::no_soft_affinity()),
            Changer::Xend(xend) => return xend.pin_vcpu(name, vcpu, cpus).await,
            Changer::Libxl(domain) => domain.number(),
            Changer::Hypervisor(_, domid) => *domid,
        };
        let xen = usable("hypercalls", &self.hypercalls)?;
        match softly {
            true => xen
                .pin_vcpu_softly(name, domid, vcpu, cpus)
                .map_err(why_not_softly)?,
            false => xen.pin_vcpu(name, domid, vcpu, cpus)?,
        }
        match changer {
            Changer::Libxl(domain) => domain.note(change).await,
            _ => Ok(()),
        }
    }

    /// Refuses what only libvirt's documents keep.
    pub(super) fn keeps(&self, change: &ConfigChange) -> Result<()> {
        match change {
            ConfigChange::SoftPin { .. } if !self.has_documents() => {
                Err(routes::no_soft_affinity())
            }
            _ => Ok(()),
        }
    }
}

/// An older hypervisor has one call for both.
fn why_not_softly(error: Error) -> Error {
    match error {
        Error::Unsupported { .. } => routes::no_soft_affinity(),
        error => error,
    }
}
