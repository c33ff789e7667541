//! Snapshots of guests as files of a folder for each guest: `NAME.xml`, libvirt's
//! document, `NAME.mem`, the memory of a guest that ran, and `.current`, the name of the
//! one that the guest was taken or reverted to last.
//!
//! How one is taken and gone back to is in `domain::snapshot`.

use super::failed;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use virtxen_guest::{FormatOptions, ParseOptions, Snapshot, Uuid, format_snapshot, parse_snapshot};
use virtxen_host::{make_folder, put_file, remove_file};

/// Most snapshots of a guest: as many as libvirt's protocol lists.
const SNAPSHOTS_MAX: usize = 16_384;

/// Largest document of a snapshot, in bytes; it has two guests in it.
const DOCUMENT_MAX: u64 = 16 << 20;

/// Longest name; a file's has an ending and what marks one that is being written.
const NAME_MAX: usize = 200;

/// The file with the name of the current one.
const CURRENT: &str = ".current";

/// The folder of a guest's snapshots, which may not be there.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotFolder {
    path: PathBuf,
}

/// What is in a folder.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    /// By name.
    pub(crate) all: BTreeMap<String, Snapshot>,
    /// The current one, if it is there.
    pub(crate) current: Option<String>,
}

impl SnapshotFolder {
    /// Of a guest's name; `None` for one that no folder can have.
    pub(super) fn new(folder: &Path, domain: &str) -> Option<Self> {
        is_file_name(domain).then(|| Self {
            path: folder.join(domain),
        })
    }

    /// All snapshots of the guest with this uuid. What a former guest of its name has
    /// left is not its own.
    ///
    /// # Errors
    /// The disk's; a document that cannot be read.
    pub(crate) fn read(&self, uuid: Uuid) -> Result<Snapshots> {
        let mut snapshots = Snapshots::default();
        let entries = match std::fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(snapshots),
            entries => entries.map_err(|error| failed(&self.path, &error))?,
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".xml")) else {
                continue;
            };
            if !is_file_name(name) || snapshots.all.len() == SNAPSHOTS_MAX {
                continue;
            }
            let snapshot = read(&entry.path(), name)?;
            let guest = snapshot.domain.as_ref();
            if guest.and_then(|guest| guest.uuid) == Some(uuid) {
                snapshots.all.insert(name.to_owned(), snapshot);
            }
        }
        let current = std::fs::read_to_string(self.path.join(CURRENT)).ok();
        snapshots.current = current.filter(|name| snapshots.all.contains_key(name));
        Ok(snapshots)
    }

    /// Keeps a snapshot, in the place of the one of its name.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn keep(&self, name: &str, snapshot: &Snapshot) -> Result<()> {
        let options = FormatOptions {
            secure: true,
            ..FormatOptions::default()
        };
        let path = self.document(name);
        let text = format_snapshot(snapshot, &options);
        put_file(&path, &text).map_err(|error| failed(&path, &error))
    }

    /// Forgets a snapshot; its memory stays.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn forget(&self, name: &str) -> Result<()> {
        remove(&self.document(name))
    }

    /// Says which one is current.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn set_current(&self, name: Option<&str>) -> Result<()> {
        let path = self.path.join(CURRENT);
        match name {
            Some(name) => put_file(&path, name).map_err(|error| failed(&path, &error)),
            None => remove(&path),
        }
    }

    /// The file with the memory of a guest that ran.
    pub(crate) fn memory(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.mem"))
    }

    /// Removes the memory, if there is one.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn forget_memory(&self, name: &str) -> Result<()> {
        remove(&self.memory(name))
    }

    /// Makes the folder.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn begin(&self) -> Result<()> {
        make_folder(&self.path).map_err(|error| failed(&self.path, &error))
    }

    fn document(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.xml"))
    }
}

/// Gives a file another name beside its own; files of saved memory are written once and
/// then replaced, never changed.
///
/// # Errors
/// The disk's.
pub(crate) fn link(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    let linked = match std::fs::hard_link(from, to) {
        // Another file system.
        Err(error) if error.kind() == ErrorKind::CrossesDevices => copy(from, to),
        linked => linked,
    };
    linked.map_err(|error| failed(to, &error))
}

/// The copy has its name when it is whole.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut part = to.to_owned().into_os_string();
    part.push(".copy");
    std::fs::copy(from, &part)?;
    File::open(&part)?.sync_all()?;
    std::fs::rename(&part, to)
}

/// Refuses a name that no file can have.
///
/// # Errors
/// [`Error::Argument`].
pub(crate) fn check_name(name: &str) -> Result<()> {
    if is_file_name(name) && !name.contains(char::is_control) {
        return Ok(());
    }
    Err(Error::Argument(format!(
        "a snapshot cannot be called '{}': a name has up to {NAME_MAX} bytes, does not begin \
         with '.', and no '/' is in it",
        name.escape_debug()
    )))
}

fn is_file_name(name: &str) -> bool {
    let fits = !name.is_empty() && name.len() <= NAME_MAX;
    fits && !name.starts_with('.') && !name.contains(['/', '\0'])
}

fn remove(path: &Path) -> Result<()> {
    remove_file(path).map_err(|error| failed(path, &error))
}

fn read(path: &Path, name: &str) -> Result<Snapshot> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    let read = file.take(DOCUMENT_MAX).read_to_string(&mut text);
    read.map_err(|error| failed(path, &error))?;
    let parsed = parse_snapshot(&text, &ParseOptions::default());
    let parsed = parsed.map_err(|problems| Error::Store {
        path: path.to_owned(),
        reason: problems.to_string(),
    })?;
    Ok(Snapshot {
        name: Some(name.to_owned()),
        ..parsed.value
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_guest::Guest;

    fn snapshot(uuid: Uuid) -> Snapshot {
        let mut guest = Guest::new("web");
        guest.uuid = Some(uuid);
        guest.memory = virtxen_guest::MemoryKib(1024);
        Snapshot {
            name: Some("first".to_owned()),
            domain: Some(guest),
            ..Snapshot::default()
        }
    }

    #[test]
    fn snapshots_are_of_a_guest_not_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let folder = SnapshotFolder::new(folder.path(), "web").unwrap();
        let (uuid, other) = (Uuid::random(), Uuid::random());
        assert!(folder.read(uuid).unwrap().all.is_empty());
        folder.keep("first", &snapshot(uuid)).unwrap();
        folder.set_current(Some("first")).unwrap();
        let read = folder.read(uuid).unwrap();
        assert_eq!(read.all["first"], snapshot(uuid));
        assert_eq!(read.current.as_deref(), Some("first"));
        assert!(folder.read(other).unwrap().all.is_empty());
        folder.forget("first").unwrap();
        assert_eq!(folder.read(uuid).unwrap().current, None);
    }

    #[test]
    fn names_are_names_of_files() {
        assert!(check_name("before update (2)").is_ok());
        let long = "x".repeat(NAME_MAX + 1);
        for name in ["", ".hidden", "a/b", "a\nb", &long] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(SnapshotFolder::new(Path::new("/"), "../web").is_none());
    }

    #[test]
    fn a_document_that_is_not_whole_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = SnapshotFolder::new(folder.path(), "web").unwrap();
        let uuid = Uuid::random();
        snapshots.keep("first", &snapshot(uuid)).unwrap();
        std::fs::write(snapshots.document("first"), "<domainsnapshot>").unwrap();
        let error = snapshots.read(uuid).unwrap_err().to_string();
        assert!(error.contains("first.xml"), "{error}");
    }
}
