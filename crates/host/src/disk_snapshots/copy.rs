//! Snapshots of plain files as copies beside them. Where the file system can, `cp`
//! shares the blocks, so that a copy costs nothing until one of both is written.

use super::{blocking, program, refused};
use crate::Result;
use std::path::{Path, PathBuf};

/// Keeps a file as it is.
pub(super) async fn take(path: &Path, name: &str) -> Result<()> {
    let kept = beside(path, name, "snapshot");
    if tokio::fs::symlink_metadata(&kept).await.is_ok() {
        let why = format!("there is a snapshot '{name}' already: {}", kept.display());
        return Err(refused(path, why));
    }
    copy(path, &kept, beside(path, name, "part")).await
}

/// Takes the copy's content back.
pub(super) async fn revert(path: &Path, name: &str) -> Result<()> {
    let kept = beside(path, name, "snapshot");
    copy(&kept, path, beside(path, name, "part")).await
}

/// Removes the copy.
pub(super) async fn remove(path: &Path, name: &str) -> Result<()> {
    blocking(&beside(path, name, "snapshot"), crate::remove_file).await
}

/// Copies a file by way of another name, so that it is whole or not there.
async fn copy(from: &Path, to: &Path, part: PathBuf) -> Result<()> {
    let options = ["--reflink=auto", "--sparse=auto", "--preserve=all", "--"];
    let mut arguments: Vec<&std::ffi::OsStr> = options.iter().map(AsRef::as_ref).collect();
    arguments.extend([from.as_os_str(), part.as_os_str()]);
    let done = match program::run("cp", from, &arguments).await {
        Ok(_) => blocking(&part, {
            let to = to.to_owned();
            move |part| {
                std::fs::File::open(part)?.sync_all()?;
                std::fs::rename(part, &to)?;
                std::fs::File::open(to.parent().unwrap_or(Path::new("/")))?.sync_all()
            }
        })
        .await
        .map(drop),
        Err(error) => Err(error),
    };
    if done.is_err() {
        // What is left of it is in nobody's way.
        let _ = tokio::fs::remove_file(&part).await;
    }
    done
}

fn beside(path: &Path, name: &str, kind: &str) -> PathBuf {
    let mut beside = path.to_owned().into_os_string();
    beside.push(format!(".{name}.{kind}"));
    beside.into()
}
