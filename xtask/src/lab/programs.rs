//! Programs that the lab runs on this machine: their output is kept in a file, and shown
//! when they fail.
//!
//! Which ones have to be installed is in `packages`.

pub(super) use crate::workspace::text_of;
use crate::{Error, Result};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Lines of a log that are shown when a program failed.
const SHOWN: usize = 15;

/// Says what is done now.
pub(super) fn say(what: &str) {
    eprintln!("lab: {what}");
}

/// Runs a program with its output in a file.
///
/// # Errors
/// When it fails; its last lines have been shown then.
pub(super) fn logged(command: &mut Command, log: &Path) -> Result<()> {
    let file = File::create(log).map_err(Error::file(log))?;
    let copy = file.try_clone().map_err(Error::file(log))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdout(copy).stderr(file).status();
    let status = status.map_err(|source| Error::Start {
        program: program.clone(),
        source,
        advice: "",
    })?;
    if status.success() {
        return Ok(());
    }
    for line in last_lines(log, SHOWN) {
        eprintln!("    {line}");
    }
    let log = log.display();
    Err(Error::Failed(format!(
        "{program} ended with {status}; all that it said is in {log}"
    )))
}

/// The last lines of a text file that may be there.
pub(super) fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(count);
    lines
        .iter()
        .skip(from)
        .map(|line| (*line).to_owned())
        .collect()
}

/// Seconds since 1970, for dom0's clock.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
