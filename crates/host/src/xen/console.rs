//! Where a guest's console and its screen are, on their routes. Nothing is opened.

use super::{Monitoring, XenHost, usable};
use crate::{Error, Host, Result, VncServer, routes};
use std::path::PathBuf;
use virtxen_guest::OsType;

impl XenHost {
    pub(super) async fn terminal(&self, name: &str) -> Result<PathBuf> {
        if self.monitoring == Monitoring::Xend {
            let xend = self.xend_of_active(name, "console").await?;
            return xend.console(name).await;
        }
        let domid = self.active_number(name, "console").await?;
        let active = self.active_domain(name).await?;
        // The emulator's port is the console of a guest that libxl has started.
        let serial = self.libxl.is_ok() && active.is_some_and(|it| it.kind == OsType::Hvm);
        let Some(facts) = &self.facts else {
            return Err(no_store("console", usable("XenStore", &self.store).err()));
        };
        facts
            .terminal(domid, serial)
            .await?
            .ok_or_else(|| Error::Unsupported {
                operation: "console",
                reason: format!("XenStore has no terminal of the domain '{name}'"),
            })
    }

    pub(super) async fn display(&self, name: &str) -> Result<Option<VncServer>> {
        if self.monitoring == Monitoring::Xend {
            let xend = self.xend_of_active(name, "vnc").await?;
            return xend.vnc(name).await;
        }
        let domid = self.active_number(name, "vnc").await?;
        if let Some(facts) = &self.facts
            && let Some(server) = facts.vnc(domid).await?
        {
            return Ok(Some(server));
        }
        if self.has_xend() {
            return self.xend("vnc").await?.vnc(name).await;
        }
        Ok(None)
    }
}

fn no_store(operation: &'static str, why: Option<Error>) -> Error {
    let why = why.map(|error| error.to_string()).unwrap_or_default();
    let note = routes::consoles(false).note;
    Error::Unsupported {
        operation,
        reason: format!("{note} ({why})"),
    }
}
