//! Snapshots of thin LVM volumes: volumes of the same pool, beside the volume.

use super::{program, refused};
use crate::Result;
use std::ffi::OsStr;
use std::path::Path;

/// A thin volume.
pub(super) struct Volume {
    group: String,
    name: String,
}

impl Volume {
    /// The volume that a block device is.
    pub(super) async fn of(path: &Path) -> Result<Self> {
        let arguments = [
            "--noheadings",
            "--separator=/",
            "--options=vg_name,lv_name,pool_lv",
        ];
        let mut arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        arguments.push(path.as_os_str());
        let line = program::run("lvs", path, &arguments).await?;
        let mut words = line.trim().split('/');
        match (words.next(), words.next(), words.next()) {
            (Some(group), Some(name), Some(pool)) if !pool.is_empty() => Ok(Self {
                group: group.to_owned(),
                name: name.to_owned(),
            }),
            _ => {
                let why = "of block devices only thin LVM volumes have snapshots; leave it out \
                           with <disk name='…' snapshot='no'/>";
                Err(refused(path, why))
            }
        }
    }

    /// Keeps the volume as it is. The snapshot is active whenever the volume is.
    pub(super) async fn take(&self, name: &str) -> Result<()> {
        self.copy(&self.name, &self.kept(name)?).await
    }

    /// Goes back to a snapshot. LVM's merge uses up what it merges: a copy of the
    /// snapshot, so that it stays.
    pub(super) async fn revert(&self, name: &str) -> Result<()> {
        let kept = self.kept(name)?;
        let copy = format!("{kept}.part");
        self.copy(&kept, &copy).await?;
        let merge = ["--merge", "--yes", &self.path(&copy)];
        self.run("lvconvert", &merge).await
    }

    /// Removes a snapshot.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(&self.kept(name)?);
        if self.run("lvs", &[&path]).await.is_err() {
            return Ok(());
        }
        self.run("lvremove", &["--yes", &path]).await
    }

    async fn copy(&self, from: &str, to: &str) -> Result<()> {
        let from = self.path(from);
        let arguments = ["--snapshot", "--setactivationskip=n", "--name", to, &from];
        self.run("lvcreate", &arguments).await
    }

    async fn run(&self, program: &'static str, arguments: &[&str]) -> Result<()> {
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let subject = self.path(&self.name);
        let done = program::run(program, Path::new(&subject), &arguments).await;
        done.map(drop)
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.group)
    }

    /// The volume of a snapshot. LVM takes few characters in names.
    fn kept(&self, name: &str) -> Result<String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "+_.-".contains(c);
        if name.chars().all(fits) && name.len() <= 60 {
            return Ok(format!("{}.{name}", self.name));
        }
        let why = "names of snapshots of LVM volumes have letters, digits and + _ . - only";
        Err(refused(Path::new(&self.path(&self.name)), why))
    }
}
