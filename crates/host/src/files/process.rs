//! Processes of Domain-0: whether one runs. Which one is whose is not known here.

use super::NodeFiles;
use crate::Result;

impl NodeFiles {
    /// Whether a process runs; one that has ended and is still in the table does not.
    pub(crate) async fn has_process(&self, operation: &'static str, pid: u32) -> Result<bool> {
        self.with(operation, move |files| {
            // One that ends meanwhile cannot be read either.
            let text = files.text(&format!("/proc/{pid}/stat")).unwrap_or_default();
            // Its name, in parentheses, may have any character.
            let state = text
                .rsplit_once(") ")
                .and_then(|(_, rest)| rest.chars().next());
            Ok(state.is_some_and(|state| !matches!(state, 'Z' | 'X')))
        })
        .await
    }
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
    }
}
