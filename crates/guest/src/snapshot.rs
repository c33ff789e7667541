//! A snapshot of a guest: libvirt's `<domainsnapshot>` as a model.
//!
//! How one is taken and where what belongs to it lies is not known here.

use crate::Guest;
use crate::words::words;

/// What is known of a snapshot, or wanted of one that is to be taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Its name, unique among those of a guest; who takes one may leave it out.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// What the guest did when it was taken.
    pub state: Option<SnapshotState>,
    /// Name of the one that was current when it was taken.
    pub parent: Option<String>,
    /// When it was taken, in seconds since 1970.
    pub created: Option<i64>,
    /// What was done with the guest's memory.
    pub memory: Option<SnapshotMemory>,
    /// What was done with its disks.
    pub disks: Vec<SnapshotDisk>,
    /// The guest as it was: as it ran, or as it was defined when it did not.
    pub domain: Option<Guest>,
    /// Of a guest that ran, as it was defined.
    pub inactive_domain: Option<Guest>,
}

words! {
    /// What a guest did when its snapshot was taken.
    SnapshotState {
        NoState = "nostate",
        Running = "running",
        Blocked = "blocked",
        Paused = "paused",
        Shutdown = "shutdown",
        Shutoff = "shutoff",
        Crashed = "crashed",
        PmSuspended = "pmsuspended",
        DiskSnapshot = "disk-snapshot",
    }
}

words! {
    /// Where a part of a snapshot is kept.
    SnapshotLocation {
        No = "no",
        Internal = "internal",
        External = "external",
        Manual = "manual",
    }
}

/// The memory of a guest in its snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotMemory {
    /// Where it is kept.
    pub location: SnapshotLocation,
    /// The file, of an external one.
    pub file: Option<String>,
}

/// A disk in a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotDisk {
    /// The guest's name of the disk, or its source.
    pub name: String,
    /// Where it is kept.
    pub location: Option<SnapshotLocation>,
    /// Format of an external one.
    pub driver: Option<String>,
    /// File or block device of an external one.
    pub source: Option<String>,
}
