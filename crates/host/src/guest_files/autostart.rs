//! Guests that are started with the host: links to their files in a folder, of which
//! Xen's script `xendomains` starts all, or libvirt and virtxend.

use super::store::Store;
use super::{Defined, write};
use crate::Result;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most names of that folder that are looked at.
const NAMES_MAX: usize = 20_000;

impl Store {
    /// Whether a guest is started with the host.
    pub(super) fn autostart(&mut self, name: &str) -> Result<bool> {
        let defined = self.find(name)?;
        let found = self.started(&defined);
        let found =
            found.map_err(|error| self.failed("autostart", self.language.links(), error))?;
        Ok(!found.is_empty())
    }

    /// Sets whether a guest is started with the host.
    pub(super) fn set_autostart(&mut self, name: &str, autostart: bool) -> Result<()> {
        let defined = self.find(name)?;
        let done = match autostart {
            true => self.link(&defined),
            false => self.unlink(&defined),
        };
        done.map_err(|error| self.failed("autostart", self.language.links(), error))
    }

    /// The links that start a guest with the host.
    pub(super) fn autostart_links(&self, defined: &Defined) -> std::io::Result<Vec<PathBuf>> {
        let mut found = self.started(defined)?;
        found.retain(|path| is_link(path));
        Ok(found)
    }

    pub(super) fn remove_links(&self, links: &[PathBuf]) -> std::io::Result<()> {
        links.iter().try_for_each(|link| write::remove(link))
    }

    /// Has links lead to a file that has another name now.
    pub(super) fn move_links(&self, links: &[PathBuf], file: &str) -> std::io::Result<()> {
        self.remove_links(links)?;
        match links.is_empty() {
            true => Ok(()),
            false => self.make_link(file),
        }
    }

    /// What in the folder is this guest's file, under whatever name.
    fn started(&self, defined: &Defined) -> std::io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(self.folder.join(self.language.links())) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries.take(NAMES_MAX) {
            let path = entry?.path();
            // A link that leads nowhere starts nothing.
            if let Ok(metadata) = std::fs::metadata(&path)
                && (metadata.dev(), metadata.ino()) == defined.inode
            {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn link(&self, defined: &Defined) -> std::io::Result<()> {
        if !self.started(defined)?.is_empty() {
            return Ok(());
        }
        let folder = self.folder.join(self.language.links());
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.make_link(&defined.file)
    }

    fn unlink(&self, defined: &Defined) -> std::io::Result<()> {
        let found = self.started(defined)?;
        if let Some(file) = found.iter().find(|path| !is_link(path)) {
            let why = format!("{} is the file itself, not a link to it", file.display());
            return Err(Error::other(why));
        }
        self.remove_links(&found)
    }

    /// Removes a link that was left behind, to a file that is gone: a new file of its
    /// name is not meant by it.
    pub(super) fn forget_link(&self, file: &str) -> std::io::Result<()> {
        let link = self.folder.join(self.language.links()).join(file);
        match is_link(&link) && !link.exists() {
            true => write::remove(&link),
            false => Ok(()),
        }
    }

    fn make_link(&self, file: &str) -> std::io::Result<()> {
        let link = self.folder.join(self.language.links()).join(file);
        self.forget_link(file)?;
        std::os::unix::fs::symlink(Path::new("..").join(file), &link).map_err(|error| {
            let path = link.display();
            Error::new(error.kind(), format!("{path} cannot be made: {error}"))
        })?;
        write::sync_folder(&link)
    }
}

fn is_link(path: &Path) -> bool {
    path.is_symlink()
}
