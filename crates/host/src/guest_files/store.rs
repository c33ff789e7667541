//! What is known of a folder's files: read once, again when they change, and
//! compared with what was, for events.
//!
//! Changing files is in `change`; the kernel's word on changes in `watch`.

use super::folder::{self, NAMES_MAX, Place, Stamp};
use super::seen::Seen;
use super::watch::{Changed, Watch};
use super::{Defined, Guests, Language, Notice, write};
use crate::HostEvent;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// Most text that is read of all files together, in bytes.
const ALL_MAX: u64 = 64 << 20;

/// Most notices that are kept; there can be one for each file.
const NOTICES_MAX: usize = 1000;

/// Is told of each reading of the folder and its time.
pub(super) type Observer = Arc<dyn Fn(&str, Duration) + Send + Sync>;

/// A folder and what is known of it.
pub(super) struct Store {
    pub(super) folder: PathBuf,
    pub(super) language: Language,
    files: BTreeMap<String, File>,
    /// What a link leads to can change without a word.
    has_links: bool,
    guests: Arc<Guests>,
    watch: Option<Watch>,
    seen: Arc<Seen>,
    events: broadcast::Sender<HostEvent>,
    observer: Option<Observer>,
}

/// A file as it was read.
struct File {
    place: Place,
    outcome: Result<Arc<Defined>, Notice>,
}

impl Store {
    /// Reads nothing yet.
    pub(super) fn new(
        folder: PathBuf,
        language: Language,
        watch: Option<Watch>,
        seen: Arc<Seen>,
        (events, observer): (broadcast::Sender<HostEvent>, Option<Observer>),
    ) -> Self {
        Self {
            folder,
            language,
            files: BTreeMap::new(),
            has_links: false,
            guests: Arc::default(),
            watch,
            seen,
            events,
            observer,
        }
    }

    /// The guests as they are now.
    pub(super) fn look(&mut self) -> Arc<Guests> {
        self.look_at(None);
        Arc::clone(&self.guests)
    }

    /// Reads one file again, whatever its time says, and all that have changed.
    pub(super) fn look_again(&mut self, name: &str) {
        self.look_at(Some(name));
    }

    fn look_at(&mut self, own: Option<&str>) {
        self.seen.begin();
        self.follow(own);
        let is_known = self.guests.looked && self.guests.unreadable.is_none() && !self.has_links;
        self.seen.end(&self.guests, is_known && self.is_watched());
    }

    fn follow(&mut self, own: Option<&str>) {
        let changed = match &mut self.watch {
            Some(watch) => watch.changed(&self.folder),
            None => Changed::Any,
        };
        match changed {
            Changed::Names(mut names) => {
                names.extend(own.map(str::to_owned));
                if names.is_empty() && !self.has_links {
                    return;
                }
                if self.take_up(&names).is_none() {
                    // Times of files are coarse: another text may have the old time.
                    self.files.retain(|name, _| !names.contains(name));
                    self.read();
                }
            }
            Changed::Any => {
                if self.is_watched() {
                    self.files.clear();
                } else if let Some(own) = own {
                    self.files.remove(own);
                }
                self.read();
            }
        }
    }

