//! Files with saved domains: where a managed save is, and the heads of files read and
//! written anew.
//!
//! A file is XenD's own, from its first byte on: `xm restore` reads it as well. XenD
//! writes it beside its place, and it gets its name when it is whole and on the disk;
//! libvirt's header is read where libvirt wrote a file. What the text of a head means
//! is in `domain::image`.

use super::failed;
use crate::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use virtxen_formats::image::{BEGIN, Head};
use virtxen_host::{make_folder, remove_file};

/// How a file ends that is not whole yet, behind its name.
const PART: &str = ".part";

/// The file of a managed save.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedFile {
    path: PathBuf,
}

impl SavedFile {
    /// Of a domain's name; `None` for one that no file can have.
    pub(super) fn new(folder: &Path, name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() < 240 && !name.contains(['/', '\0']);
        fits.then(|| Self {
            path: folder.join(format!("{name}.save")),
        })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is written.
    pub(crate) fn part(&self) -> PathBuf {
        let mut part = self.path.clone().into_os_string();
        part.push(PART);
        part.into()
    }

    /// Whether it is there. Of a domain that is not `active` a file that was being
    /// written when its writer was killed is whole: XenD lets a domain go when all of
    /// it is written.
    pub(crate) fn is_there(&self, active: bool) -> bool {
        let is_file = |path: &Path| {
            let metadata = std::fs::symlink_metadata(path);
            metadata.is_ok_and(|it| it.is_file() && it.len() > 0)
        };
        if is_file(&self.path) {
            return true;
        }
        if active || !is_file(&self.part()) {
            return false;
        }
        // Who wrote it may be doing the same just now.
        self.finish().is_ok() || is_file(&self.path)
    }

    /// Makes the folder.
    pub(crate) fn begin(&self) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        make_folder(folder).map_err(|error| failed(folder, &error))
    }

    /// Gives what is whole its name.
    pub(crate) fn finish(&self) -> Result<()> {
        let part = self.part();
        let done = File::open(&part).and_then(|file| file.sync_all());
        let done = done.and_then(|()| std::fs::rename(&part, &self.path));
        let done = done.and_then(|()| sync_folder(&self.path));
        done.map_err(|error| failed(&part, &error))
    }

    /// Removes it, and what was not whole.
    pub(crate) fn remove(&self) -> Result<()> {
        remove_file(&self.part()).map_err(|error| failed(&self.part(), &error))?;
        remove_file(&self.path).map_err(|error| failed(&self.path, &error))
    }

    /// Removes what was not whole. What is left of it is in nobody's way.
    pub(crate) fn give_up(&self) {
        let _ = remove_file(&self.part());
    }
}

/// The head of a file.
///
/// # Errors
/// The disk's; it is no saved domain.
pub(crate) fn read_head(path: &Path) -> Result<Head> {
    let (_, head, _) = open(path)?;
    Ok(head)
}

/// Writes a file with another head in the place of one, or at `to`.
///
/// # Errors
/// The disk's. Then the file is as it was.
pub(crate) fn write_head(path: &Path, head: &Head, to: Option<&Path>) -> Result<()> {
    let (mut file, _, length) = open(path)?;
    let bytes = head.to_bytes().map_err(|error| wrong(path, &error))?;
    let mut part = to.unwrap_or(path).to_owned().into_os_string();
    part.push(PART);
    let part = PathBuf::from(part);
    let done = (|| {
        let mut new = private(&part)?;
        new.write_all(&bytes)?;
        file.seek(SeekFrom::Start(length))?;
        // The kernel copies, where the file system can without moving a byte.
        std::io::copy(&mut file, &mut new)?;
        new.sync_all()?;
        std::fs::rename(&part, to.unwrap_or(path))?;
        sync_folder(path)
    })();
    done.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        failed(path, &error)
    })
}

/// A new file that only its owner may read: memory of a guest is in it.
fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

/// The file, its head and the length of that.
fn open(path: &Path) -> Result<(File, Head, u64)> {
    let on_disk = |error: std::io::Error| failed(path, &error);
    let mut file = File::open(path).map_err(on_disk)?;
    if !file.metadata().map_err(on_disk)?.is_file() {
        return Err(wrong(path, &"it is no file"));
    }
    let mut bytes = Vec::with_capacity(BEGIN);
    let mut begin = (&mut file).take(BEGIN as u64);
    begin.read_to_end(&mut bytes).map_err(on_disk)?;
    let length = Head::length(&bytes).map_err(|error| wrong(path, &error))?;
    let rest = length.saturating_sub(bytes.len());
    let mut rest = (&mut file).take(rest as u64);
    rest.read_to_end(&mut bytes).map_err(on_disk)?;
    let head = Head::read(&bytes).map_err(|error| wrong(path, &error))?;
    Ok((file, head, length as u64))
}

fn wrong(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Image {
        path: path.to_owned(),
        reason: why.to_string(),
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::image::Kind;

    fn head(text: &str) -> Head {
        Head {
            kind: Kind::Xend,
            text: text.to_owned(),
        }
    }

    #[test]
    fn another_head_leaves_the_memory_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.save");
        let memory = vec![7; 100_000];
        let bytes = [head("(domain)").to_bytes().unwrap(), memory.clone()].concat();
        std::fs::write(&path, bytes).unwrap();
        let longer = head(&"(domain (name web))".repeat(100));
        write_head(&path, &longer, None).unwrap();
        assert_eq!(read_head(&path).unwrap(), longer);
        let written = std::fs::read(&path).unwrap();
        assert!(written.ends_with(&memory));
        assert_eq!(
            written.len(),
            longer.to_bytes().unwrap().len() + memory.len()
        );
        std::fs::write(&path, "garbage").unwrap();
        assert!(matches!(read_head(&path), Err(Error::Image { .. })));
    }

    #[test]
    fn what_a_killed_writer_left_is_taken_when_its_domain_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let saved = SavedFile::new(folder.path(), "web").unwrap();
        std::fs::write(saved.part(), "LinuxGuestRecord").unwrap();
        assert!(!saved.is_there(true));
        assert!(saved.part().exists());
        assert!(saved.is_there(false));
        assert!(saved.path().exists() && !saved.part().exists());
        saved.remove().unwrap();
        assert!(!saved.is_there(false));
        assert_eq!(SavedFile::new(folder.path(), "../web"), None);
    }
}
