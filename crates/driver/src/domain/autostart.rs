//! Whether a guest is started with the host.
//!
//! Where the host keeps this (`on_xend_start`, a link to a file) is the host's
//! business.

use crate::call::Call;
use crate::{DomainKey, Driver, Operation, Result};

impl Driver {
    /// Whether the guest is started with the host.
    ///
    /// # Errors
    /// No such domain; the host cannot tell.
    pub async fn autostart(&self, key: &DomainKey) -> Result<bool> {
        let domain = self.readable(Operation::GetAutostart, key).await?;
        let answer = self.inner.host.autostart(&domain.name);
        self.read(Operation::GetAutostart, &domain.name, answer)
            .await
    }

    /// Sets whether the guest is started with the host.
    ///
    /// # Errors
    /// No such domain; the host has no place to keep it.
    pub async fn set_autostart(&self, key: &DomainKey, autostart: bool) -> Result<()> {
        let call = Call::domain(Operation::SetAutostart, key);
        self.change(call, async move |host, domain| {
            Ok(host.set_autostart(&domain.name, autostart).await?)
        })
        .await
    }
}
