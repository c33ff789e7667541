//! The emulator of a guest of libxl: what libxl notes of it. Whether it runs still is not here.

use super::Facts;
use crate::Result;
use virtxen_guest::DomId;

impl Facts {
    /// Whether a guest has an emulator on this host that has started.
    pub(crate) async fn has_emulator(&self, domid: DomId) -> Result<bool> {
        let state = self
            .one(format!("/local/domain/0/device-model/{domid}/state"))
            .await?;
        Ok(state.as_deref() == Some("running"))
    }

    /// The number of its process.
    pub(crate) async fn emulator_process(&self, domid: DomId) -> Result<Option<u32>> {
        let pid = self
            .one(format!("/local/domain/{domid}/image/device-model-pid"))
            .await?;
        Ok(pid.and_then(|pid| pid.parse().ok()))
    }

    async fn one(&self, path: String) -> Result<Option<String>> {
        Ok(self.read(&[path]).await?.pop().flatten())
    }
}
