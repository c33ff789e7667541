//! Starting and stopping domains, and XenD's keeping of inactive ones.

use crate::client::{Client, expression};
use crate::error::Result;
use crate::exchange::Pace;
use virtxen_formats::sxpr::{Sxpr, write_request};

/// What a guest is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Shut down and power off.
    Poweroff,
    /// Shut down and start again.
    Reboot,
    /// Shut down and halt.
    Halt,
}

/// Why inactive domains are refused, for [`Client::supported`].
const NO_INACTIVE: &str = "keeps no inactive domains; their configurations are XM files there";

impl Client {
    /// Builds a domain and leaves it paused; returns its document. Devices may
    /// not be connected yet, see [`Client::wait_for_devices`].
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn create(&self, config: &Sxpr) -> Result<Sxpr> {
        let config = write_request(config);
        let parameters = [("config", config.as_str())];
        let text = self.order_host("create", Pace::Slow, "create", &parameters);
        expression("create", &text.await?)
    }

    /// Waits until the devices of a new domain are connected.
    ///
    /// # Errors
    /// When one is not, in XenD's words.
    pub async fn wait_for_devices(&self, domain: &str) -> Result<()> {
        let op = "wait_for_devices";
        self.order(op, domain, Pace::Slow, op, &[]).await.map(drop)
    }

    /// Keeps a configuration, as a new inactive domain or in place of the one
    /// with its uuid. Xen 3.0.4 and later.
    ///
    /// # Errors
    /// When XenD refuses or keeps no inactive domains.
    pub async fn new_domain(&self, config: &Sxpr) -> Result<()> {
        self.supported(self.habits().inactive, "new", NO_INACTIVE)?;
        let config = write_request(config);
        let parameters = [("config", config.as_str())];
        let answer = self.order_host("new", Pace::Quick, "new", &parameters);
        answer.await.map(drop)
    }

    /// Starts an inactive domain; it runs with its devices when this returns.
    ///
    /// # Errors
    /// When XenD refuses or keeps no inactive domains.
    pub async fn start(&self, domain: &str) -> Result<()> {
        self.supported(self.habits().inactive, "start", NO_INACTIVE)?;
        let answer = self.order("start", domain, Pace::Slow, "start", &[]);
        answer.await.map(drop)
    }

    /// Forgets an inactive domain.
    ///
    /// # Errors
    /// When XenD refuses or keeps no inactive domains.
    pub async fn delete(&self, domain: &str) -> Result<()> {
        self.supported(self.habits().inactive, "delete", NO_INACTIVE)?;
        let answer = self.order("delete", domain, Pace::Quick, "delete", &[]);
        answer.await.map(drop)
    }

    /// Stops the vcpus.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn pause(&self, domain: &str) -> Result<()> {
        let answer = self.order("pause", domain, Pace::Quick, "pause", &[]);
        answer.await.map(drop)
    }

    /// Lets the vcpus run on.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn unpause(&self, domain: &str) -> Result<()> {
        let answer = self.order("unpause", domain, Pace::Quick, "unpause", &[]);
        answer.await.map(drop)
    }

    /// Asks the guest to shut down; returns when it has been asked.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn shutdown(&self, domain: &str, reason: Reason) -> Result<()> {
        let reason = match reason {
            Reason::Poweroff => "poweroff",
            Reason::Reboot => "reboot",
            Reason::Halt => "halt",
        };
        let parameters = [("reason", reason)];
        let answer = self.order("shutdown", domain, Pace::Quick, "shutdown", &parameters);
        answer.await.map(drop)
    }

    /// Ends a domain at once.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn destroy(&self, domain: &str) -> Result<()> {
        let answer = self.order("destroy", domain, Pace::Slow, "destroy", &[]);
        answer.await.map(drop)
    }

    /// Ends a domain at once and builds it again. Xen 3.3 and later.
    ///
    /// # Errors
    /// When XenD refuses or the release cannot do it.
    pub async fn reset(&self, domain: &str) -> Result<()> {
        self.supported(self.habits().reset, "reset", "cannot reset a domain")?;
        let answer = self.order("reset", domain, Pace::Slow, "reset", &[]);
        answer.await.map(drop)
    }

    /// Gives a domain another name.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn rename(&self, domain: &str, new_name: &str) -> Result<()> {
        let parameters = [("name", new_name)];
        let answer = self.order("rename", domain, Pace::Quick, "rename", &parameters);
        answer.await.map(drop)
    }

    /// Presses a magic key: XenD takes its character code, the guest's kernel
    /// what Linux calls SysRq.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn sysrq(&self, domain: &str, key: u8) -> Result<()> {
        let key = key.to_string();
        let parameters = [("key", key.as_str())];
        let answer = self.order("sysrq", domain, Pace::Quick, "sysrq", &parameters);
        answer.await.map(drop)
    }
}
