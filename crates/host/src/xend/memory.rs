//! A domain's memory.

use super::XendHost;
use crate::Result;
use virtxen_guest::MemoryKib;

impl XendHost {
    pub(super) async fn set_target(&self, name: &str, target: MemoryKib) -> Result<()> {
        let mib = target.to_mib_rounded_up();
        let done = self.client.mem_target_set(name, mib).await;
        done.map_err(|error| self.failed(name, error))
    }

    pub(super) async fn set_limit(&self, name: &str, limit: MemoryKib) -> Result<()> {
        let mib = limit.to_mib_rounded_up();
        let done = self.client.maxmem_set(name, mib).await;
        done.map_err(|error| self.failed(name, error))
    }
}
