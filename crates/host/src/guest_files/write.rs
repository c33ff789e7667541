//! Writing files so that each is the old one or the new one, whatever happens: a
//! temporary file beside it reaches the disk, then one rename does.
//!
//! A new file never takes the place of another one, so it has nothing to lose: it gets its
//! name first, and reaches the disk with its name at once.

use super::folder::Stamp;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use virtxen_guest::Uuid;

/// How names of temporary files begin.
const SCRATCH: &str = ".virtxen-";

/// A temporary file of this age is nobody's any more.
const LEFT: Duration = Duration::from_secs(60);

/// Files may have passwords of consoles in them.
const NEW_MODE: u32 = 0o600;

/// Writes a whole file, in the place of the one that is there; makes its folder.
///
/// # Errors
/// The disk's. Then the old file is there as it was.
pub fn put_file(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut scratch = Scratch::new(path, text, NEW_MODE)?;
    scratch.file.sync_all()?;
    std::fs::rename(&scratch.path, path)?;
    scratch.gone = true;
    sync_folder(path)
}

/// Removes a file, for good; that there is none is as well.
///
/// # Errors
/// The disk's.
pub fn remove_file(path: &Path) -> Result<()> {
    match remove(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Makes a file of a name that is free.
pub(super) fn create(path: &Path, text: &str) -> Result<()> {
    let made = match make(path, text) {
        // There are file systems, kernels and users without such files.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => make_beside(path, text),
        made => made,
    };
    // ext4, XFS, Btrfs, F2FS and ZFS write their log in order, so the name that a file got
    // before is on the disk with it. Waiting for the folder would be a second flush of the disk.
    made?.sync_all().inspect_err(|_| {
        // The error is told; the file would be a guest that nobody was promised.
        let _ = std::fs::remove_file(path);
    })
}

/// A new file that has no name until all of it is written.
fn make(path: &Path, text: &str) -> Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(NEW_MODE);
    let mut file = File::from(rustix::fs::open(folder, flags, mode)?);
    file.write_all(text.as_bytes())?;
    rustix::fs::linkat(&file, "", CWD, path, AtFlags::EMPTY_PATH)?;
    Ok(file)
}

/// As [`make`], of a file that has another name before.
fn make_beside(path: &Path, text: &str) -> Result<File> {
    let scratch = Scratch::new(path, text, NEW_MODE)?;
    // A rename would replace what is there, and old kernels cannot be told not to.
    rustix::fs::linkat(CWD, &scratch.path, CWD, path, AtFlags::empty())?;
    scratch.file.try_clone()
}

/// Replaces a file that is still as it was read; keeps its mode and owner.
pub(super) fn replace(path: &Path, text: &str, read: Stamp) -> Result<()> {
    let old = std::fs::symlink_metadata(path)?;
    let mut scratch = Scratch::new(path, text, old.mode() & 0o7777)?;
    let new = scratch.file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        let (uid, gid) = (Some(old.uid()), Some(old.gid()));
        std::os::unix::fs::fchown(&scratch.file, uid, gid)?;
        // A change of the owner takes bits of the mode away.
        scratch.set_mode(old.mode() & 0o7777)?;
    }
    scratch.file.sync_all()?;
    if Stamp::of(&std::fs::symlink_metadata(path)?) != read {
        let reason = "somebody else has changed it meanwhile; try again";
        return Err(Error::other(reason));
    }
    std::fs::rename(&scratch.path, path)?;
    scratch.gone = true;
    sync_folder(path)
}

/// Gives a file another name that is free.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    rustix::fs::linkat(CWD, from, CWD, to, AtFlags::empty())?;
    std::fs::remove_file(from)?;
    sync_folder(to)
}

/// Makes a folder for files that only its owner may read, and those above it.
///
/// # Errors
/// The disk's.
pub fn make_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(path),
    }
}

/// Removes temporary files that were left here when a program of ours was killed.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name();
        let ours = ours.to_str().is_some_and(|name| name.starts_with(SCRATCH));
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| time.elapsed().ok());
        if ours && age.is_some_and(|age| age > LEFT) {
            // Somebody else may have removed it.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path)?;
    sync_folder(path)
}

/// Has the names of the folder that a file is in reach the disk.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A file beside another one, hidden, gone when this is dropped.
struct Scratch {
    path: PathBuf,
    file: File,
    gone: bool,
}

impl Scratch {
    fn new(beside: &Path, text: &str, mode: u32) -> Result<Self> {
        let path = beside.with_file_name(format!("{SCRATCH}{}", Uuid::random()));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file = rustix::fs::open(&path, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?;
        let mut scratch = Self {
            path,
            file: File::from(file),
            gone: false,
        };
        scratch.file.write_all(text.as_bytes())?;
        scratch.set_mode(mode)?;
        Ok(scratch)
    }

    fn set_mode(&mut self, mode: u32) -> Result<()> {
        self.file
            .set_permissions(std::fs::Permissions::from_mode(mode))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.gone {
            // What is left is hidden, so never taken for a guest.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use rustix::io::Errno;
    use std::mem::MaybeUninit;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Whether a file can be made here without a name, and get one.
    fn nameless(folder: &Path) -> rustix::io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE;
        let file = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::linkat(&file, "", CWD, folder.join("probe"), AtFlags::EMPTY_PATH)
    }

    /// The names that files got in a folder meanwhile.
    fn names_during(folder: &Path, work: impl FnOnce()) -> Vec<String> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let wanted = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        inotify::add_watch(&queue, folder, wanted).unwrap();
        work();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&queue, &mut buffer);
        let mut names = Vec::new();
        while let Ok(event) = reader.next() {
            let name = event.file_name().unwrap().to_str().unwrap();
            names.push(name.to_owned());
        }
        names
    }

    #[test]
    fn a_file_is_made_without_another_name_where_that_can_be() {
        let folder = tempfile::tempdir().unwrap();
        match nameless(folder.path()) {
            Ok(()) => {}
            // No such files here; or who runs this may not name them.
            Err(error @ (Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT)) => {
                println!("skipped: files without names: {error}");
                return;
            }
            Err(error) => panic!("{error}"),
        }
        let path = folder.path().join("web");
        let names = names_during(folder.path(), || create(&path, "a").unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a");
        assert!(names.contains(&"web".to_owned()), "{names:?}");
        assert!(!names.iter().any(|it| it.starts_with(SCRATCH)), "{names:?}");
        let names = names_during(folder.path(), || {
            make_beside(&path.with_file_name("db"), "a").unwrap();
        });
        assert!(names.iter().any(|it| it.starts_with(SCRATCH)), "{names:?}");
    }

    #[test]
    fn a_file_is_made_where_all_must_have_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web");
        make_beside(&path, "a").unwrap();
        let error = make_beside(&path, "b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, NEW_MODE);
        assert_eq!(names(folder.path()), ["web"]);
    }

    #[test]
    fn a_file_is_made_once_and_replaced_in_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web");
        create(&path, "a").unwrap();
        let error = create(&path, "b").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, NEW_MODE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let read = Stamp::of(&std::fs::metadata(&path).unwrap());
        replace(&path, "c", read).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        let error = replace(&path, "d", read).unwrap_err();
        assert!(error.to_string().contains("meanwhile"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c");
        assert_eq!(names(folder.path()), ["web"]);
    }
}
