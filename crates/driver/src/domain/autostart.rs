//! Whether a guest is started with the host.
//!
//! Where the host keeps this (`on_xend_start`, a link to a file) is the host's
//! business.

use crate::call::Call;
use crate::{DomainKey, Driver, ListFilter, Operation, Result};

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

    /// Starts the domains that are started with the host, where nobody else does: where
    /// XenD keeps guests it starts them, and Xen's scripts those of xm. Once after each
    /// start of the machine; each domain that was tried, and what came of it.
    ///
    /// # Errors
    /// The domains are not told; that it was done cannot be noted.
    pub async fn start_automatic(&self) -> Result<Vec<(String, Result<()>)>> {
        if !self.inner.host.keeps_documents() || !self.inner.store.first_since_boot()? {
            return Ok(Vec::new());
        }
        let filter = ListFilter {
            autostart: true,
            ..ListFilter::inactive()
        };
        let mut tried = Vec::new();
        for domain in self.list(&filter).await? {
            let done = self.start(&DomainKey::from(&domain), false).await;
            tried.push((domain.name, done));
        }
        Ok(tried)
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
