//! Domains in files: save, restore, dump.
//!
//! The files are on the host's machine and in the host's own format.

use crate::call::Call;
use crate::{DomainKey, Driver, Error, Monitor, Operation, Result};
use std::path::Path;
use virtxen_host::DumpMode;

/// How memory is dumped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpFlags {
    /// The guest runs on meanwhile.
    pub live: bool,
    /// The domain is destroyed afterwards.
    pub crash: bool,
    /// The domain is restarted afterwards.
    pub reset: bool,
}

impl Driver {
    /// Writes the domain to a file and ends it.
    ///
    /// # Errors
    /// The domain is not running; the host cannot write the file.
    pub async fn save(&self, key: &DomainKey, file: &Path, monitor: &Monitor) -> Result<()> {
        let call = self.to_file(Operation::Save, key, file, monitor).await?;
        let file = file.to_owned();
        self.change(call, async move |host, domain| {
            Ok(host.save(&domain.name, &file).await?)
        })
        .await
    }

    /// Starts a domain from a file that [`Driver::save`] wrote.
    ///
    /// # Errors
    /// The file is missing or not such a file; the domain is there already.
    pub async fn restore(&self, file: &Path, monitor: &Monitor) -> Result<()> {
        let call = Call::file(Operation::Restore, file).watched(monitor);
        let (file, is_local) = (file.to_owned(), self.inner.store.is_there());
        self.run(call, async move |work| {
            let error = match work.host.restore(&file).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // A host on another machine has other files.
            match is_local && !file.try_exists().unwrap_or(true) {
                true => Err(Error::Store {
                    reason: "there is no such file".to_owned(),
                    path: file,
                }),
                false => Err(error.into()),
            }
        })
        .await
    }

    /// Writes the memory of a domain to a file.
    ///
    /// # Errors
    /// The domain is not running; the host cannot write the file or cannot dump.
    pub async fn dump(
        &self,
        key: &DomainKey,
        file: &Path,
        flags: DumpFlags,
        monitor: &Monitor,
    ) -> Result<()> {
        let call = self
            .to_file(Operation::CoreDump, key, file, monitor)
            .await?;
        let file = file.to_owned();
        let mode = DumpMode {
            live: flags.live,
            crash: flags.crash,
            reset: flags.reset,
        };
        self.change(call, async move |host, domain| {
            Ok(host.dump(&domain.name, &file, mode).await?)
        })
        .await
    }

    /// A call whose file grows to the size of the domain's memory.
    pub(super) async fn to_file(
        &self,
        operation: Operation,
        key: &DomainKey,
        file: &Path,
        monitor: &Monitor,
    ) -> Result<Call> {
        let (_, domain) = self.inner.look_up(key).await?;
        let bytes = domain.memory.0.saturating_mul(1024);
        Ok(Call::domain(operation, key)
            .watched(monitor)
            .growing(file.to_owned(), bytes))
    }
}
