//! Snapshots of the files and block devices that guests have as disks: inside a qcow2
//! image, as a thin LVM volume beside the volume, as a copy beside any other file.
//!
//! A disk is not in use while this is done, or the guest is paused; who calls sees to
//! it. Which disks belong to a guest is not known here.

mod copy;
mod lvm;
mod program;
mod qcow2;

use crate::{Error, Result};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A disk of which a snapshot is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskFile {
    /// File or block device, from the root on.
    pub path: PathBuf,
    /// Format that the guest's configuration says; found by looking where it says
    /// nothing.
    pub format: Option<String>,
    /// A guest has it open.
    pub in_use: bool,
}

/// What takes snapshots of disks and goes back to them.
#[async_trait::async_trait]
pub trait DiskSnapshots: Send + Sync {
    /// Keeps what is on a disk now under a name.
    ///
    /// # Errors
    /// There is one of this name; the disk's kind has no snapshots; what the program
    /// that does it says. Then nothing was kept.
    async fn take(&self, disk: &DiskFile, name: &str) -> Result<()>;

    /// Puts on a disk what was kept under a name, which stays kept.
    ///
    /// # Errors
    /// There is none; what the program says.
    async fn revert(&self, disk: &DiskFile, name: &str) -> Result<()>;

    /// Forgets what was kept under a name. Of a disk that is not there any more the
    /// sentence that says so is returned: what was kept inside it went with it.
    ///
    /// # Errors
    /// What the program says. That there is none is none.
    async fn remove(&self, disk: &DiskFile, name: &str) -> Result<Option<String>>;

    /// Puts right what a revert to one of these names, all that the guest has, has left that was
    /// cut short, so that the disk is there, and returns the sentence that says what was done.
    /// Before any of the above; by itself it is for disks that can be left so.
    ///
    /// # Errors
    /// What the program says.
    async fn mend(&self, _disk: &DiskFile, _names: &[String]) -> Result<Option<String>> {
        Ok(None)
    }
}

/// The disks of the machine that this runs on.
pub(crate) struct LocalDisks;

/// How snapshots of a disk are made.
enum Kind {
    Qcow2,
    ThinVolume(lvm::Volume),
    /// The file itself, to which the disk's path may be a link.
    File(PathBuf),
}

#[async_trait::async_trait]
impl DiskSnapshots for LocalDisks {
    async fn take(&self, disk: &DiskFile, name: &str) -> Result<()> {
        match kind(disk).await? {
            Kind::Qcow2 if disk.in_use => Err(Error::Unsupported {
                operation: OPERATION,
                reason: format!(
                    "the guest has {} open, which a snapshot inside it would damage: take \
                     its memory too",
                    disk.path.display()
                ),
            }),
            Kind::Qcow2 => qcow2::take(&disk.path, name).await,
            Kind::ThinVolume(volume) => volume.take(name).await,
            Kind::File(path) => copy::take(&path, name).await,
        }
    }

    async fn revert(&self, disk: &DiskFile, name: &str) -> Result<()> {
        match kind(disk).await? {
            Kind::Qcow2 => qcow2::revert(&disk.path, name).await,
            Kind::ThinVolume(volume) => volume.revert(name).await,
            Kind::File(path) => copy::revert(&path, name).await,
        }
    }

    async fn remove(&self, disk: &DiskFile, name: &str) -> Result<Option<String>> {
        if is_gone(disk).await {
            remove_beside(disk, name).await?;
            let why = "is not there any more, nor are snapshots inside it";
            return Ok(Some(format!("{} {why}", disk.path.display())));
        }
        match kind(disk).await? {
            Kind::Qcow2 => qcow2::remove(&disk.path, name).await,
            Kind::ThinVolume(volume) => volume.remove(name).await,
            Kind::File(path) => copy::remove(&path, name).await,
        }?;
        Ok(None)
    }

    async fn mend(&self, disk: &DiskFile, names: &[String]) -> Result<Option<String>> {
        match lvm::Volume::at(&disk.path) {
            Some(volume) => volume.mend(names).await,
            None => Ok(None),
        }
    }
}

/// How messages call what is done here.
const OPERATION: &str = "snapshot of a disk";

/// How a qcow2 image begins.
const QCOW2: &[u8] = b"QFI\xfb";

