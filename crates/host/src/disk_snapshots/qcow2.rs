//! Snapshots inside a qcow2 image, by QEMU's `qemu-img`.

use super::program;
use crate::Result;
use std::path::Path;

const PROGRAM: &str = "qemu-img";

/// Keeps an image as it is. Names tell snapshots apart here; QEMU would take two of
/// one name.
pub(super) async fn take(path: &Path, name: &str) -> Result<()> {
    if has(path, name).await? {
        let why = format!("there is a snapshot '{name}' in it already");
        return Err(super::refused(path, why));
    }
    change("-c", path, name).await
}

/// Goes back to a snapshot.
pub(super) async fn revert(path: &Path, name: &str) -> Result<()> {
    change("-a", path, name).await
}

/// Removes a snapshot.
pub(super) async fn remove(path: &Path, name: &str) -> Result<()> {
    match has(path, name).await? {
        true => change("-d", path, name).await,
        false => Ok(()),
    }
}

async fn change(what: &str, path: &Path, name: &str) -> Result<()> {
    let arguments = ["snapshot".as_ref(), what.as_ref(), name.as_ref()];
    let arguments = [&arguments[..], &[path.as_os_str()]].concat();
    program::run(PROGRAM, path, &arguments).await.map(drop)
}

async fn has(path: &Path, name: &str) -> Result<bool> {
    let arguments = ["info".as_ref(), "--output=json".as_ref(), path.as_os_str()];
    let text = program::run(PROGRAM, path, &arguments).await?;
    let info: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| super::refused(path, format!("{PROGRAM} said nonsense: {error}")))?;
    let mut snapshots = info["snapshots"].as_array().into_iter().flatten();
    Ok(snapshots.any(|snapshot| snapshot["name"] == name))
}
