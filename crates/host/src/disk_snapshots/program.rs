//! Running the programs that know a disk's format: `cp`, `qemu-img`, LVM's.

use super::refused;
use crate::Result;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// Most of a program's words that are told.
const WORDS_MAX: usize = 2000;

/// What a program writes. It ends with the caller: when the caller gives up, it is
/// killed.
///
/// # Errors
/// It is not there; it failed: what it said, with the disk that it was about.
pub(super) async fn run(program: &str, disk: &Path, arguments: &[&OsStr]) -> Result<String> {
    let said = run_if_there(program, disk, arguments).await?;
    said.ok_or_else(|| {
        refused(
            disk,
            format!("failed to run {program}: it is not installed"),
        )
    })
}

/// The same; `None` where there is no such program.
pub(super) async fn run_if_there(
    program: &str,
    disk: &Path,
    arguments: &[&OsStr],
) -> Result<Option<String>> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = match command.output().await {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(disk, format!("failed to run {program}: {error}"))),
    };
    if output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return Ok(Some(said.into_owned()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: String = said.trim().chars().take(WORDS_MAX).collect();
    let why = match said.is_empty() {
        true => format!("{program} failed: {}", output.status),
        false => said,
    };
    Err(refused(disk, why))
}
