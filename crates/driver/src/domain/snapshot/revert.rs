//! Going back to a snapshot: disks, configuration, and memory if it has one.

use super::{SNAPSHOT, commit, has_memory, kept_disks};
use crate::call::Call;
use crate::domain::managed_save;
use crate::store::snapshots::link;
use crate::store::{SnapshotFolder, blocking};
use crate::{Domain, DomainKey, Driver, Error, Monitor, Operation, Result};
use std::sync::Arc;
use virtxen_guest::{Guest, Snapshot, SnapshotState};
use virtxen_host::Host;

/// How the domain is after going back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotRevert {
    /// It runs, whatever it did when the snapshot was taken.
    pub running: bool,
    /// It is there and does not run.
    pub paused: bool,
}

impl Driver {
    /// Goes back to a snapshot. A domain that runs is destroyed first. What had to be put right
    /// before, as an earlier one was cut short, is a warning, which is returned.
    ///
    /// # Errors
    /// No such domain or snapshot; a part of the snapshot is not there any more, which is
    /// found before anything is changed as far as it can be.
    pub async fn snapshot_revert(
        &self,
        key: &DomainKey,
        name: &str,
        flags: SnapshotRevert,
        monitor: &Monitor,
    ) -> Result<Vec<String>> {
        let call = Call::domain(Operation::SnapshotRevert, key).watched(monitor);
        let (driver, name) = (self.clone(), name.to_owned());
        let monitor = monitor.clone();
        self.change(call, async move |host, domain| {
            let (folder, snapshots) = driver.inner.kept_snapshots(&domain).await?;
            let snapshot = snapshots.get(&domain, &name)?.clone();
            let back = Back {
                names: snapshots.names(),
                guest: guest(&domain, &snapshot)?,
                driver,
                host,
                domain,
                folder,
                name,
                snapshot,
                flags,
            };
            back.check().await?;
            commit(&monitor, &back.domain, Operation::SnapshotRevert)?;
            // A deadline would leave it half done.
            tokio::spawn(back.go()).await.unwrap_or(Err(Error::Task {
                operation: Operation::SnapshotRevert.verb(),
            }))
        })
        .await
    }
}

/// What the domain is to be defined as.
fn guest(domain: &Domain, snapshot: &Snapshot) -> Result<Guest> {
    let guest = snapshot
        .inactive_domain
        .as_ref()
        .or(snapshot.domain.as_ref());
    let Some(guest) = guest else {
        return Err(invalid(domain, "the snapshot has no domain in it"));
    };
    if guest.name != domain.name {
        let reason = format!("it was called '{}' when the snapshot was taken", guest.name);
        return Err(invalid(domain, &reason));
    }
    let mut guest = guest.clone();
    crate::document::forget_run(&mut guest);
    Ok(guest)
}

fn invalid(domain: &Domain, reason: &str) -> Error {
    Error::Invalid {
        name: domain.name.clone(),
        operation: Operation::SnapshotRevert.verb(),
        reason: reason.to_owned(),
    }
}

/// A domain on its way back.
struct Back {
    driver: Driver,
    host: Arc<dyn Host>,
    domain: Domain,
    folder: SnapshotFolder,
    name: String,
    /// Of all snapshots of the domain.
    names: Vec<String>,
    snapshot: Snapshot,
    guest: Guest,
    flags: SnapshotRevert,
}

impl Back {
    async fn check(&self) -> Result<()> {
        if self.domain.persistent == Some(false) {
            return Err(invalid(&self.domain, "it is transient"));
        }
        let memory = self.folder.memory(&self.name);
        if has_memory(&self.snapshot) && tokio::fs::metadata(&memory).await.is_err() {
            return Err(Error::Store {
                path: memory,
                reason: "the memory of the snapshot is not there any more".to_owned(),
            });
        }
        Ok(())
    }

    async fn go(self) -> Result<Vec<String>> {
        let (host, name) = (&*self.host, &self.domain.name);
        if self.domain.is_active() {
            host.destroy(name).await?;
        }
        if let Some(file) = self.driver.inner.managed_save_of(&self.inactive()).await? {
            managed_save::remove(file).await?;
        }
        let mut warnings = Vec::new();
        for disk in &kept_disks(&self.snapshot, false) {
            let disks = host.disk_snapshots()?;
            warnings.extend(disks.mend(disk, &self.names).await?);
            disks.revert(disk, &self.name).await?;
        }
        host.define(&self.guest).await?;
        let (uuid, guest) = (self.domain.uuid, self.guest.clone());
        self.driver.inner.keep_definition(uuid, guest).await?;
        let (folder, current) = (self.folder.clone(), self.name.clone());
        blocking(SNAPSHOT, move || folder.set_current(Some(&current))).await?;
        self.start().await?;
        Ok(warnings)
    }

    /// Starts the domain if it ran, or is to run.
    async fn start(&self) -> Result<()> {
        let (host, name) = (&*self.host, &self.domain.name);
        let was_paused = self.snapshot.state == Some(SnapshotState::Paused);
        let paused = self.flags.paused || (was_paused && !self.flags.running);
        if has_memory(&self.snapshot) {
            let file = self.driver.inner.store.saved_file(name)?;
            let (memory, saved) = (self.folder.memory(&self.name), file.clone());
            blocking(SNAPSHOT, move || {
                saved.begin()?;
                link(&memory, saved.path())
            })
            .await?;
            let inner = &self.driver.inner;
            return inner.go_on(host, &self.inactive(), file, paused).await;
        }
        match self.flags.running || self.flags.paused {
            true => self.driver.boot(&self.inactive(), paused).await,
            false => Ok(()),
        }
    }

    /// The domain as it is when it was destroyed.
    fn inactive(&self) -> Domain {
        Domain {
            id: None,
            ..self.domain.clone()
        }
    }
}
