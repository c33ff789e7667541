//! Number and place of a domain's vcpus. Looking at them is in `domain`.

use crate::client::Client;
use crate::error::{Error, Result};
use crate::exchange::Pace;

impl Client {
    /// Sets the number of online vcpus.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn set_vcpus(&self, domain: &str, count: u32) -> Result<()> {
        let count = count.to_string();
        let parameters = [("vcpus", count.as_str())];
        let answer = self.order("set_vcpus", domain, Pace::Quick, "set_vcpus", &parameters);
        answer.await.map(drop)
    }

    /// Limits a vcpu to these processors.
    ///
    /// # Errors
    /// When there are none, XenD refuses, or the release's operation never works.
    pub async fn pincpu(&self, domain: &str, vcpu: u32, cpus: &[u32]) -> Result<()> {
        let works = self.habits().pinning;
        self.supported(works, "pincpu", "cannot pin: its operation always fails")?;
        if cpus.is_empty() {
            return Err(Error::Unsupported {
                operation: "pincpu",
                reason: "a vcpu needs at least one processor".to_owned(),
            });
        }
        let cpus: Vec<String> = cpus.iter().map(u32::to_string).collect();
        let (vcpu, cpumap) = (vcpu.to_string(), cpus.join(","));
        let parameters = [("vcpu", vcpu.as_str()), ("cpumap", cpumap.as_str())];
        let answer = self.order("pincpu", domain, Pace::Quick, "pincpu", &parameters);
        answer.await.map(drop)
    }
}
