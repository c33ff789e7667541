//! The files of Domain-0's kernel in `/sys` and `/proc`: counters of the back ends
//! of disks and interfaces, of Domain-0's processors and memory; drivers of PCI devices;
//! places of USB devices; processes.
//!
//! Here is how they are read: bounded, with a deadline, from the machine, a folder
//! or a simulated host. What a text means is in the files beside this one.

mod disk;
mod image;
mod interface;
mod memory;
mod neighbour;
mod pci;
mod process;
mod processor;
mod usb;

pub(crate) use disk::{device_name, device_number};
pub use image::DiskImage;
pub use neighbour::Neighbour;
pub(crate) use pci::{GIVE_BACK, KEEP, RESET};

use crate::{Error, Result};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest file that is read; `/proc/net/dev` has a line an interface.
const FILE_MAX: usize = 8 << 20;

/// Most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 1 << 17;

/// Longest time for all that one operation reads. The kernel answers from memory.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where the kernel's files come from.
pub trait FileSource: Send + Sync {
    /// What is in the file of this absolute path, `most` bytes of it.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::NotFound`] when it is not there.
    fn read(&self, path: &str, most: usize) -> std::io::Result<Vec<u8>>;

    /// Names of the entries of a folder, `most` of them.
    ///
    /// # Errors
    /// As [`FileSource::read`].
    fn list(&self, path: &str, most: usize) -> std::io::Result<Vec<String>>;

    /// How long a file or block device that a guest has as a disk is, and what it
    /// takes of the host's disk, in bytes.
    ///
    /// # Errors
    /// As [`FileSource::read`].
    fn extent(&self, _path: &str) -> std::io::Result<(u64, u64)> {
        Err(ErrorKind::Unsupported.into())
    }

    /// As [`FileSource::read`], from a place in the file on.
    ///
    /// # Errors
    /// As [`FileSource::read`].
    fn read_at(&self, _path: &str, _offset: u64, _most: usize) -> std::io::Result<Vec<u8>> {
        Err(ErrorKind::Unsupported.into())
    }

    /// The last name of what a link leads to.
    ///
    /// # Errors
    /// As [`FileSource::read`].
    fn link(&self, _path: &str) -> std::io::Result<String> {
        Err(ErrorKind::Unsupported.into())
    }

