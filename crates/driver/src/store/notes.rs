//! Notes of guests as files of a folder, `UUID.xml` each: the guest as it was asked
//! for, and behind it what the host made of it.
//!
//! A file is whole or not there; one that is no note is left alone and reported. What
//! a note is good for is in `merge`.

use super::{failed, merge};
use crate::Result;
use crate::job::lock;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use virtxen_guest::{FormatOptions, Guest, ParseOptions, Uuid, format_guest, parse_guest};
use virtxen_host::{put_file, remove_file};

/// Largest file that is read, in bytes.
const FILE_MAX: u64 = 4 << 20;

/// Most notes that are read.
const NOTES_MAX: usize = 20_000;

/// Most notices that are kept.
const NOTICES_MAX: usize = 100;

/// How long a guest is missed before its note goes: a toolstack that was just started
/// may not know all its guests yet.
const MISSED: Duration = Duration::from_secs(60);

const HEADING: &str = "<!--\n\
    Kept by virtxen beside what the host keeps of this guest. Written anew at each\n\
    change: use virsh edit or virtxen edit.\n\
    -->\n";

/// Between the two documents. None of them has a comment of its own.
const BETWEEN: &str = "\n<!-- What the host made of it: -->\n";

/// What is kept of a guest.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) uuid: Uuid,
    /// As it was asked for.
    pub(super) ours: Guest,
    /// As the host told it right afterwards.
    pub(super) theirs: Guest,
    written: Instant,
}

/// A folder of notes.
pub(super) struct Notes {
    folder: PathBuf,
    known: Mutex<Known>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// When the folder was changed, as it was read.
    stamp: Option<SystemTime>,
    looked: bool,
    notes: HashMap<Uuid, Arc<Note>>,
    notices: Vec<String>,
    /// Guests that are not there, since when.
    missed: HashMap<Uuid, Instant>,
}

impl Notes {
    /// A folder, of which nothing is read yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            known: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// The note of a guest.
    pub(super) async fn of(self: &Arc<Self>, uuid: Uuid) -> Option<Arc<Note>> {
        self.look().await;
        lock(&self.known).notes.get(&uuid).cloned()
    }

    /// Files that are no notes.
    pub(super) async fn notices(self: &Arc<Self>) -> Vec<String> {
        self.look().await;
        lock(&self.known).notices.clone()
    }

    /// Keeps a note, unless the host keeps all that it says.
    pub(super) async fn keep(
        self: &Arc<Self>,
        uuid: Uuid,
        ours: Guest,
        theirs: Guest,
    ) -> Result<()> {
        let theirs = merge::normal(&theirs);
        if merge::normal(&ours) == theirs {
            return self.forget(uuid).await;
        }
        let note = Note {
            uuid,
            ours,
            theirs,
            written: Instant::now(),
        };
        let text = note.text();
        let path = self.path(uuid);
        self.change(path, move |path| put_file(path, &text)).await?;
        let mut known = lock(&self.known);
        known.missed.remove(&uuid);
        known.notes.insert(uuid, Arc::new(note));
        Ok(())
    }

    /// Removes a note, if there is one.
    pub(super) async fn forget(self: &Arc<Self>, uuid: Uuid) -> Result<()> {
        if self.of(uuid).await.is_none() {
            return Ok(());
        }
        self.change(self.path(uuid), remove_file).await?;
        lock(&self.known).notes.remove(&uuid);
        Ok(())
    }

    /// Somebody has looked who began at `began`: notes of guests that are missed for
    /// long go.
    pub(super) async fn see(self: &Arc<Self>, began: Instant, is_there: impl Fn(&Note) -> bool) {
        let gone: Vec<Uuid> = {
            let mut known = lock(&self.known);
            let Known { notes, missed, .. } = &mut *known;
            missed.retain(|uuid, _| notes.contains_key(uuid));
            for note in notes.values().filter(|note| note.written < began) {
                match is_there(note) {
                    true => drop(missed.remove(&note.uuid)),
                    false => drop(missed.entry(note.uuid).or_insert(began)),
                }
            }
            let long = |(_, since): &(&Uuid, &Instant)| began.duration_since(**since) >= MISSED;
            missed.iter().filter(long).map(|(uuid, _)| *uuid).collect()
        };
        for uuid in gone {
            // What is left is tried again by the next look.
            let _ = self.forget(uuid).await;
        }
    }

    fn path(&self, uuid: Uuid) -> PathBuf {
        self.folder.join(format!("{uuid}.xml"))
    }

    /// Changes a file. The folder's new time is known then, unless somebody else has
    /// changed it as well.
    async fn change(
        self: &Arc<Self>,
        path: PathBuf,
        work: impl FnOnce(&Path) -> std::io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let _one = self.changing.lock().await;
        self.look().await;
        let folder = self.folder.clone();
        let task = tokio::task::spawn_blocking(move || {
            let done = work(&path);
            (
                modified(&folder),
                done.map_err(|error| failed(&path, &error)),
            )
        });
        let Ok((stamp, done)) = task.await else {
            return Err(crate::Error::Task { operation: "store" });
        };
        lock(&self.known).stamp = stamp;
        done
    }

    /// Reads the folder if it has changed.
    async fn look(self: &Arc<Self>) {
        let stamp = modified(&self.folder);
        {
            let known = lock(&self.known);
            if known.looked && known.stamp == stamp {
                return;
            }
        }
        let notes = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || read_folder(&notes.folder)).await;
        let mut known = lock(&self.known);
        if let Ok((notes, notices)) = read {
            known.notes = notes;
            known.notices = notices;
        }
        known.looked = true;
        known.stamp = stamp;
    }
}

