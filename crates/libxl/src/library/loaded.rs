//! The library in memory: its symbols, and whether its structures are as large as its
//! release says.

use super::find;
use super::structure;
use crate::{LayoutError, check_size, shape_of};
use libloading::os::unix::Library;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use virtxen_formats::libxl::Release;

/// Why there is no library to call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is none for the Xen that runs.
    #[error("no libxenlight.so for Xen {xen}: looked for {}", tried.join(", "))]
    NotFound {
        /// The release that runs, if that is known.
        xen: String,
        /// What was tried.
        tried: Vec<String>,
    },
    /// The library's name says no release that is supported.
    #[error("{file}: not a libxenlight.so.4.MINOR of Xen 4.5 or later")]
    Name {
        /// The file.
        file: String,
    },
    /// It cannot be loaded.
    #[error("{file}: {reason}")]
    Load {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// It is of another release than it says.
    #[error("{file}")]
    Layout {
        /// The file.
        file: String,
        /// What is different.
        #[source]
        source: LayoutError,
    },
}

/// A library that was loaded. It is never unloaded: it has installed handlers of
/// signals and forks.
pub struct Loaded {
    library: ManuallyDrop<Library>,
    release: Release,
    file: PathBuf,
    sizes: BTreeMap<&'static str, usize>,
}

impl Loaded {
    /// Loads a file, or the library of the Xen that runs.
    ///
    /// # Errors
    /// When there is none, or one that cannot be called.
    pub fn open(file: Option<&Path>) -> Result<Self, LoadError> {
        let (file, release) = match file {
            Some(file) => find::named(file)?,
            None => find::find()?,
        };
        let name = file.display().to_string();
        // SAFETY: loading runs the initialisers of libxenlight and of Xen's libraries
        // that it needs, which set up their own state only.
        let library = unsafe { Library::new(&file) }.map_err(|error| LoadError::Load {
            file: name.clone(),
            reason: error.to_string(),
        })?;
        let mut loaded = Self {
            library: ManuallyDrop::new(library),
            release,
            file,
            sizes: BTreeMap::new(),
        };
        for structure in structure::ALL {
            let Some(size) = structure::measure(&loaded, structure) else {
                continue;
            };
            check_size(structure, release, size).map_err(|source| LoadError::Layout {
                file: name.clone(),
                source,
            })?;
            loaded.sizes.insert(structure, size);
        }
        Ok(loaded)
    }

    /// Its release.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }

    /// Its file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Bytes of a structure, measured; `None` where the library lacks it.
    #[must_use]
    pub fn size_of(&self, structure: &str) -> Option<usize> {
        self.sizes.get(structure).copied()
    }

    /// Functions that the release has and the library lacks.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let known = crate::FUNCTIONS.iter().map(|function| function.name);
        let expected = known.filter(|name| shape_of(name, self.release).is_some());
        expected.filter(|name| !self.has(name)).collect()
    }

    fn has(&self, name: &str) -> bool {
        // SAFETY: the symbol is only looked for, not used.
        unsafe { self.symbol::<*const ()>(name) }.is_some()
    }

    /// The function `libxl_NAME`.
    ///
    /// # Safety
    /// `T` is the type of a pointer to that function, as this release has it.
    pub(super) unsafe fn symbol<T: Copy>(&self, name: &str) -> Option<T> {
        let name = format!("libxl_{name}\0");
        // SAFETY: the caller's: the symbol is what `T` points at. What is copied out
        // stays valid, since the library is never unloaded.
        let found = unsafe { self.library.get::<T>(name.as_bytes()) };
        found.ok().map(|symbol| *symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_refused() {
        for file in [
            "/lib/libxenlight.so.2.0",
            "/lib/libxenlight.so",
            "/lib/libc.so.4.17",
        ] {
            let error = Loaded::open(Some(Path::new(file))).err().unwrap();
            assert!(matches!(error, LoadError::Name { .. }), "{error}");
        }
        let absent = Path::new("/nonexistent/libxenlight.so.4.17");
        let error = Loaded::open(Some(absent)).err().unwrap();
        assert!(
            error.to_string().starts_with("/nonexistent/libxenlight"),
            "{error}"
        );
    }
}