    /// Whether the kernel tells of changes.
    pub(super) fn is_watched(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_set)
    }

    /// Takes up what has become of some files without reading the folder; `None` when
    /// others may be concerned as well.
    fn take_up(&mut self, names: &HashSet<String>) -> Option<()> {
        let begin = Instant::now();
        let now = &self.guests;
        let is_plain = now.looked && now.unreadable.is_none() && !self.has_links;
        if !is_plain || now.doubles > 0 || self.files.len() + names.len() > NAMES_MAX {
            return None;
        }
        let mut read = Vec::new();
        let mut old = BTreeMap::new();
        for name in names {
            if self.language.never_a_guest(name).is_some() {
                return None;
            }
            if let Some(file) = self.files.get(name) {
                let defined = Arc::clone(file.outcome.as_ref().ok()?);
                old.insert(Arc::from(defined.guest.name.as_str()), defined);
            }
            read.push((name, self.one(name)?));
        }
        let files = read.iter().filter_map(|(_, file)| file.as_ref());
        let new: Result<Vec<_>, _> = files.map(|file| file.outcome.clone()).collect();
        let new = new.ok()?;
        if !now.have_room(&new, names) {
            return None;
        }
        self.seen.change(&mut self.guests, |guests| {
            old.values().for_each(|old| guests.remove(old));
            for new in &new {
                guests.add(new);
            }
        });
        let count = read.len();
        for (name, file) in read {
            match file {
                Some(file) => drop(self.files.insert(name.clone(), file)),
                None => drop(self.files.remove(name)),
            }
        }
        self.observe(count, begin);
        let told = new.iter().map(|new| new.guest.name.as_str());
        let told: BTreeSet<&str> = old.keys().map(|name| &**name).chain(told).collect();
        self.tell(&old, told.iter().copied());
        Some(())
    }

    /// A file as it is now; `None` within if it is gone, `None` if it is not simply a file.
    fn one(&self, name: &str) -> Option<Option<File>> {
        match std::fs::symlink_metadata(self.folder.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Some(None),
            Err(_) => return None,
            Ok(_) => {}
        }
        let place = folder::place(&self.folder, name, self.language).ok()?;
        if place.linked {
            return None;
        }
        let (text, stamp) = folder::text(name, &place, self.language).ok()?;
        let outcome = self.defined(name, &text, &place, stamp);
        let place = Place { stamp, ..place };
        Some(Some(File { place, outcome }))
    }

    fn read(&mut self) {
        let begin = Instant::now();
        let mut guests = Guests {
            looked: true,
            ..Guests::default()
        };
        if !self.guests.looked {
            write::sweep(&self.folder);
        }
        match folder::names(&self.folder, self.language) {
            Ok((names, notices)) => {
                guests.add_notices(notices);
                let count = self.read_files(&names);
                self.sort_out(&mut guests);
                self.observe(count, begin);
            }
            Err(error) => {
                self.files.clear();
                let made = self.language.makes_folder() && error.kind() == ErrorKind::NotFound;
                guests.unreadable = (!made).then(|| error.to_string());
            }
        }
        self.has_links = self.files.values().any(|file| file.place.linked);
        let before = std::mem::replace(&mut self.guests, Arc::new(guests));
        if before.looked {
            let now = Arc::clone(&self.guests);
            let names = before.by_name.keys().chain(now.by_name.keys());
            let names: BTreeSet<&str> = names.map(|name| &**name).collect();
            self.tell(&before.by_name, names.iter().copied());
        }
    }

    fn observe(&self, count: usize, begin: Instant) {
        if let Some(observer) = &self.observer {
            let what = format!("read {count} files of {}", self.folder.display());
            observer(&what, begin.elapsed());
        }
    }

    /// Reads the files that are new or have changed; how many.
    fn read_files(&mut self, names: &[String]) -> usize {
        let mut before = std::mem::take(&mut self.files);
        // Those of which the kernel told are no longer among them.
        let is_watched = self.is_watched();
        let is_told = |file: &File| is_watched && !file.place.linked;
        let (mut bytes, mut count) = (0, 0);
        for name in names {
            if before.get(name).is_some_and(is_told)
                && let Some(file) = before.remove(name)
            {
                self.files.insert(name.clone(), file);
                continue;
            }
            let place = match folder::place(&self.folder, name, self.language) {
                Ok(place) => place,
                Err(notice) => {
                    self.keep(name, Place::default(), Err(notice));
                    continue;
                }
            };
            if let Some(file) = before.remove(name).filter(|file| file.place == place) {
                self.files.insert(name.clone(), file);
                continue;
            }
            if bytes > ALL_MAX {
                let reason = format!("the folder has more than {} MiB", ALL_MAX >> 20);
                self.keep(name, place, Err(Notice::unexpected(name, reason)));
                continue;
            }
            count += 1;
            match folder::text(name, &place, self.language) {
                Ok((text, stamp)) => {
                    bytes += text.len() as u64;
                    let outcome = self.defined(name, &text, &place, stamp);
                    self.keep(name, Place { stamp, ..place }, outcome);
                }
                Err(notice) => self.keep(name, place, Err(notice)),
            }
        }
        count
    }

    fn keep(&mut self, name: &str, place: Place, outcome: Result<Arc<Defined>, Notice>) {
        self.files.insert(name.to_owned(), File { place, outcome });
    }

    fn defined(
        &self,
        name: &str,
        text: &str,
        place: &Place,
        stamp: Stamp,
    ) -> Result<Arc<Defined>, Notice> {
        let read = self.language.read(text, name)?;
        Ok(Arc::new(Defined {
            guest: read.guest,
            own_uuid: read.own_uuid,
            file: name.to_owned(),
            inode: stamp.file,
            linked: place.linked.then(|| place.path.clone()),
        }))
    }

    /// Which file is which guest: of two files of one guest, the one that is called
    /// as it, else the first.
    fn sort_out(&self, guests: &mut Guests) {
        let mut rest = Vec::new();
        for (name, file) in &self.files {
            match &file.outcome {
                Err(notice) => guests.add_notices(vec![notice.clone()]),
                Ok(defined) if *name == self.language.file_of(&defined.guest.name) => {
                    guests.add(defined);
                }
                Ok(defined) => rest.push(defined),
            }
        }
        for defined in rest {
            guests.add(defined);
        }
    }

    /// Tells what has changed since of guests of these names: those that are gone first.
    fn tell<'a>(&self, before: &ByName, names: impl Iterator<Item = &'a str> + Clone) {
        // Nobody listening is no error.
        let tell = |event| drop(self.events.send(event));
        let of_name = |name: &str| (before.get(name), self.guests.by_name.get(name));
        for name in names.clone() {
            match of_name(name) {
                (None, _) => {}
                (Some(old), Some(new)) if Arc::ptr_eq(new, old) || new.guest == old.guest => {}
                (Some(old), Some(new)) if new.guest.uuid == old.guest.uuid => {
                    tell(HostEvent::Redefined(name.to_owned()));
                }
                _ => tell(HostEvent::Undefined(name.to_owned())),
            }
        }
        for name in names {
            if let (old, Some(new)) = of_name(name)
                && old.is_none_or(|old| old.guest.uuid != new.guest.uuid)
            {
                tell(HostEvent::Defined(name.to_owned()));
            }
        }
    }
}

