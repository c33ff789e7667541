//! Where the lab keeps its files: a cache folder outside the repository, with one folder a
//! suite, and what all suites share.
//!
//! What is in the files is said where they are made.

use super::suite::Suite;
use crate::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Names the cache folder; without it that is `virtxen-lab` in the user's cache.
const VARIABLE: &str = "VIRTXEN_LAB";

/// The folders of one lab.
pub(super) struct Place {
    pub(super) suite: Suite,
    /// The folder `lab` of the repository.
    pub(super) sources: PathBuf,
    cache: PathBuf,
    /// Nobody else changes this lab meanwhile.
    _lock: Option<File>,
}

impl Place {
    /// Of the lab of a suite; makes its folder.
    pub(super) fn of(root: &Path, suite: Suite) -> Result<Self> {
        let cache = cache()?;
        let place = Self {
            suite,
            sources: root.join("lab"),
            cache,
            _lock: None,
        };
        let folder = place.folder();
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        Ok(place)
    }

    /// The same, for who makes, starts or ends the machine.
    pub(super) fn locked(root: &Path, suite: Suite) -> Result<Self> {
        let place = Self::of(root, suite)?;
        let path = place.file("lock");
        let file = File::create(&path).map_err(Error::file(&path))?;
        if let Err(error) = file.try_lock() {
            return Err(Error::Failed(match error {
                std::fs::TryLockError::WouldBlock => format!(
                    "another `cargo xtask lab` is at work on {}: wait for it, or name another \
                     folder in {VARIABLE}",
                    place.folder().display()
                ),
                std::fs::TryLockError::Error(error) => {
                    format!("{} cannot be locked: {error}", path.display())
                }
            }));
        }
        Ok(Self {
            _lock: Some(file),
            ..place
        })
    }

    /// What all suites share.
    pub(super) fn shared(&self, name: &str) -> PathBuf {
        self.cache.join(name)
    }

    /// The folder of this suite.
    pub(super) fn folder(&self) -> PathBuf {
        self.cache.join(self.suite.name())
    }

    /// A file or folder of this suite.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The emulator and what makes guests, unpacked.
    pub(super) fn tools(&self) -> PathBuf {
        self.shared("tools")
    }

    /// What belongs to the machine that runs.
    pub(super) fn run(&self) -> PathBuf {
        self.file("run")
    }

    /// The files of a list in `lab/packages`, without comments.
    pub(super) fn names(&self, list: &str) -> Result<Vec<String>> {
        let path = self.sources.join("packages").join(list);
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        Ok(text
            .lines()
            .filter_map(|line| line.split('#').next())
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect())
    }
}

fn cache() -> Result<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let folder = match named {
        Some(folder) => Some(folder),
        None => std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
            .map(|cache| cache.join("virtxen-lab")),
    };
    let folder = folder.ok_or_else(|| {
        Error::Failed(format!("neither {VARIABLE} nor HOME say where the lab is"))
    })?;
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    std::fs::canonicalize(&folder).map_err(Error::file(&folder))
}
