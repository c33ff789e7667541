//! Removing snapshots: what they kept, and their documents.

use super::{blocking, kept_disks};
use crate::call::Call;
use crate::store::{SnapshotFolder, Snapshots};
use crate::{Domain, DomainKey, Driver, Monitor, Operation, Result};
use std::sync::Arc;
use virtxen_guest::Snapshot;
use virtxen_host::Host;

/// What is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotDeletion {
    /// Those that were taken after it, too.
    pub children: bool,
    /// Only those that were taken after it.
    pub children_only: bool,
    /// Only what virtxen knows of it: what is on disks stays there.
    pub metadata_only: bool,
}

impl Driver {
    /// Removes a snapshot. Those that were taken after it become children of the one
    /// before it, unless they go too.
    ///
    /// # Errors
    /// No such domain or snapshot; a disk cannot let it go. What was removed until then
    /// is.
    pub async fn snapshot_delete(
        &self,
        key: &DomainKey,
        name: &str,
        flags: SnapshotDeletion,
        monitor: &Monitor,
    ) -> Result<()> {
        let call = Call::domain(Operation::SnapshotDelete, key).watched(monitor);
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        self.change(call, async move |host, domain| {
            let (folder, snapshots) = inner.kept_snapshots(&domain).await?;
            let parent = snapshots.get(&domain, &name)?.parent.clone();
            let mut doomed = match flags.children || flags.children_only {
                true => snapshots.descendants(&name),
                false => Vec::new(),
            };
            if !flags.children_only {
                doomed.insert(0, name.clone());
            }
            // Children first, so that what is left when one fails is a tree.
            for each in doomed.iter().rev() {
                let snapshot = snapshots.get(&domain, each)?;
                if !flags.metadata_only {
                    remove_disks(&*host, &domain, each, snapshot).await?;
                }
                let (folder, each) = (folder.clone(), each.clone());
                blocking(move || {
                    if !flags.metadata_only {
                        folder.forget_memory(&each)?;
                    }
                    folder.forget(&each)
                })
                .await?;
            }
            let heir = match flags.children_only {
                true => Some(name),
                false => parent,
            };
            blocking(move || adopt(&folder, &snapshots, &doomed, heir.as_deref())).await
        })
        .await
    }
}

async fn remove_disks(
    host: &dyn Host,
    domain: &Domain,
    name: &str,
    snapshot: &Snapshot,
) -> Result<()> {
    for disk in &kept_disks(snapshot, domain.is_active()) {
        host.disk_snapshots()?.remove(disk, name).await?;
    }
    Ok(())
}

/// Gives the children of what is gone to its parent, and what was current too.
fn adopt(
    folder: &SnapshotFolder,
    snapshots: &Snapshots,
    gone: &[String],
    heir: Option<&str>,
) -> Result<()> {
    let is_gone = |name: &str| gone.iter().any(|gone| gone == name);
    for (name, snapshot) in &snapshots.all {
        if is_gone(name) || !snapshot.parent.as_deref().is_some_and(is_gone) {
            continue;
        }
        let adopted = Snapshot {
            parent: heir.map(str::to_owned),
            ..snapshot.clone()
        };
        folder.keep(name, &adopted)?;
    }
    match snapshots.current.as_deref().is_some_and(is_gone) {
        true => folder.set_current(heir),
        false => Ok(()),
    }
}
