//! `cargo xtask gen`: files that are made from code and committed, so that people
//! can read them and a change shows in review.
//!
//! `virtxen` makes its own itself, with a command that its help does not list; those
//! of the daemon are made in `manual`. Here is where they go and whether they are fresh.

use crate::workspace::{cargo, output, run};
use crate::{Error, Result, manual};
use std::path::{Path, PathBuf};

/// Where they go, below the workspace.
const FOLDER: &str = "docs";

/// Writes the generated files of the workspace.
///
/// # Errors
/// When `virtxen` does not build or cannot write.
pub fn write(root: &Path) -> Result<()> {
    generate(root, &root.join(FOLDER))
}

/// Names the generated files that are missing or stale.
///
/// # Errors
/// When there is one, or when `virtxen` does not build.
pub fn check(root: &Path) -> Result<()> {
    let fresh = root.join("target/gen-check");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(Error::file(&fresh))?;
    }
    generate(root, &fresh)?;
    let mut stale = Vec::new();
    for file in crate::workspace::files(&fresh)? {
        let path: PathBuf = file.strip_prefix(&fresh).unwrap_or(&file).to_path_buf();
        let wanted = std::fs::read(&file).map_err(Error::file(&file))?;
        if std::fs::read(root.join(FOLDER).join(&path)).ok() != Some(wanted) {
            stale.push(format!("{FOLDER}/{}", path.display()));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!(
        "stale, run `cargo xtask gen`: {}",
        stale.join(", ")
    )))
}

fn generate(root: &Path, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let mut virtxen = cargo(root);
    virtxen
        .args(["run", "--quiet", "--package", "virtxen-cli", "--bin"])
        .args(["virtxen", "--", "generate"])
        .arg(folder)
        .stdout(std::process::Stdio::null());
    run(&mut virtxen, "")?;
    let mut virtxend = cargo(root);
    virtxend.args([
        "run",
        "--quiet",
        "--package",
        "virtxen-daemon",
        "--",
        "--help",
    ]);
    let help = String::from_utf8_lossy(&output(&mut virtxend, "")?).into_owned();
    let settings = root.join("packaging/virtxend.conf");
    let settings = std::fs::read_to_string(&settings).map_err(Error::file(&settings))?;
    for (name, page) in [
        ("virtxend.8", manual::daemon(&help)),
        ("virtxend.conf.5", manual::settings(&settings)),
    ] {
        let path = folder.join("man").join(name);
        std::fs::write(&path, page).map_err(Error::file(&path))?;
    }
    Ok(())
}
