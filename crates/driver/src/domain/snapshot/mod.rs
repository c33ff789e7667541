//! Snapshots of domains: what there are, and what is common to taking one, going back
//! to it and removing it, which are the files beside this one.
//!
//! A snapshot is what is on the domain's disks, its memory when it ran, and its
//! configuration. Documents and memory are files of `store::snapshots`; disks are the
//! host's.

mod delete;
mod revert;
mod take;

pub use delete::SnapshotDeletion;
pub use revert::SnapshotRevert;
pub use take::SnapshotFlags;

use crate::driver::Inner;
use crate::store::{SnapshotFolder, Snapshots, blocking};
use crate::{Domain, DomainKey, Driver, Error, Monitor, Operation, Result};
use std::path::PathBuf;
use virtxen_guest::{
    Disk, DiskSource, FormatOptions, Guest, Snapshot, SnapshotLocation, SnapshotState,
    format_snapshot,
};
use virtxen_host::{DiskFile, Host};

/// What work on files is for.
const SNAPSHOT: &str = "snapshot";

/// A snapshot in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotEntry {
    /// Its name.
    pub name: String,
    /// The one that was current when it was taken.
    pub parent: Option<String>,
    /// What the domain did when it was taken.
    pub state: SnapshotState,
    /// When it was taken, in seconds since 1970.
    pub created: i64,
    /// The domain was taken or reverted to it last.
    pub current: bool,
    /// The domain's memory is in it.
    pub has_memory: bool,
}

impl Driver {
    /// The snapshots of a domain, parents before their children.
    ///
    /// # Errors
    /// No such domain; the files cannot be read.
    pub async fn snapshots(&self, key: &DomainKey) -> Result<Vec<SnapshotEntry>> {
        let domain = self.readable(Operation::Snapshots, key).await?;
        let (_, snapshots) = self.inner.snapshots_of(&domain).await?;
        Ok(entries(&snapshots))
    }

    /// A snapshot as libvirt's XML, with or without passwords.
    ///
    /// # Errors
    /// No such domain or snapshot; the files cannot be read.
    pub async fn snapshot_xml(&self, key: &DomainKey, name: &str, secure: bool) -> Result<String> {
        let operation = match secure {
            true => Operation::SnapshotXmlSecure,
            false => Operation::SnapshotXml,
        };
        let domain = self.readable(operation, key).await?;
        let (_, snapshots) = self.inner.snapshots_of(&domain).await?;
        let snapshot = snapshots.get(&domain, name)?;
        let options = FormatOptions {
            secure,
            ..FormatOptions::default()
        };
        Ok(format_snapshot(snapshot, &options))
    }
}

impl Inner {
    /// The snapshots of a domain; none where there is no place for them.
    pub(super) async fn snapshots_of(
        &self,
        domain: &Domain,
    ) -> Result<(Option<SnapshotFolder>, Snapshots)> {
        let Ok(folder) = self.store.snapshots(&domain.name) else {
            return Ok((None, Snapshots::default()));
        };
        let uuid = domain.uuid;
        let (folder, snapshots) = blocking(SNAPSHOT, move || {
            let snapshots = folder.read(uuid)?;
            Ok((folder, snapshots))
        })
        .await?;
        Ok((Some(folder), snapshots))
    }

    /// The guest of a domain that runs, with all that is kept of it.
    async fn running_guest(&self, host: &dyn Host, domain: &Domain) -> Result<Guest> {
        let guest = host.guest(&domain.name).await?;
        Ok(self.store.complete(domain, guest, false).await)
    }

    /// As [`Inner::running_guest`], as the domain is defined.
    async fn defined_guest(&self, host: &dyn Host, domain: &Domain) -> Result<Guest> {
        let guest = host.defined(&domain.name).await?;
        let mut guest = self.store.complete(domain, guest, true).await;
        crate::document::forget_run(&mut guest);
        Ok(guest)
    }

    /// As [`Inner::snapshots_of`], where something is to be done with them.
    async fn kept_snapshots(&self, domain: &Domain) -> Result<(SnapshotFolder, Snapshots)> {
        let folder = self.store.snapshots(&domain.name)?;
        let (_, snapshots) = self.snapshots_of(domain).await?;
        Ok((folder, snapshots))
    }

    /// Forgets the snapshots of a domain that is gone.
    pub(super) async fn forget_snapshots(&self, domain: &Domain) -> Result<()> {
        let (Some(folder), snapshots) = self.snapshots_of(domain).await? else {
            return Ok(());
        };
        blocking(SNAPSHOT, move || {
            for name in snapshots.all.keys() {
                folder.forget(name)?;
            }
            folder.set_current(None)
        })
        .await
    }

