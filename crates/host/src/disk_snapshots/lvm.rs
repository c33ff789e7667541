//! Snapshots of thin LVM volumes: volumes of the same pool, beside the volume.

use super::{program, refused};
use crate::Result;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A thin volume.
pub(super) struct Volume {
    group: String,
    name: String,
}

/// What is said of block devices that cannot have snapshots.
const ONLY_THIN: &str = "of block devices only thin LVM volumes have snapshots; leave it out with \
    <disk name='…' snapshot='no'/>";

/// Removes the snapshot of a volume that is gone, if it has stayed in the pool.
pub(super) async fn remove_beside(path: &Path, name: &str) -> Result<bool> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".");
    // The device mapper has group-volume in one name, so that their hyphens are doubled.
    match path.starts_with("/dev/mapper") {
        true => beside.push(name.replace('-', "--")),
        false => beside.push(name),
    }
    let beside = PathBuf::from(beside);
    let is_device = |it: &Metadata| it.file_type().is_block_device();
    match tokio::fs::metadata(&beside).await {
        Ok(metadata) if is_device(&metadata) => {
            let volume = Volume::of(&beside, metadata.rdev()).await?;
            volume.remove_volume(&volume.name).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

impl Volume {
    /// The volume that a block device is, by the device's number: there are more paths to
    /// a volume than LVM's programs take.
    pub(super) async fn of(path: &Path, device: u64) -> Result<Self> {
        let select = format!(
            "--select=lv_kernel_major={} && lv_kernel_minor={}",
            rustix::fs::major(device),
            rustix::fs::minor(device)
        );
        let options = "--options=vg_name,lv_name,pool_lv";
        let arguments = ["--noheadings", "--separator=/", options, &select];
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let line = program::run("lvs", path, &arguments).await?;
        let mut words = line.trim().split('/');
        match (words.next(), words.next(), words.next()) {
            (Some(group), Some(name), Some(pool)) if !pool.is_empty() => Ok(Self {
                group: group.to_owned(),
                name: name.to_owned(),
            }),
            (Some(group), Some(name), _) => {
                let why = format!("the LVM volume {group}/{name} is not thin: {ONLY_THIN}");
                Err(refused(path, why))
            }
            _ => Err(refused(path, format!("it is no LVM volume: {ONLY_THIN}"))),
        }
    }

    /// Keeps the volume as it is. The snapshot is active whenever the volume is.
    pub(super) async fn take(&self, name: &str) -> Result<()> {
        self.copy(&self.name, &self.kept(name)?).await
    }

    /// Goes back to a snapshot: a copy of it takes the volume's place and name. LVM's
    /// merge would use the snapshot up, and merges into what a volume was copied from
    /// only, which after the first time is not this one any more.
    pub(super) async fn revert(&self, name: &str) -> Result<()> {
        let kept = self.kept(name)?;
        let (copy, old) = (format!("{kept}.part"), format!("{kept}.old"));
        self.remove_volume(&copy).await?;
        self.copy(&kept, &copy).await?;
        let done = self.replace(&copy, &old).await;
        match done {
            Ok(()) => self.remove_volume(&old).await,
            Err(error) => {
                // What is left of it is in nobody's way.
                let _ = self.remove_volume(&copy).await;
                Err(error)
            }
        }
    }

    /// Gives the volume's name to a copy, and another one to the volume, which nobody may
    /// have open.
    async fn replace(&self, copy: &str, old: &str) -> Result<()> {
        let path = self.path(&self.name);
        self.run("lvchange", &["--activate=n", &path]).await?;
        let renamed = match self.rename(&self.name, old).await {
            Ok(()) => match self.rename(copy, &self.name).await {
                Ok(()) => return Ok(()),
                Err(error) => self.rename(old, &self.name).await.and(Err(error)),
            },
            failed => failed,
        };
        let active = self.run("lvchange", &["--activate=y", &path]).await;
        renamed.and(active)
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.run("lvrename", &[&self.group, from, to]).await
    }

    /// Removes a snapshot.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        self.remove_volume(&self.kept(name)?).await
    }

    /// Removes a volume of the group, if there is one.
    async fn remove_volume(&self, name: &str) -> Result<()> {
        match self.has(name).await? {
            true => self.run("lvremove", &["--yes", &self.path(name)]).await,
            false => Ok(()),
        }
    }

    async fn has(&self, name: &str) -> Result<bool> {
        let select = format!("--select=lv_name=\"{name}\"");
        let arguments = ["--noheadings", "--options=lv_name", &select, &self.group];
        let found = self.said("lvs", &arguments).await?;
        Ok(!found.trim().is_empty())
    }

    async fn copy(&self, from: &str, to: &str) -> Result<()> {
        let from = self.path(from);
        let arguments = ["--snapshot", "--setactivationskip=n", "--name", to, &from];
        self.run("lvcreate", &arguments).await
    }

    async fn run(&self, program: &'static str, arguments: &[&str]) -> Result<()> {
        self.said(program, arguments).await.map(drop)
    }

    async fn said(&self, program: &'static str, arguments: &[&str]) -> Result<String> {
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let subject = self.path(&self.name);
        program::run(program, Path::new(&subject), &arguments).await
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
