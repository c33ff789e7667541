//! Moving a domain's memory: to a file, from a file, to another host.

use super::XendHost;
use crate::{DumpMode, Error, MigrateOptions, Result};
use std::path::Path;
use virtxen_xend::{Dump, Migration};

impl XendHost {
    pub(super) async fn save_domain(&self, name: &str, file: &Path) -> Result<()> {
        let done = self.client.save(name, text(file)?).await;
        done.map_err(|error| self.failed(name, error))
    }

    pub(super) async fn restore_domain(&self, file: &Path) -> Result<()> {
        let done = self.client.restore(text(file)?).await;
        done.map_err(|error| self.failed("", error))
    }

    pub(super) async fn dump_domain(&self, name: &str, file: &Path, mode: DumpMode) -> Result<()> {
        let mode = Dump {
            live: mode.live,
            crash: mode.crash,
            reset: mode.reset,
        };
        let done = self.client.dump(name, text(file)?, mode).await;
        done.map_err(|error| self.failed(name, error))
    }

    pub(super) async fn migrate_domain(&self, name: &str, to: &MigrateOptions) -> Result<()> {
        let migration = Migration {
            destination: to.host.clone(),
            port: to.port.unwrap_or(0),
            live: to.live,
        };
        let done = self.client.migrate(name, &migration).await;
        done.map_err(|error| self.failed(name, error))
    }
}

/// The path as XenD is told it.
fn text(file: &Path) -> Result<&str> {
    file.to_str().ok_or_else(|| Error::Guest {
        reason: format!("the file name {} is not UTF-8", file.display()),
    })
}