fn modified(folder: &Path) -> Option<SystemTime> {
    std::fs::metadata(folder).ok()?.modified().ok()
}

fn read_folder(folder: &Path) -> (HashMap<Uuid, Arc<Note>>, Vec<String>) {
    let (mut notes, mut notices) = (HashMap::new(), Vec::new());
    let Ok(entries) = std::fs::read_dir(folder) else {
        return (notes, notices);
    };
    for entry in entries.flatten().take(NOTES_MAX) {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Our own temporary files.
        if name.starts_with('.') {
            continue;
        }
        let uuid = name.strip_suffix(".xml").and_then(|uuid| uuid.parse().ok());
        let read = match uuid {
            Some(uuid) => Note::read(&path, uuid),
            None => Err("not a note of virtxen's, UUID.xml".to_owned()),
        };
        match read {
            Ok(note) => drop(notes.insert(note.uuid, Arc::new(note))),
            Err(why) if notices.len() < NOTICES_MAX => {
                notices.push(format!("skipped {}: {why}", path.display()));
            }
            Err(_) => {}
        }
    }
    (notes, notices)
}

impl Note {
    fn text(&self) -> String {
        let options = FormatOptions {
            secure: true,
            ..FormatOptions::default()
        };
        let (ours, theirs) = (
            format_guest(&self.ours, &options),
            format_guest(&self.theirs, &options),
        );
        format!("{HEADING}{ours}{BETWEEN}{theirs}")
    }

    fn read(path: &Path, uuid: Uuid) -> std::result::Result<Self, String> {
        let metadata = std::fs::symlink_metadata(path).map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("not a file".to_owned());
        }
        let mut text = String::new();
        let file = File::open(path).map_err(|error| error.to_string())?;
        let read = file.take(FILE_MAX + 1).read_to_string(&mut text);
        let read = read.map_err(|error| error.to_string())?;
        if read as u64 > FILE_MAX {
            return Err(format!("larger than {} MiB", FILE_MAX >> 20));
        }
        let (ours, theirs) = text.split_once(BETWEEN).ok_or("it is not whole")?;
        let guest = |text: &str| {
            let parsed = parse_guest(text, &ParseOptions::default());
            let parsed = parsed.map_err(|problems| match problems.first_error() {
                Some(first) => format!("line {}: {}", first.line, first.kind),
                None => problems.to_string(),
            })?;
            Ok::<_, String>(parsed.value)
        };
        let (ours, theirs) = (guest(ours)?, merge::normal(&guest(theirs)?));
        if ours.uuid != Some(uuid) {
            return Err("it is of a guest with another uuid".to_owned());
        }
        Ok(Self {
            uuid,
            ours,
            theirs,
            written: Instant::now(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(uuid: Uuid) -> Guest {
        let mut guest = Guest::new("web");
        guest.uuid = Some(uuid);
        guest.memory = virtxen_guest::MemoryKib(1024);
        guest
    }

    fn titled(uuid: Uuid) -> Guest {
        Guest {
            title: Some("Shop <1>".to_owned()),
            ..guest(uuid)
        }
    }

    #[tokio::test]
    async fn a_note_is_found_by_who_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("xen");
        let uuid = Uuid::random();
        let first = Arc::new(Notes::new(path.clone()));
        let second = Arc::new(Notes::new(path.clone()));
        assert!(second.of(uuid).await.is_none());
        first.keep(uuid, titled(uuid), guest(uuid)).await.unwrap();
        let note = second.of(uuid).await.unwrap();
        assert_eq!(note.ours.title.as_deref(), Some("Shop <1>"));
        assert_eq!(note.theirs.title, None);
        // Nothing is left that only we know.
        first.keep(uuid, guest(uuid), guest(uuid)).await.unwrap();
        assert!(first.of(uuid).await.is_none());
        assert!(second.of(uuid).await.is_none());
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_not_whole_is_reported_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let uuid = Uuid::random();
        let notes = Arc::new(Notes::new(path.clone()));
        notes.keep(uuid, titled(uuid), guest(uuid)).await.unwrap();
        let file = path.join(format!("{uuid}.xml"));
        let whole = std::fs::read_to_string(&file).unwrap();
        for length in [0, 10, whole.len() / 2, whole.len() - 20] {
            std::fs::write(&file, &whole[..length]).unwrap();
            let later = Arc::new(Notes::new(path.clone()));
            assert!(later.of(uuid).await.is_none());
            let notices = later.notices().await;
            assert!(notices[0].contains(&file.display().to_string()));
            assert!(file.exists());
        }
    }

    #[tokio::test]
    async fn a_guest_is_missed_for_a_while_before_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let uuid = Uuid::random();
        let notes = Arc::new(Notes::new(folder.path().to_owned()));
        let before = Instant::now();
        notes.keep(uuid, titled(uuid), guest(uuid)).await.unwrap();
        let now = Instant::now();
        for (began, there, kept) in [
            (before, false, true),
            (now, false, true),
            (now + MISSED, true, true),
            (now + MISSED * 2, false, true),
            (now + MISSED * 3, false, false),
        ] {
            notes.see(began, |_| there).await;
            assert_eq!(notes.of(uuid).await.is_some(), kept);
        }
    }
}
