//! Snapshots of disks that exist in memory only: which names each disk has. What is on
//! a disk is not simulated.

use crate::SimHost;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Names that are taken, by disk.
#[derive(Debug, Default)]
pub(crate) struct DiskSnapshots(Mutex<HashSet<(PathBuf, String)>>);

impl SimHost {
    /// Takes a snapshot of a disk.
    ///
    /// # Errors
    /// In words: the disk does not exist, or has one of this name.
    pub fn take_disk_snapshot(&self, disk: &Path, name: &str) -> Result<(), String> {
        if !crate::state::behaviour::exists(&disk.to_string_lossy()) {
            return Err("No such file or directory (os error 2)".to_owned());
        }
        match self.with_snapshots(|all| all.insert(key(disk, name))) {
            true => Ok(()),
            false => Err(format!("there is a snapshot '{name}' already")),
        }
    }

    /// Goes back to a snapshot of a disk.
    ///
    /// # Errors
    /// In words: there is none.
    pub fn revert_disk_snapshot(&self, disk: &Path, name: &str) -> Result<(), String> {
        match self.with_snapshots(|all| all.contains(&key(disk, name))) {
            true => Ok(()),
            false => Err(format!("there is no snapshot '{name}'")),
        }
    }

    /// Forgets a snapshot of a disk.
    pub fn remove_disk_snapshot(&self, disk: &Path, name: &str) {
        self.with_snapshots(|all| all.remove(&key(disk, name)));
    }

    fn with_snapshots<T>(&self, work: impl FnOnce(&mut HashSet<(PathBuf, String)>) -> T) -> T {
        let DiskSnapshots(all) = self.disk_snapshots();
        work(&mut all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn key(disk: &Path, name: &str) -> (PathBuf, String) {
    (disk.to_owned(), name.to_owned())
}