impl Guests {
    fn add(&mut self, defined: &Arc<Defined>) {
        if let Err(other) = self.insert(defined) {
            self.doubles += 1;
            self.add_notices(vec![Notice::unexpected(&defined.file, other)]);
        }
    }

    /// Whether these, each of its own name and uuid, are no others than those of these files.
    fn have_room(&self, new: &[Arc<Defined>], files: &HashSet<String>) -> bool {
        let (mut names, mut uuids) = (HashSet::new(), HashSet::new());
        let is_other = |other: &Arc<Defined>| !files.contains(&other.file);
        new.iter().all(|defined| {
            let (name, uuid) = (defined.guest.name.as_str(), defined.guest.uuid);
            let same_uuid = uuid.and_then(|uuid| self.by_uuid.get(&uuid));
            names.insert(name)
                && uuid.is_none_or(|uuid| uuids.insert(uuid))
                && !self.by_name.get(name).is_some_and(is_other)
                && !same_uuid.is_some_and(is_other)
        })
    }

    /// Adds a guest, or says which other one it is.
    fn insert(&mut self, defined: &Arc<Defined>) -> Result<(), String> {
        let name = &defined.guest.name;
        let uuid = defined.guest.uuid;
        let same_uuid = uuid.and_then(|uuid| self.by_uuid.get(&uuid));
        match (self.by_name.get(name.as_str()), same_uuid) {
            (Some(other), _) => Err(format!(
                "the guest '{name}' is in the file '{}'",
                other.file
            )),
            (None, Some(other)) => Err(format!(
                "the guest '{}' in the file '{}' has the same uuid",
                other.guest.name, other.file
            )),
            (None, None) => {
                if let Some(uuid) = uuid {
                    self.by_uuid.insert(uuid, Arc::clone(defined));
                }
                self.by_name
                    .insert(name.as_str().into(), Arc::clone(defined));
                Ok(())
            }
        }
    }

    fn remove(&mut self, defined: &Defined) {
        self.by_name.remove(defined.guest.name.as_str());
        if let Some(uuid) = defined.guest.uuid {
            self.by_uuid.remove(&uuid);
        }
    }

    fn add_notices(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            self.skipped += 1;
            self.unexpected += usize::from(notice.unexpected);
            if self.notices.len() < NOTICES_MAX {
                self.notices.push(notice);
            }
        }
    }
}

/// Guests by their names, which are shared by those that follow each other.
pub(super) type ByName = BTreeMap<Arc<str>, Arc<Defined>>;

/// Guests by their uuid, for two files of one guest.
pub(super) type ByUuid = HashMap<virtxen_guest::Uuid, Arc<Defined>>;
