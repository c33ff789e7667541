//! Managed saves: the memory of a domain in a file that this driver knows, from which
//! it goes on when it is started.
//!
//! Where the file is and how it is written is in `store::image`.

use crate::call::Call;
use crate::driver::Inner;
use crate::store::{self, SavedFile};
use crate::{Domain, DomainKey, Driver, Error, Monitor, Operation, Result};
use std::sync::Arc;
use virtxen_host::Host;

impl Driver {
    /// Whether the memory of a domain is in a file from which it will go on.
    ///
    /// # Errors
    /// No such domain.
    pub async fn has_managed_save(&self, key: &DomainKey) -> Result<bool> {
        let domain = self.readable(Operation::Info, key).await?;
        Ok(self.inner.managed_save_of(&domain).await?.is_some())
    }

    /// Writes the domain to a file of the driver's and ends it; it goes on from there
    /// when it is started.
    ///
    /// # Errors
    /// The domain is not running, or transient; the file cannot be written.
    pub async fn managed_save(&self, key: &DomainKey, monitor: &Monitor) -> Result<()> {
        let (_, domain) = self.inner.look_up(key).await?;
        let file = self.inner.store.saved_file(&domain.name)?;
        let part = file.part();
        let call = self.to_file(Operation::Save, key, &part, monitor).await?;
        self.change(call, async move |host, domain| {
            if domain.persistent == Some(false) {
                return Err(Error::Invalid {
                    name: domain.name,
                    operation: "managedsave",
                    reason: "the domain is transient: nothing would be left to be started"
                        .to_owned(),
                });
            }
            put_away(&*host, &domain, file).await
        })
        .await
    }

    /// Removes the file from which a domain would go on; the next start boots it.
    ///
    /// # Errors
    /// No such domain; the disk's.
    pub async fn managed_save_remove(&self, key: &DomainKey) -> Result<()> {
        let call = Call::domain(Operation::ManagedSaveRemove, key);
        let inner = Arc::clone(&self.inner);
        self.change(call, async move |_, domain| {
            match inner.managed_save_of(&domain).await? {
                Some(file) => remove(file).await,
                None => Ok(()),
            }
        })
        .await
    }

    /// Starts a domain from its configuration, whatever was saved of it.
    ///
    /// # Errors
    /// As those of [`Driver::start`].
    pub async fn start_anew(&self, key: &DomainKey, paused: bool) -> Result<()> {
        let (_, domain) = self.inner.look_up(key).await?;
        crate::call::allowed_now(Operation::Start, &domain)?;
        if self.inner.managed_save_of(&domain).await?.is_some() {
            self.managed_save_remove(key).await?;
        }
        self.start(key, paused).await
    }
}

impl Inner {
    /// The file from which a domain goes on, if there is one.
    pub(super) async fn managed_save_of(&self, domain: &Domain) -> Result<Option<SavedFile>> {
        let Ok(file) = self.store.saved_file(&domain.name) else {
            return Ok(None);
        };
        let active = domain.is_active();
        let look = move |file: &SavedFile| Ok(file.is_there(active).then(|| file.clone()));
        blocking(file, look).await
    }

    /// Has a domain go on from its file, which is gone then.
    pub(super) async fn go_on(
        &self,
        host: &dyn Host,
        domain: &Domain,
        file: SavedFile,
        paused: bool,
    ) -> Result<()> {
        let begun = host.restore(file.path()).await;
        begun.map_err(|error| match error {
            virtxen_host::Error::Refused { operation, reason } => {
                Error::Host(virtxen_host::Error::Refused {
                    operation,
                    reason: format!(
                        "{reason}; the saved memory is still in {}: start it with --force-boot \
                         to do without",
                        file.path().display()
                    ),
                })
            }
            other => other.into(),
        })?;
        remove(file).await?;
        match paused {
            true => Ok(host.pause(&domain.name).await?),
            false => Ok(()),
        }
    }
}

/// Writes a running domain to the file from which it goes on.
pub(super) async fn put_away(host: &dyn Host, domain: &Domain, file: SavedFile) -> Result<()> {
    let file = blocking(file, |file| file.begin().map(|()| file.clone())).await?;
    if let Err(error) = host.save(&domain.name, &file.part()).await {
        let give_up = |file: &SavedFile| {
            file.give_up();
            Ok(())
        };
        blocking(file, give_up).await?;
        return Err(error.into());
    }
    blocking(file, SavedFile::finish).await
}

/// Removes a file.
pub(super) async fn remove(file: SavedFile) -> Result<()> {
    blocking(file, SavedFile::remove).await
}

/// Work on a file, in a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    file: SavedFile,
    work: impl FnOnce(&SavedFile) -> Result<T> + Send + 'static,
) -> Result<T> {
    store::blocking("managedsave", move || work(&file)).await
}
