//! A domain's memory. XenD counts in MiB.

use crate::client::Client;
use crate::error::Result;
use crate::exchange::Pace;

impl Client {
    /// Sets the balloon target in MiB.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn mem_target_set(&self, domain: &str, mib: u64) -> Result<()> {
        let (op, mib) = ("mem_target_set", mib.to_string());
        let parameters = [("target", mib.as_str())];
        let answer = self.order(op, domain, Pace::Quick, op, &parameters);
        answer.await.map(drop)
    }

    /// Sets the most memory that a domain may have, in MiB.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn maxmem_set(&self, domain: &str, mib: u64) -> Result<()> {
        let (op, mib) = ("maxmem_set", mib.to_string());
        let parameters = [("memory", mib.as_str())];
        let answer = self.order(op, domain, Pace::Quick, op, &parameters);
        answer.await.map(drop)
    }
}
