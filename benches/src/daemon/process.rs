//! What a kernel says of a daemon's process: memory, threads, time on processors.

use crate::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

/// A process that is looked at.
pub(crate) struct Process(PathBuf);

impl Process {
    pub(crate) fn new(number: i32) -> Self {
        Self(PathBuf::from(format!("/proc/{number}")))
    }

    /// This one.
    pub(crate) fn own() -> Self {
        Self(PathBuf::from("/proc/self"))
    }

    /// Resident memory, KiB.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    pub(crate) fn threads(&self) -> Result<u64> {
        self.status("Threads:")
    }

    /// Time that its threads have been on processors, of those that live.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let folder = self.0.join("task");
        let failed = |error: std::io::Error| Error::file(&folder, &error);
        let mut nanoseconds = 0;
        for task in std::fs::read_dir(&folder).map_err(failed)? {
            let path = task.map_err(failed)?.path().join("schedstat");
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let first = text.split(' ').next().and_then(|time| time.parse().ok());
            nanoseconds += first.unwrap_or(0_u64);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn status(&self, key: &str) -> Result<u64> {
        let path = self.0.join("status");
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, &error))?;
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| Error::file(&path, &format!("no {key}")))
    }
}
