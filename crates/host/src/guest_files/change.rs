//! Guests' files changed: made, edited, renamed, removed. A file that is no guest
//! is never touched, neither is what a link leads to.

use super::store::Store;
use super::{Defined, folder, write};
use crate::{ConfigChange, Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use virtxen_guest::{Guest, Uuid};

impl Store {
    /// Writes a guest: a new file, or the changes in the one that it has.
    pub(super) fn define(&mut self, guest: &Guest) -> Result<()> {
        let guests = self.look();
        if let Some(why) = &guests.unreadable {
            return Err(self.failed("define", "", why.as_str()));
        }
        let namesake = guests.by_name.get(guest.name.as_str()).cloned();
        let same_uuid = guest
            .uuid
            .and_then(|uuid| guests.by_uuid.get(&uuid).cloned());
        // Whoever holds all of them when one is written has them copied.
        drop(guests);
        match (namesake, same_uuid) {
            (Some(one), Some(other)) if one != other => Err(taken(&one.guest)),
            (Some(one), None) if one.own_uuid && guest.uuid.is_some() => Err(taken(&one.guest)),
            (Some(defined), _) | (None, Some(defined)) => self.rewrite("define", &defined, guest),
            (None, None) => self.create(guest),
        }
    }

    /// Removes a guest's file and the links that start it with the host.
    pub(super) fn undefine(&mut self, name: &str) -> Result<()> {
        let defined = self.find(name)?;
        let path = self.own_file("undefine", &defined)?;
        let links = self.autostart_links(&defined);
        let done = write::remove(&path).and_then(|()| self.remove_links(&links?));
        self.look_again(&defined.file);
        done.map_err(|error| self.failed("undefine", &defined.file, error))
    }

    /// Gives a guest another name; its file as well, if it is called as the guest
    /// and that name is free.
    pub(super) fn rename(&mut self, name: &str, new_name: &str) -> Result<()> {
        let defined = self.find(name)?;
        if let Some(other) = self.look().by_name.get(new_name) {
            return Err(taken(&other.guest));
        }
        let guest = Guest {
            name: new_name.to_owned(),
            ..defined.guest.clone()
        };
        if self.language.names_files() {
            return self.move_to(&defined, &guest);
        }
        let links = self.autostart_links(&defined);
        self.rewrite("rename", &defined, &guest)?;
        if defined.file != name || self.new_file("rename", new_name).is_err() {
            return Ok(());
        }
        // The guest has its name now; the file's is only for people.
        let (from, to) = (self.folder.join(name), self.folder.join(new_name));
        let moved = match write::rename(&from, &to) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
            moved => moved.and_then(|()| self.move_links(&links?, new_name)),
        };
        self.look_again(new_name);
        moved.map_err(|error| self.failed("rename", name, error))
    }

    /// Gives a guest a new file, then takes the old one away. Between the two both are
    /// there, and one is reported as the other's copy.
    fn move_to(&mut self, defined: &Defined, guest: &Guest) -> Result<()> {
        let old = self.own_file("rename", defined)?;
        let links = self.autostart_links(defined);
        self.create(guest)?;
        let file = self.language.file_of(&guest.name);
        let done = links.and_then(|links| self.move_links(&links, &file));
        let done = done.and_then(|()| write::remove(&old));
        self.look_again(&defined.file);
        done.map_err(|error| self.failed("rename", &defined.file, error))
    }

    /// Changes something in a guest's file.
    pub(super) fn change(&mut self, name: &str, change: &ConfigChange) -> Result<()> {
        let defined = self.find(name)?;
        let mut guest = defined.guest.clone();
        change.apply(&mut guest)?;
        self.rewrite(change.operation(), &defined, &guest)
    }

    /// The guest of a name, now.
    pub(super) fn find(&mut self, name: &str) -> Result<Arc<Defined>> {
        let found = self.look().by_name.get(name).cloned();
        found.ok_or_else(|| Error::NoDomain {
            name: name.to_owned(),
        })
    }

    /// An error about a file.
    pub(super) fn failed(
        &self,
        operation: &'static str,
        file: &str,
        why: impl std::fmt::Display,
    ) -> Error {
        Error::Refused {
            operation,
            reason: format!("{}: {why}", self.folder.join(file).display()),
        }
    }

    fn create(&mut self, guest: &Guest) -> Result<()> {
        let mut guest = guest.clone();
        guest.uuid.get_or_insert_with(Uuid::random);
        let file = &self.language.file_of(&guest.name);
        let path = self.new_file("define", file)?;
        let text = self.language.written(&guest)?;
        self.bounded("define", file, &text)?;
        let done = match self.language.makes_folder() {
            true => write::make_folder(&self.folder),
            false => Ok(()),
        };
        let done = done.and_then(|()| self.forget_link(file));
        let done = done.and_then(|()| write::create(&path, &text));
        self.look_again(file);
        done.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => self.in_the_way(file),
            _ => self.failed("define", file, error),
        })
    }

    fn rewrite(&mut self, operation: &'static str, defined: &Defined, to: &Guest) -> Result<()> {
        let path = self.own_file(operation, defined)?;
        let file = &defined.file;
        let notice = |notice: super::Notice| self.failed(operation, file, notice.reason);
        let place = folder::place(&self.folder, file, self.language).map_err(notice)?;
        let (text, stamp) = folder::text(file, &place, self.language).map_err(notice)?;
        let changed = self.language.changed(&text, file, to)?;
        if changed == text {
            return Ok(());
        }
        self.bounded(operation, file, &changed)?;
        let done = write::replace(&path, &changed, stamp);
        self.look_again(file);
        done.map_err(|error| self.failed(operation, file, error))
    }

    /// The path of a guest's own file, which may be changed.
    fn own_file(&self, operation: &'static str, defined: &Defined) -> Result<PathBuf> {
        match &defined.linked {
            None => Ok(self.folder.join(&defined.file)),
            Some(target) => {
                let target = target.display();
                let why = format!("it is a symbolic link: change {target} by hand");
                Err(self.failed(operation, &defined.file, why))
            }
        }
    }

    /// The path of a file for a new guest.
    fn new_file(&self, operation: &'static str, name: &str) -> Result<PathBuf> {
        let why = match self.language.never_a_guest(name) {
            Some(what) => format!("a file of this name is {what}, not a guest"),
            None if name.is_empty() || name.len() > 255 || name.contains(['/', '\0']) => {
                "no file can have the guest's name".to_owned()
            }
            None => return Ok(self.folder.join(name)),
        };
        Err(Error::Guest {
            reason: format!("'{name}' ({operation}): {why}"),
        })
    }

    /// Why the name of a new file is not free.
    fn in_the_way(&mut self, name: &str) -> Error {
        let guests = self.look();
        let notice = guests.notices.iter().find(|notice| notice.file == name);
        let mut other = guests.by_name.values().filter(|other| other.file == name);
        let what = match (notice, other.next()) {
            (Some(notice), _) => format!("no guest ({})", notice.reason),
            (None, Some(other)) => format!("the guest '{}'", other.guest.name),
            (None, None) => "not a guest's".to_owned(),
        };
        let why = format!("the file is there and is {what}; it is left as it is");
        self.failed("define", name, why)
    }

    fn bounded(&self, operation: &'static str, file: &str, text: &str) -> Result<()> {
        let max = self.language.file_max();
        if text.len() as u64 <= max {
            return Ok(());
        }
        let why = format!("the file would be larger than {} KiB", max >> 10);
        Err(self.failed(operation, file, why))
    }
}

fn taken(other: &Guest) -> Error {
    let uuid = other.uuid.unwrap_or(Uuid::ZERO);
    Error::Refused {
        operation: "define",
        reason: format!(
            "the domain '{}' with uuid {uuid} is already defined",
            other.name
        ),
    }
}
