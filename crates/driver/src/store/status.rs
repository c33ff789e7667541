//! Status files of libvirt's driver for libxl, `NAME.xml` for each domain that runs: its
//! daemon reads them when it starts, and knows running guests only by them.
//!
//! The state in a file and the process are not looked at there: the daemon asks Xen. Which
//! domains have a file, and when it is written anew, is in `domain::status`.

use super::{Store, blocking, failed};
use crate::job::lock;
use crate::{Domain, Result, State};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use virtxen_guest::Uuid;
use virtxen_host::{put_file, remove_file};

/// What the files are for.
const STATUS: &str = "status";

/// The root of such a document, within this many bytes.
const ROOT: (&[u8], u64) = (b"<domstatus", 1024);

/// Most files that are looked at.
const FILES_MAX: usize = 20_000;

/// The files of one folder.
pub(super) struct Statuses {
    folder: PathBuf,
    written: Mutex<HashMap<Uuid, Written>>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

/// What this program has written of a domain.
#[derive(Clone, PartialEq)]
struct Written {
    path: PathBuf,
    digest: u64,
}

impl Statuses {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            written: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }
    }
}

impl Store {
    /// Whether somebody else may take over running domains by these files.
    pub(crate) fn has_statuses(&self) -> bool {
        self.statuses().is_some()
    }

    /// Writes that a domain runs and what it is, unless that stands there.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn keep_status(&self, domain: &Domain, document: &str) -> Result<()> {
        let Some(statuses) = self.statuses() else {
            return Ok(());
        };
        let Some(path) = status_file(&statuses.folder, &domain.name) else {
            return Ok(());
        };
        let _one = statuses.changing.lock().await;
        let text = text(domain.state, document);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let digest = hasher.finish();
        let written = Written { path, digest };
        let before = lock(&statuses.written).get(&domain.uuid).cloned();
        let now = written.clone();
        blocking(STATUS, move || {
            if before.as_ref() != Some(&now) || !now.path.exists() {
                put_file(&now.path, &text).map_err(|error| failed(&now.path, &error))?;
            }
            match before.filter(|before| before.path != now.path) {
                Some(Written { path, .. }) => {
                    remove_file(&path).map_err(|error| failed(&path, &error))
                }
                None => Ok(()),
            }
        })
        .await?;
        lock(&statuses.written).insert(domain.uuid, written);
        Ok(())
    }

    /// Removes what this program has written of a domain.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn forget_status(&self, uuid: Uuid) -> Result<()> {
        let Some(statuses) = self.statuses() else {
            return Ok(());
        };
        let _one = statuses.changing.lock().await;
        let path = {
            let written = lock(&statuses.written);
            written.get(&uuid).map(|written| written.path.clone())
        };
        if let Some(path) = path {
            blocking(STATUS, move || {
                remove_file(&path).map_err(|error| failed(&path, &error))
            })
            .await?;
            lock(&statuses.written).remove(&uuid);
        }
        Ok(())
    }

    /// Removes the files of all domains but these, whoever has written them.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn forget_other_statuses(&self, names: &[&str]) -> Result<()> {
        let Some(statuses) = self.statuses() else {
            return Ok(());
        };
        let _one = statuses.changing.lock().await;
        let folder = statuses.folder.clone();
        let stay: HashSet<PathBuf> = names
            .iter()
            .filter_map(|name| status_file(&folder, name))
            .collect();
        lock(&statuses.written).retain(|_, written| stay.contains(&written.path));
        blocking(STATUS, move || {
            for path in status_files(&folder) {
                if !stay.contains(&path) {
                    remove_file(&path).map_err(|error| failed(&path, &error))?;
                }
            }
            Ok(())
        })
        .await
    }

    fn statuses(&self) -> Option<&Statuses> {
        self.kept.as_ref()?.statuses.as_ref()
    }
}

/// A name that no file can have is none that libvirt takes.
fn status_file(folder: &Path, name: &str) -> Option<PathBuf> {
    let fits = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    fits.then(|| folder.join(format!("{name}.xml")))
}

fn text(state: State, document: &str) -> String {
    let state = match state {
        State::Paused => "paused",
        _ => "running",
    };
    format!(
        "<!--\n\
         Written anew at each change, for libvirt's own driver: use virsh edit or virtxen edit.\n\
         -->\n\
         <domstatus state='{state}' reason='unknown' pid='0'>\n{document}</domstatus>\n"
    )
}

/// What of a folder is a status file.
fn status_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let is_document = |path: &PathBuf| path.extension().is_some_and(|it| it == "xml");
    let documents = paths.filter(is_document).take(FILES_MAX);
    documents.filter(|path| is_status(path)).collect()
}

fn is_status(path: &Path) -> bool {
    let (root, within) = ROOT;
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
    let mut head = Vec::new();
    let read = |file: File| file.take(within).read_to_end(&mut head);
    is_file
        && File::open(path).and_then(read).is_ok()
        && head.windows(root.len()).any(|part| part == root)
}
