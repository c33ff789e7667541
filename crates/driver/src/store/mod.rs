//! What the driver itself keeps of guests, in libvirt's folders: the parts of their
//! documents that the host cannot keep, and their managed saves.
//!
//! Notes and their files are in `notes`, what they and the host say together in
//! `merge`, saved domains in `image`, snapshots in `snapshots`, domains that are sent to
//! other hosts in `sending`, files for libvirt's own driver in `status`. Whole documents of inactive guests are the host's
//! (`guest_files`).

pub(crate) mod image;
mod merge;
mod notes;
mod sending;
pub(crate) mod snapshots;
mod status;

use crate::{Domain, Error, Result};
pub(crate) use image::SavedFile;
pub(crate) use sending::{Sending, Stage};
pub(crate) use snapshots::{SnapshotFolder, Snapshots};

use notes::{Note, Notes};
use status::Statuses;
use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use virtxen_guest::{DomId, Guest, Uuid};
use virtxen_host::{DomainInfo, Folders, Host, make_folder};

/// What the driver keeps. Nothing where no folder belongs to the host.
pub(crate) struct Store {
    kept: Option<Kept>,
}

struct Kept {
    /// Of what guests are defined as.
    defined: Arc<Notes>,
    /// Of how domains run, until the machine is started again.
    running: Arc<Notes>,
    /// What libvirt has for the time until the machine is started again.
    state: PathBuf,
    /// Of domains that run, where libvirt's own driver looks for them.
    statuses: Option<Statuses>,
    /// Of managed saves.
    saved: PathBuf,
    /// Of memory of guests that have crashed.
    dumps: PathBuf,
    /// Of snapshots.
    snapshots: PathBuf,
    /// The host keeps what guests are defined as with all that stands in it.
    whole: bool,
}

impl Store {
    pub(crate) fn new(folders: Option<&Folders>, host: &dyn Host) -> Self {
        Self {
            kept: folders.map(|folders| Kept {
                defined: Arc::new(Notes::new(folders.beside())),
                running: Arc::new(Notes::new(folders.run(false))),
                state: folders.run(host.keeps_documents()),
                statuses: host
                    .keeps_documents()
                    .then(|| Statuses::new(folders.run(true))),
                saved: folders.saved(host.keeps_documents()),
                dumps: folders.dumps(),
                snapshots: folders.snapshots(host.keeps_documents()),
                whole: host.keeps_documents(),
            }),
        }
    }

    /// Whether it keeps anything.
    pub(crate) fn is_there(&self) -> bool {
        self.kept.is_some()
    }

    /// The file of a domain's managed save, which may not be there.
    ///
    /// # Errors
    /// There is no place for one.
    pub(crate) fn saved_file(&self, name: &str) -> Result<SavedFile> {
        let refused = |reason: &str| Error::Unsupported {
            operation: "managedsave",
            reason: reason.to_owned(),
        };
        let kept = self.kept.as_ref().ok_or_else(|| {
            refused("the host is another machine's, where virtxen has no folder for it")
        })?;
        SavedFile::new(&kept.saved, name)
            .ok_or_else(|| refused("no file can have the domain's name"))
    }

    /// The file for the memory of a guest that has just ended, in libvirt's folder.
    ///
    /// # Errors
    /// There is no place for one; the disk's.
    pub(crate) fn dump_file(&self, name: &str) -> Result<PathBuf> {
        let fits = !name.contains(['/', '\0']) && name.len() < 200;
        let kept = self.kept.as_ref().filter(|_| fits);
        let kept = kept.ok_or_else(|| Error::Unsupported {
            operation: "dump",
            reason: "there is no folder for it".to_owned(),
        })?;
        make_folder(&kept.dumps).map_err(|error| failed(&kept.dumps, &error))?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        Ok(kept.dumps.join(format!("{name}-{seconds}")))
    }

