//! Processes of Domain-0: whether one runs. Which one is whose is not known here.

use super::{NodeFiles, unreadable};
use crate::Result;
use rustix::io::Errno;
use std::io::ErrorKind;

impl NodeFiles {
    /// Whether a process runs; one that has ended and is still in the table does not.
    pub(crate) async fn has_process(&self, operation: &'static str, pid: u32) -> Result<bool> {
        self.with(operation, move |files| {
            let path = format!("/proc/{pid}/stat");
            let text = match files.text(&path) {
                Ok(text) => text,
                Err(error) if is_gone(&error) => return Ok(false),
                Err(error) => return Err(unreadable(&path, error)),
            };
            // Its name, in parentheses, may have any character.
            let state = text
                .rsplit_once(") ")
                .and_then(|(_, rest)| rest.chars().next());
            Ok(state.is_some_and(|state| !matches!(state, 'Z' | 'X')))
        })
        .await
    }
}

/// As the kernel says of one that is not there, or that ends while it is read.
fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || Errno::from_io_error(error) == Some(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

    use super::*;

    #[tokio::test]
    async fn processes_that_ended_do_not_run() {
        let root = tempfile::tempdir().unwrap();
        let files = NodeFiles::below(root.path());
        for (pid, text) in [(7, "7 (a) Z) S 1 7"), (8, "8 (qemu) Z 1 8"), (9, "")] {
            let folder = root.path().join(format!("proc/{pid}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("stat"), text).unwrap();
        }
        let runs = async |pid| files.has_process("start", pid).await.unwrap();
        assert!(runs(7).await);
        assert!(!runs(8).await);
        assert!(!runs(9).await);
        assert!(!runs(10).await);
        // What cannot be read is no process that has ended.
        std::fs::create_dir_all(root.path().join("proc/11/stat")).unwrap();
        files.has_process("start", 11).await.unwrap_err();
    }
}
