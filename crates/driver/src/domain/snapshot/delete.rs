//! Removing snapshots: what they kept, and their documents.

use super::{SNAPSHOT, commit, kept_disks};
use crate::call::Call;
use crate::store::{SnapshotFolder, Snapshots, blocking};
use crate::{DomainKey, Driver, Monitor, Operation, Result};
use std::sync::Arc;
use virtxen_host::{DiskFile, Host};

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
    /// before it, unless they go too. A disk that is gone is a warning, which is returned.
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
    ) -> Result<Vec<String>> {
        let call = Call::domain(Operation::SnapshotDelete, key).watched(monitor);
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        let monitor = monitor.clone();
        self.change(call, async move |host, domain| {
            let (folder, mut snapshots) = inner.kept_snapshots(&domain).await?;
            snapshots.get(&domain, &name)?;
            let names = snapshots.names();
            // A program that is ended while it changes an image may damage it.
            commit(&monitor, &domain, Operation::SnapshotDelete)?;
            let mut doomed = match flags.children || flags.children_only {
                true => snapshots.descendants(&name),
                false => Vec::new(),
            };
            if !flags.children_only {
                doomed.insert(0, name);
            }
            let mut warnings = Vec::new();
            // Children first, so that what is left when one fails is a tree.
            for name in doomed.into_iter().rev() {
                if !flags.metadata_only {
                    let snapshot = snapshots.get(&domain, &name)?;
                    let disks = kept_disks(snapshot, domain.is_active());
                    warnings.extend(remove_disks(&*host, &disks, &name, &names).await?);
                }
                let folder = folder.clone();
                let forget = move || {
                    forget(&folder, &mut snapshots, &name, flags.metadata_only)?;
                    Ok(snapshots)
                };
                snapshots = blocking(SNAPSHOT, forget).await?;
            }
            Ok(warnings)
        })
        .await
    }
}

async fn remove_disks(
    host: &dyn Host,
    disks: &[DiskFile],
    name: &str,
    names: &[String],
) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for disk in disks {
        let snapshots = host.disk_snapshots()?;
        let mended = snapshots.mend(disk, names).await?;
        let said = mended
            .into_iter()
            .chain(snapshots.remove(disk, name).await?);
        warnings.extend(said.map(|said| format!("snapshot '{name}': {said}")));
    }
    Ok(warnings)
}

/// Gives the children of a snapshot to its parent, and what was current too; then it is
/// gone.
fn forget(
    folder: &SnapshotFolder,
    snapshots: &mut Snapshots,
    name: &str,
    keeps_memory: bool,
) -> Result<()> {
    let Some(gone) = snapshots.all.remove(name) else {
        return Ok(());
    };
    for (child, snapshot) in &mut snapshots.all {
        if snapshot.parent.as_deref() == Some(name) {
            snapshot.parent.clone_from(&gone.parent);
            folder.keep(child, snapshot)?;
        }
    }
    if snapshots.current.as_deref() == Some(name) {
        folder.set_current(gone.parent.as_deref())?;
        snapshots.current = gone.parent;
    }
    if !keeps_memory {
        folder.forget_memory(name)?;
    }
    folder.forget(name)
}