    /// Takes the right to see to guests that have ended, which one program has at a
    /// time; it ends with what is returned. `None` while another has it.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn turn_to_take_down(&self) -> Result<Option<File>> {
        let Some(kept) = &self.kept else {
            return Ok(None);
        };
        let path = kept.state.join("virtxend-ends.lock");
        let open = || {
            make_folder(&kept.state)?;
            let mut options = File::options();
            options.write(true).create(true).truncate(false);
            options.open(&path)
        };
        let file = open().map_err(|error| failed(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(&path, &error)),
        }
    }

    /// The folder of a domain's snapshots, which may not be there.
    ///
    /// # Errors
    /// There is no place for one.
    pub(crate) fn snapshots(&self, name: &str) -> Result<SnapshotFolder> {
        let refused = |reason: &str| Error::Unsupported {
            operation: "snapshot",
            reason: reason.to_owned(),
        };
        let kept = self.kept.as_ref().ok_or_else(|| {
            refused("the host is another machine's, where virtxen has no folder for it")
        })?;
        SnapshotFolder::new(&kept.snapshots, name)
            .ok_or_else(|| refused("no folder can have the domain's name"))
    }

    /// Whether this is asked for the first time since the machine was started; notes
    /// that it was.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn first_since_boot(&self) -> Result<bool> {
        let Some(kept) = &self.kept else {
            return Ok(false);
        };
        // libvirt's name for it: who of the two comes later does nothing.
        let path = kept.state.join("autostarted");
        let made = make_folder(&kept.state).and_then(|()| File::create_new(&path).map(drop));
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed(&path, &error)),
            Ok(()) => Ok(true),
        }
    }

    /// Files in its folders that are no notes, and why: for people.
    pub(crate) async fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if let Some(kept) = &self.kept {
            notices.extend(kept.defined.notices().await);
            notices.extend(kept.running.notices().await);
        }
        notices
    }

    /// A guest as the host tells it, with what only the store knows; `defined`: what it
    /// is at its next start.
    pub(crate) async fn complete(&self, domain: &Domain, guest: Guest, defined: bool) -> Guest {
        let Some(kept) = &self.kept else {
            return guest;
        };
        let note = match kept.running_note(domain).await.filter(|_| !defined) {
            Some(note) => Some(note),
            None => kept.defined.of(domain.uuid).await,
        };
        match note {
            Some(note) => merge::merge(guest, &note.ours, &note.theirs),
            None => guest,
        }
    }

    /// Keeps what a guest is defined as, beside what the host made of it (`theirs`).
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn define(&self, uuid: Uuid, ours: Guest, theirs: Guest) -> Result<()> {
        match &self.kept {
            Some(kept) if !kept.whole => kept.defined.keep(uuid, ours, theirs).await,
            _ => Ok(()),
        }
    }

    /// Keeps what a running domain is, as [`Store::define`].
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn run(&self, domain: &Domain, ours: Guest, theirs: Guest) -> Result<()> {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        let ours = Guest {
            id: domain.id,
            ..ours
        };
        kept.running.keep(domain.uuid, ours, theirs).await
    }

    /// Whether how this domain runs is kept apart from what it is defined as.
    pub(crate) async fn runs_apart(&self, domain: &Domain) -> bool {
        match &self.kept {
            Some(kept) => kept.running_note(domain).await.is_some(),
            None => false,
        }
    }

    /// Forgets what a guest was defined as.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn undefine(&self, uuid: Uuid) -> Result<()> {
        match &self.kept {
            Some(kept) => kept.defined.forget(uuid).await,
            None => Ok(()),
        }
    }

    /// These were all domains of the host when somebody looked at `began`: notes of
    /// others are forgotten, if they are missed for long.
    pub(crate) async fn see_all(&self, began: Instant, domains: &[DomainInfo]) {
        let Some(kept) = &self.kept else {
            return;
        };
        let there: HashSet<Uuid> = domains.iter().map(|domain| domain.uuid).collect();
        let is_there = |note: &Note| there.contains(&note.uuid);
        kept.defined.see(began, is_there).await;
        let runs = domains.iter().map(|domain| (domain.uuid, domain.domid));
        let running: HashSet<(Uuid, Option<DomId>)> = runs.collect();
        let runs = |note: &Note| running.contains(&(note.uuid, note.ours.id));
        kept.running.see(began, runs).await;
    }
}

impl Kept {
    async fn running_note(&self, domain: &Domain) -> Option<Arc<Note>> {
        domain.id?;
        let note = self.running.of(domain.uuid).await;
        note.filter(|note| note.ours.id == domain.id)
    }
}

/// Does work that may wait for the disk, in a thread; `operation` is what it is for.
///
/// # Errors
/// The work's; [`Error::Task`] when it panics.
pub(crate) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let task = tokio::task::spawn_blocking(work);
    task.await.unwrap_or(Err(Error::Task { operation }))
}

/// What the disk said.
fn failed(path: &std::path::Path, error: &std::io::Error) -> Error {
    Error::Store {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
