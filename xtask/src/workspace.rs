//! Where the repository is, which files it has, and how programs are run in it.
//!
//! Nothing here judges a file; that is `tidy`'s work.

use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Folders that hold no sources of ours.
const NOT_OURS: &[&str] = &[
    ".git",
    "target",
    "fuzz/target",
    "fuzz/corpus",
    "fuzz/artifacts",
];

/// The folder of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// All files of the workspace, sorted, without what is built or found by fuzzing.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let entry = entry.map_err(Error::file(&folder))?;
            let kind = entry.file_type().map_err(Error::file(entry.path()))?;
            let path = entry.path();
            let ours = !NOT_OURS.iter().any(|name| path == root.join(name));
            if kind.is_dir() && ours {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The cargo that started us, so that the toolchain stays the same.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs a program with our own input and output until it ends.
pub(crate) fn run(command: &mut Command, advice: &'static str) -> Result<()> {
    let status = command.status().map_err(start(command, advice))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Ended {
        command: words(command),
        status,
    })
}

/// Runs a program and returns what it printed; its complaints are shown.
pub(crate) fn output(command: &mut Command, advice: &'static str) -> Result<Vec<u8>> {
    command.stderr(Stdio::inherit());
    let output = command.output().map_err(start(command, advice))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::Ended {
        command: words(command),
        status: output.status,
    })
}

/// Runs a program without input and returns what it printed, as text.
///
/// # Errors
/// With the program's complaint, when it fails.
pub(crate) fn text_of(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(start(command, ""))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let program = command.get_program().to_string_lossy();
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Error::Failed(format!(
        "{program} ended with {}: {}",
        output.status,
        complaint.trim()
    )))
}

fn start(command: &Command, advice: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    move |source| Error::Start {
        program,
        source,
        advice,
    }
}

fn words(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