    /// Refuses what would leave a domain's snapshots behind under a name that it has no
    /// more.
    pub(super) async fn without_snapshots(
        &self,
        domain: &Domain,
        operation: Operation,
        what: &str,
    ) -> Result<()> {
        let (_, snapshots) = self.snapshots_of(domain).await?;
        match snapshots.all.len() {
            0 => Ok(()),
            count => Err(Error::Invalid {
                name: domain.name.clone(),
                operation: operation.verb(),
                reason: format!("it has {count} snapshots: {what}"),
            }),
        }
    }
}

impl Snapshots {
    fn names(&self) -> Vec<String> {
        self.all.keys().cloned().collect()
    }

    fn get(&self, domain: &Domain, name: &str) -> Result<&Snapshot> {
        self.all.get(name).ok_or_else(|| Error::NoSnapshot {
            name: domain.name.clone(),
            what: format!("snapshot with matching name '{name}'"),
        })
    }

    /// Names of those that were taken after one, and of those after them.
    fn descendants(&self, name: &str) -> Vec<String> {
        let mut found = vec![name.to_owned()];
        let mut next = 0;
        while let Some(parent) = found.get(next).cloned() {
            let children = self.all.iter().filter(|(child, snapshot)| {
                snapshot.parent.as_deref() == Some(&*parent) && !found.contains(child)
            });
            let children: Vec<String> = children.map(|(child, _)| child.clone()).collect();
            found.extend(children);
            next += 1;
        }
        found.remove(0);
        found
    }
}

/// The snapshots in a list, parents before their children.
fn entries(snapshots: &Snapshots) -> Vec<SnapshotEntry> {
    let mut entries: Vec<SnapshotEntry> = snapshots
        .all
        .iter()
        .map(|(name, snapshot)| entry(name, snapshot, snapshots))
        .collect();
    entries.sort_by_key(|entry| depth(&entry.name, snapshots));
    entries
}

fn entry(name: &str, snapshot: &Snapshot, snapshots: &Snapshots) -> SnapshotEntry {
    SnapshotEntry {
        name: name.to_owned(),
        parent: snapshot.parent.clone(),
        state: snapshot.state.unwrap_or(SnapshotState::NoState),
        created: snapshot.created.unwrap_or_default(),
        current: snapshots.current.as_deref() == Some(name),
        has_memory: has_memory(snapshot),
    }
}

/// How many there are above one.
fn depth(name: &str, snapshots: &Snapshots) -> usize {
    let parent = |name: &str| snapshots.all.get(name)?.parent.as_deref();
    // A document that somebody wrote may be its own ancestor.
    let most = snapshots.all.len();
    std::iter::successors(parent(name), |name| parent(name))
        .take(most)
        .count()
}

fn has_memory(snapshot: &Snapshot) -> bool {
    let memory = snapshot.memory.as_ref();
    memory.is_some_and(|memory| memory.location != SnapshotLocation::No)
}

/// The disks of a snapshot, as the guest had them.
fn kept_disks(snapshot: &Snapshot, in_use: bool) -> Vec<DiskFile> {
    let Some(guest) = &snapshot.domain else {
        return Vec::new();
    };
    let is_kept = |disk: &&Disk| {
        let mut kept = snapshot.disks.iter();
        kept.any(|it| it.location == Some(SnapshotLocation::Internal) && it.name == disk.target)
    };
    let disks = guest.devices.disks.iter().filter(is_kept);
    disks.filter_map(|disk| file_of(disk, in_use)).collect()
}

/// The file or block device of a disk; `None` where it is neither.
fn file_of(disk: &Disk, in_use: bool) -> Option<DiskFile> {
    let (DiskSource::File { path } | DiskSource::Block { path }) = &disk.source else {
        return None;
    };
    Some(DiskFile {
        path: PathBuf::from(path.as_ref()?),
        format: disk.driver.format.clone(),
        in_use,
    })
}

/// From now on an operation goes on to its end.
///
/// # Errors
/// It was cancelled before.
fn commit(monitor: &Monitor, domain: &Domain, operation: Operation) -> Result<()> {
    match monitor.commit() {
        true => Ok(()),
        false => Err(Error::Cancelled {
            subject: domain.name.clone(),
            operation: operation.verb(),
        }),
    }
}
