//! A folder of recorded requests and replies, read from the shelf.

use std::fs;
use std::path::Path;

/// One folder.
pub(crate) struct Recording {
    /// Its name: the release, perhaps with `-extras`.
    pub(crate) folder: String,
    /// In the order of the recording.
    pub(crate) exchanges: Vec<Exchange>,
}

/// A request and what XenD answered.
#[derive(Clone)]
pub(crate) struct Exchange {
    /// `057-pv1-paused`.
    pub(crate) name: String,
    /// Bytes sent.
    pub(crate) request: Vec<u8>,
    /// Bytes received; empty when XenD said nothing.
    pub(crate) reply: Vec<u8>,
    /// The recorder asked at once, not after things had settled.
    pub(crate) at_once: bool,
}

impl Recording {
    /// The folders on the shelf that hold requests, sorted.
    pub(crate) fn folders(shelf: &Path) -> Vec<String> {
        let mut folders: Vec<String> = fs::read_dir(shelf)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("index.md").exists())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        folders.sort();
        folders
    }

    /// Reads a folder.
    pub(crate) fn read(shelf: &Path, folder: &str) -> Self {
        let path = shelf.join(folder);
        let index = fs::read(path.join("index.md")).unwrap();
        let index = String::from_utf8_lossy(&index);
        let mut names: Vec<String> = fs::read_dir(&path)
            .unwrap()
            .filter_map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.strip_suffix(".req").map(str::to_owned)
            })
            .collect();
        names.sort();
        let exchanges = names
            .into_iter()
            .map(|name| {
                let row = format!("| {name} ");
                let line = index
                    .find(&row)
                    .and_then(|at| index.get(at..)?.lines().next())
                    .unwrap_or_default();
                let note = line.split(" | ").next().unwrap_or_default();
                Exchange {
                    request: fs::read(path.join(format!("{name}.req"))).unwrap(),
                    reply: fs::read(path.join(format!("{name}.resp"))).unwrap_or_default(),
                    at_once: note.contains("at once"),
                    name,
                }
            })
            .collect();
        Self {
            folder: folder.to_owned(),
            exchanges,
        }
    }
}
