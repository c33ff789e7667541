//! Devices of a domain: add, change, remove, look at.

use crate::client::{Client, expression};
use crate::error::Result;
use crate::exchange::Pace;
use virtxen_formats::sxpr::{Sxpr, write_request};

impl Client {
    /// Adds a device and waits until it is connected; XenD removes it again when
    /// it is not. `config` is the device's list, `(vbd (dev xvdb)…)`.
    ///
    /// # Errors
    /// When XenD refuses or the device is not connected.
    pub async fn device_create(&self, domain: &str, config: &Sxpr) -> Result<()> {
        let (op, config) = ("device_create", write_request(config));
        let parameters = [("config", config.as_str())];
        let answer = self.order(op, domain, Pace::Slow, op, &parameters);
        answer.await.map(drop)
    }

    /// Changes the device `dev`, a device number or a name.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn device_configure(&self, domain: &str, config: &Sxpr, dev: &str) -> Result<()> {
        let (op, text) = ("device_configure", write_request(config));
        let disk = matches!(config.name(), Some("vbd" | "tap" | "tap2"));
        self.supported(
            self.habits().configure_disk || !disk,
            op,
            "cannot change a disk: its operation always fails",
        )?;
        let parameters = [("config", text.as_str()), ("dev", dev)];
        let answer = self.order(op, domain, Pace::Slow, op, &parameters);
        answer.await.map(drop)
    }

    /// Removes a device of a class (`vbd`, `vif`, `tap`, …); `dev` is its number
    /// or, for disks, its name. With `force` the guest is not asked.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn device_destroy(
        &self,
        domain: &str,
        class: &str,
        dev: &str,
        force: bool,
    ) -> Result<()> {
        let op = "device_destroy";
        let mut parameters = vec![("type", class), ("dev", dev)];
        if self.habits().detach_demands_flags {
            parameters.push(("force", if force { "1" } else { "0" }));
            parameters.push(("rm_cfg", "1"));
        }
        let answer = self.order(op, domain, Pace::Slow, op, &parameters);
        answer.await.map(drop)
    }

    /// The connected devices of a class, as XenD lists them: `((51712 ((state
    /// 4)…))…)`.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn devices(&self, domain: &str, class: &str) -> Result<Sxpr> {
        let parameters = [("type", class)];
        let text = self.order("devices", domain, Pace::Quick, "devices", &parameters);
        expression("devices", &text.await?)
    }
}
