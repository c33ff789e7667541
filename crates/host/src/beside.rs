//! What XenD does not tell, from where the local host has it: XenStore and XenD's
//! folder of configurations.

use crate::xend::Lookup;
use std::path::PathBuf;
use virtxen_guest::{DomId, Uuid};
use virtxen_xenstore::Store;

/// Where XenD keeps inactive domains: `UUID/config.sxp` for each.
const DOMAINS: &str = "/var/lib/xend/domains";

/// XenStore and the files of the host on which XenD runs.
#[derive(Clone, Default)]
pub struct LocalLookup {
    store: Option<Store>,
    domains: Option<PathBuf>,
}

impl LocalLookup {
    /// A source that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What this machine has.
    pub async fn of_this_machine() -> Self {
        let store = virtxen_xenstore::open_first(virtxen_xenstore::DEFAULT_NODES).await;
        let domains = PathBuf::from(DOMAINS);
        Self {
            store: store.ok(),
            domains: domains.is_dir().then_some(domains),
        }
    }

    /// Looks in this XenStore.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Looks for configurations of XenD in this folder.
    #[must_use]
    pub fn with_domains(mut self, folder: impl Into<PathBuf>) -> Self {
        self.domains = Some(folder.into());
        self
    }

    /// A node of a domain; one that cannot be read is as good as none.
    async fn node(&self, domid: DomId, path: &str) -> Option<String> {
        let store = self.store.as_ref()?;
        let path = format!("/local/domain/{domid}/{path}");
        let value = store.read_text(&path).await.ok().flatten()?;
        (!value.is_empty()).then_some(value)
    }
}

#[async_trait::async_trait]
impl Lookup for LocalLookup {
    async fn console(&self, domid: DomId) -> Option<PathBuf> {
        // A guest without its own console may have a serial line.
        for path in ["console/tty", "serial/0/tty"] {
            if let Some(tty) = self.node(domid, path).await {
                return Some(PathBuf::from(tty));
            }
        }
        None
    }

    async fn vnc_port(&self, domid: DomId) -> Option<u16> {
        let port = self.node(domid, "console/vnc-port").await?;
        port.parse().ok().filter(|port| *port != 0)
    }

    fn is_defined(&self, uuid: Uuid) -> Option<bool> {
        let folder = self.domains.as_ref()?;
        Some(folder.join(uuid.to_string()).join("config.sxp").exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn knows_nothing_without_sources() {
        let lookup = LocalLookup::new();
        assert_eq!(lookup.console(DomId(1)).await, None);
        assert_eq!(lookup.vnc_port(DomId(1)).await, None);
        assert_eq!(lookup.is_defined(Uuid::ZERO), None);
    }

    #[tokio::test]
    async fn a_kept_domain_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let lookup = LocalLookup::new().with_domains(folder.path());
        assert_eq!(lookup.is_defined(Uuid::ZERO), Some(false));
        let kept = folder.path().join(Uuid::ZERO.to_string());
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("config.sxp"), "(domain)").unwrap();
        assert_eq!(lookup.is_defined(Uuid::ZERO), Some(true));
    }
}