    /// Writes all of a text at once to a file that is there.
    ///
    /// # Errors
    /// As [`FileSource::read`]; what the kernel says to the text.
    fn write(&self, _path: &str, _text: &str) -> std::io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// The files below a folder; of the machine itself those below `/`.
struct Folder(PathBuf);

impl Folder {
    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// A file or a block device: what else there is may wait when it is opened.
    fn disk(&self, path: &str) -> std::io::Result<(File, Metadata)> {
        let path = self.path(path);
        let metadata = std::fs::metadata(&path)?;
        if !metadata.is_file() && !metadata.file_type().is_block_device() {
            let message = "it is neither a file nor a block device";
            return Err(std::io::Error::other(message));
        }
        Ok((File::open(path)?, metadata))
    }
}

impl FileSource for Folder {
    fn read(&self, path: &str, most: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(self.path(path))?;
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, path: &str, most: usize) -> std::io::Result<Vec<String>> {
        let entries = std::fs::read_dir(self.path(path))?.take(most);
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn extent(&self, path: &str) -> std::io::Result<(u64, u64)> {
        let (mut file, metadata) = self.disk(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let allocated = match metadata.is_file() {
            true => metadata.blocks().saturating_mul(512),
            false => length,
        };
        Ok((length, allocated))
    }

    fn read_at(&self, path: &str, offset: u64, most: usize) -> std::io::Result<Vec<u8>> {
        let (mut file, _) = self.disk(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn link(&self, path: &str) -> std::io::Result<String> {
        let target = std::fs::read_link(self.path(path))?;
        let name = target.file_name().unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    fn write(&self, path: &str, text: &str) -> std::io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(path));
        file?.write_all(text.as_bytes())
    }
}

/// What is told of each access: what was read, and how long it took.
type Observer = Arc<dyn Fn(&str, Duration) + Send + Sync>;

/// The files of Domain-0's kernel. Clones read the same ones.
#[derive(Clone)]
pub struct NodeFiles {
    source: Arc<dyn FileSource>,
    place: String,
    observer: Option<Observer>,
    last_interfaces: Arc<interface::LastReading>,
}

impl NodeFiles {
    /// Those of the machine that this runs on.
    #[must_use]
    pub fn local() -> Self {
        Self::new("/sys and /proc", Folder(PathBuf::from("/")))
    }

    /// Those below a folder, which has a `sys` and a `proc`.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        let place = format!("{}/sys and /proc", folder.display());
        Self::new(place, Folder(folder.to_owned()))
    }

    /// Those of any source, which reports call `place`.
    #[must_use]
    pub fn new(place: impl Into<String>, source: impl FileSource + 'static) -> Self {
        Self {
            source: Arc::new(source),
            place: place.into(),
            observer: None,
            last_interfaces: Arc::default(),
        }
    }

    /// Reports each access to `observer`.
    pub(crate) fn observed(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Where they are, for reports.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Reads on a thread that may wait, so that a kernel that does not answer holds
    /// up only who asked.
    async fn with<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.within(DEADLINE, operation, work).await
    }

    /// As [`NodeFiles::with`], for what takes the kernel longer.
    async fn within<T: Send + 'static>(
        &self,
        limit: Duration,
        operation: &'static str,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = self.clone();
        let task = tokio::task::spawn_blocking(move || work(&files));
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(Error::Channel {
                channel: self.place.clone(),
                reason: "the work was given up".to_owned(),
                source: Some(Box::new(error)),
            }),
            Err(_) => Err(Error::Timeout {
                channel: self.place.clone(),
                operation,
                limit,
            }),
        }
    }

    /// The text of a file; bytes that are no text are replaced.
    fn text(&self, path: &str) -> std::io::Result<String> {
        let begin = Instant::now();
        let bytes = self.source.read(path, FILE_MAX);
        self.observe("read", path, begin, bytes.as_ref().err());
        Ok(String::from_utf8_lossy(&bytes?).into_owned())
    }

    /// As [`NodeFiles::text`] of a file that has to be there.
    fn needed(&self, path: &str) -> Result<String> {
        self.text(path).map_err(|error| unreadable(path, error))
    }

    fn names(&self, path: &str) -> std::io::Result<Vec<String>> {
        let begin = Instant::now();
        let names = self.source.list(path, ENTRIES_MAX);
        self.observe("list", path, begin, names.as_ref().err());
        names
    }

    /// The last name of what a link leads to; `None` where there is none.
    fn link(&self, path: &str) -> std::io::Result<Option<String>> {
        let begin = Instant::now();
        let target = self.source.link(path);
        self.observe("link", path, begin, target.as_ref().err());
        found(target)
    }

    /// Writes a text to a file; `None` when the file is not there.
    fn put(&self, path: &str, text: &str) -> std::io::Result<Option<()>> {
        let begin = Instant::now();
        let written = self.source.write(path, text);
        let what = format!("write '{}' to", text.trim());
        self.observe(&what, path, begin, written.as_ref().err());
        found(written)
    }

    fn observe(&self, what: &str, path: &str, begin: Instant, error: Option<&std::io::Error>) {
        let Some(observer) = &self.observer else {
            return;
        };
        let took = begin.elapsed();
        match error {
            None => observer(&format!("{what} {path}"), took),
            Some(error) => observer(&format!("{what} {path}: {error}"), took),
        }
    }
}

/// What is not there is no error.
fn found<T>(outcome: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match outcome {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unreadable(path: &str, error: std::io::Error) -> Error {
    let reason = match error.kind() {
        ErrorKind::NotFound => "it is not there: is this Domain-0 of a Xen host?".to_owned(),
        _ => error.to_string(),
    };
    Error::Channel {
        channel: path.to_owned(),
        reason,
        source: Some(Box::new(error)),
    }
}
