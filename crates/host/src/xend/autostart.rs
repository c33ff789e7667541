//! Whether a domain is started with the host: XenD's `on_xend_start`.
//!
//! Of a running domain XenD shows the setting with which it was started, not the one that
//! it keeps for the next time: what was changed since is remembered here, as long as this
//! process lives. The links of xm's files are in `xm`.

use super::{XendHost, config};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use virtxen_formats::sxpr::Sxpr;
use virtxen_guest::Uuid;

/// Settings that were changed while their domains ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed(Arc<Mutex<BTreeMap<Uuid, String>>>);

impl XendHost {
    pub(super) async fn read_autostart(&self, name: &str) -> Result<bool> {
        if !self.client.habits().inactive {
            self.info(name).await?;
            return Ok(false);
        }
        let document = self.document(name).await?;
        let start = self.autostart_of(&document);
        Ok(matches!(start.as_deref(), Some("start" | "resume")))
    }

    pub(super) async fn write_autostart(&self, name: &str, autostart: bool) -> Result<()> {
        self.demand_inactive("autostart")?;
        let mut document = self.document(name).await?;
        let uuid = uuid_of(&document);
        let kept = self.kept.as_ref().zip(uuid);
        let active = document.child("domid").is_some();
        if active && kept.and_then(|(kept, uuid)| kept(uuid)) == Some(false) {
            return Err(Error::State {
                name: name.to_owned(),
                operation: "autostart",
                state: "transient".to_owned(),
                needed: "defined",
            });
        }
        let value = if autostart { "start" } else { "ignore" };
        config::set(&mut document, "on_xend_start", value);
        self.keep(name, &config::without_run(&document)).await?;
        if let Some(uuid) = uuid.filter(|_| active) {
            let mut changed = self.changed();
            changed.insert(uuid, value.to_owned());
        }
        Ok(())
    }

    /// The setting for the next time. An inactive domain shows it.
    pub(super) fn autostart_of(&self, document: &Sxpr) -> Option<String> {
        let shown = document.value("on_xend_start").map(str::to_owned);
        let Some(uuid) = uuid_of(document) else {
            return shown;
        };
        let mut changed = self.changed();
        if document.child("domid").is_none() {
            changed.remove(&uuid);
        }
        changed.get(&uuid).cloned().or(shown)
    }

    fn changed(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, String>> {
        let Changed(changed) = &self.autostarts;
        changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn uuid_of(document: &Sxpr) -> Option<Uuid> {
    document.value("uuid").and_then(|uuid| uuid.parse().ok())
}
