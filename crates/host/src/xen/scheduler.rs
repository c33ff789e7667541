//! A domain's scheduler parameters on their route: XenD knows two schedulers, the
//! hypervisor all it has.

use super::{Monitoring, XenHost};
use crate::{Host, Result, Scheduler};

impl XenHost {
    pub(super) async fn read_scheduler(&self, name: &str) -> Result<Scheduler> {
        if self.monitoring == Monitoring::Hypercalls
            && let Some((domid, _)) = self.number(name).await?
        {
            return self.hypercalls()?.scheduler(name, domid);
        }
        self.not_in_file(name, "schedinfo").await?;
        if self.monitoring != Monitoring::Xend && !self.keeps_inactive() {
            return Err(self.unmonitored(name, "schedinfo"));
        }
        self.xend("schedinfo").await?.scheduler(name).await
    }

    pub(super) async fn write_scheduler(&self, name: &str, scheduler: &Scheduler) -> Result<()> {
        let is_xends = matches!(scheduler, Scheduler::Credit { .. } | Scheduler::Sedf { .. });
        if let (false, Ok(xen)) = (is_xends && self.has_xend(), &self.hypercalls) {
            let domid = self.active_number(name, "schedinfo").await?;
            return xen.set_scheduler(name, domid, scheduler);
        }
        let xend = self.xend_of_active(name, "schedinfo").await?;
        xend.set_scheduler(name, scheduler).await
    }
}
