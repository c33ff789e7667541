//! What a running guest is told on its routes: to shut down, a magic key, an event of
//! its machine, which of its vcpus are there.
//!
//! | what | place in XenStore |
//! | --- | --- |
//! | an order to shut down | `/local/domain/N/control/shutdown` |
//! | a magic key | `/local/domain/N/control/sysrq` |
//! | a vcpu that comes or goes | `/local/domain/N/cpu/V/availability` |
//!
//! A guest reads them by its Xen drivers, so that one without takes no notice.

use super::{XenHost, usable};
use crate::xenstore::Facts;
use crate::{Error, Host, Result, ShutdownReason, Trigger};
use virtxen_guest::DomId;

impl XenHost {
    /// Has a guest read in XenStore that it is to end.
    pub(super) async fn order_to_end(&self, name: &str, reason: ShutdownReason) -> Result<()> {
        let order = match reason {
            ShutdownReason::Poweroff => "poweroff",
            ShutdownReason::Reboot => "reboot",
            ShutdownReason::Halt => "halt",
        };
        self.tell(name, "shutdown", &[("control/shutdown", order)])
            .await
    }

    pub(super) async fn press(&self, name: &str, key: char) -> Result<()> {
        const OPERATION: &str = "send-key";
        if self.has_xend() {
            let xend = self.xend_of_active(name, OPERATION).await?;
            return xend.sysrq(name, key).await;
        }
        let key = key.to_string();
        self.tell(name, OPERATION, &[("control/sysrq", &key)]).await
    }

    pub(super) async fn plug(&self, name: &str, vcpus: &[u32], online: bool) -> Result<()> {
        if self.facts.is_none() && self.has_xend() {
            let xend = self.xend_of_active(name, "setvcpu").await?;
            return xend.plug_vcpus(name, vcpus, online).await;
        }
        if let (Ok(libxl), Ok(xen)) = (&self.libxl, &self.hypercalls) {
            let domain = self.running(libxl, name, "setvcpu").await?;
            let before = xen.vcpus(name, domain.number(), domain.vcpus_max())?;
            return domain.plug(vcpus, online, &before).await;
        }
        let value = if online { "online" } else { "offline" };
        let place = |vcpu| format!("cpu/{vcpu}/availability");
        let places: Vec<String> = vcpus.iter().map(place).collect();
        let orders: Vec<_> = places.iter().map(|place| (place.as_str(), value)).collect();
        self.tell(name, "setvcpu", &orders).await
    }

    pub(super) async fn pull_trigger(&self, name: &str, trigger: Trigger) -> Result<()> {
        let operation = trigger.operation();
        let domid = self.active_number(name, operation).await?;
        let hypercalls = usable("hypercalls", &self.hypercalls);
        let hypercalls = hypercalls.map_err(|error| Error::Unsupported {
            operation,
            reason: format!("XenD cannot do it, it needs hypercalls: {error}"),
        })?;
        hypercalls.trigger(name, domid, trigger)
    }

    /// Writes into the folder of an active domain.
    async fn tell(
        &self,
        name: &str,
        operation: &'static str,
        orders: &[(&str, &str)],
    ) -> Result<()> {
        let domid = self.active_number(name, operation).await?;
        let facts = self.facts.as_ref().ok_or_else(|| Error::Unsupported {
            operation,
            reason: match usable("XenStore", &self.store) {
                Err(error) => format!("it needs XenStore: {error}"),
                Ok(_) => "it needs XenStore".to_owned(),
            },
        })?;
        for (place, value) in orders {
            facts.tell(domid, place, value).await?;
        }
        Ok(())
    }
}

impl Facts {
    /// Writes a node of a domain.
    pub(super) async fn tell(&self, domid: DomId, place: &str, value: &str) -> Result<()> {
        let path = format!("/local/domain/{domid}/{place}");
        let written = self.store().write(&path, value.as_bytes()).await;
        written.map_err(|error| self.failed(error))
    }
}