/// Nothing has the disk's path, or not even its folder is there.
async fn is_gone(disk: &DiskFile) -> bool {
    let metadata = tokio::fs::metadata(&disk.path).await;
    metadata.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Removes what was kept beside a disk that is gone: a volume, or a copy.
async fn remove_beside(disk: &DiskFile, name: &str) -> Result<()> {
    if lvm::remove_beside(&disk.path, name).await? {
        return Ok(());
    }
    copy::remove(&disk.path, name).await
}

async fn kind(disk: &DiskFile) -> Result<Kind> {
    if !disk.path.is_absolute() {
        return Err(refused(&disk.path, "it is no path from the root on"));
    }
    let metadata = tokio::fs::metadata(&disk.path).await;
    let metadata = metadata.map_err(|error| refused(&disk.path, error))?;
    if metadata.file_type().is_block_device() {
        let volume = lvm::Volume::of(&disk.path, metadata.rdev()).await?;
        return Ok(Kind::ThinVolume(volume));
    }
    if !metadata.is_file() {
        return Err(refused(&disk.path, "it is neither a file nor a device"));
    }
    let is_qcow2 = match disk.format.as_deref() {
        Some(format) => format == "qcow2",
        None => begins_as_qcow2(&disk.path).await?,
    };
    if is_qcow2 {
        return Ok(Kind::Qcow2);
    }
    let path = tokio::fs::canonicalize(&disk.path).await;
    Ok(Kind::File(
        path.map_err(|error| refused(&disk.path, error))?,
    ))
}

async fn begins_as_qcow2(path: &Path) -> Result<bool> {
    blocking(path, |path| {
        let mut begin = Vec::new();
        let file = File::open(path)?;
        file.take(QCOW2.len() as u64).read_to_end(&mut begin)?;
        Ok(begin == QCOW2)
    })
    .await
}

/// Work on a disk, in a thread that may wait for it.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let owned = path.to_owned();
    let task = tokio::task::spawn_blocking(move || work(&owned));
    match task.await {
        Ok(done) => done.map_err(|error| refused(path, error)),
        Err(_) => Err(refused(path, "the work was given up")),
    }
}

fn refused(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::Refused {
        operation: OPERATION,
        reason: format!("{}: {why}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(path: &Path) -> DiskFile {
        DiskFile {
            path: path.to_owned(),
            format: None,
            in_use: false,
        }
    }

    #[tokio::test]
    async fn a_file_goes_back_to_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.img");
        std::fs::write(&path, "before").unwrap();
        let disk = disk(&path);
        LocalDisks.take(&disk, "first").await.unwrap();
        let again = LocalDisks.take(&disk, "first").await.unwrap_err();
        assert!(again.to_string().contains("first"), "{again}");
        for after in ["after", "much later"] {
            std::fs::write(&path, after).unwrap();
            LocalDisks.revert(&disk, "first").await.unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        }
        LocalDisks.remove(&disk, "first").await.unwrap();
        LocalDisks.remove(&disk, "first").await.unwrap();
        assert!(LocalDisks.revert(&disk, "first").await.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_was_kept_of_a_disk_that_is_gone_goes_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.img");
        std::fs::write(&path, "before").unwrap();
        let disk = disk(&path);
        LocalDisks.take(&disk, "first").await.unwrap();
        assert_eq!(LocalDisks.remove(&disk, "none").await.unwrap(), None);
        std::fs::remove_file(&path).unwrap();
        let said = LocalDisks.remove(&disk, "first").await.unwrap();
        assert!(said.unwrap().contains("web.img is not there any more"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::remove_dir(folder.path()).unwrap();
        let said = LocalDisks.remove(&disk, "first").await.unwrap();
        assert!(said.is_some());
    }

    #[tokio::test]
    async fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("data"), folder.path().join("web.img"));
        std::fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink("data", &link).unwrap();
        let disk = disk(&link);
        LocalDisks.take(&disk, "first").await.unwrap();
        std::fs::write(&link, "after").unwrap();
        LocalDisks.revert(&disk, "first").await.unwrap();
        assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("data"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
        LocalDisks.remove(&disk, "first").await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn an_image_keeps_its_snapshots_inside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.qcow2");
        let made = std::process::Command::new("qemu-img")
            .args(["create", "-q", "-f", "qcow2"])
            .arg(&path)
            .arg("1M")
            .status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: qemu-img is not there");
            return;
        }
        let disk = disk(&path);
        LocalDisks.take(&disk, "first").await.unwrap();
        assert!(LocalDisks.take(&disk, "first").await.is_err());
        LocalDisks.revert(&disk, "first").await.unwrap();
        let used = DiskFile {
            in_use: true,
            ..disk.clone()
        };
        let error = LocalDisks.take(&used, "second").await.unwrap_err();
        assert!(error.to_string().contains("open"), "{error}");
        LocalDisks.remove(&disk, "first").await.unwrap();
        LocalDisks.remove(&disk, "first").await.unwrap();
        let error = LocalDisks.revert(&disk, "first").await.unwrap_err();
        assert!(error.to_string().contains("web.qcow2"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_is_no_disk_is_refused() {
        for path in ["relative.img", "/nonexistent/web.img", "/dev/null", "/"] {
            let disk = disk(Path::new(path));
            let error = LocalDisks.take(&disk, "first").await.unwrap_err();
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}
