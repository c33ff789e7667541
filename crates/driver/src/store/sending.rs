//! Domains that are sent to other hosts, a file each: what the next program knows of a
//! migration in which this one ended. What is to become of them is in
//! `domain::interrupted`.

use super::{Store, blocking, failed};
use crate::Result;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use virtxen_guest::{DomId, Uuid};
use virtxen_host::{put_file, remove_file};

/// Longest file, in bytes.
const FILE_MAX: u64 = 4096;

/// Most files that are read.
const FILES_MAX: usize = 4096;

/// What the files are for.
const MIGRATE: &str = "migrate";

/// How far a domain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is being sent: nobody was told that it was, so that no other host runs it.
    Sending,
    /// It was sent: another host may run it.
    Sent,
}

/// A domain that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) uuid: Uuid,
    /// Its number here.
    pub(crate) domid: Option<DomId>,
    pub(crate) stage: Stage,
    /// Address and port of the other host.
    pub(crate) to: String,
}

impl Sending {
    fn text(&self) -> String {
        let stage = match self.stage {
            Stage::Sending => "sending",
            Stage::Sent => "sent",
        };
        let domid = self.domid.map_or(0, |domid| domid.0);
        format!("{stage} {domid} {}\n", self.to)
    }

    /// Of a file's name and text; `None` where it is none.
    fn read(name: &str, text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let stage = match words.next()? {
            "sending" => Stage::Sending,
            "sent" => Stage::Sent,
            _ => return None,
        };
        let domid = words.next()?.parse().ok()?;
        Some(Self {
            uuid: name.parse().ok()?,
            domid: Some(DomId(domid)),
            stage,
            to: words.next()?.to_owned(),
        })
    }
}

impl Store {
    /// Notes how far a domain is.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn note_sending(&self, sending: &Sending) -> Result<()> {
        let Some(path) = self.sending_file(sending.uuid) else {
            return Ok(());
        };
        let text = sending.text();
        blocking(MIGRATE, move || {
            put_file(&path, &text).map_err(|error| failed(&path, &error))
        })
        .await
    }

    /// A domain is not sent any more, or not here.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn forget_sending(&self, uuid: Uuid) -> Result<()> {
        let Some(path) = self.sending_file(uuid) else {
            return Ok(());
        };
        blocking(MIGRATE, move || {
            remove_file(&path).map_err(|error| failed(&path, &error))
        })
        .await
    }

    /// The domains that are sent.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn sendings(&self) -> Result<Vec<Sending>> {
        match self.sending_folder() {
            Some(folder) => blocking(MIGRATE, move || read_all(&folder)).await,
            None => Ok(Vec::new()),
        }
    }

    fn sending_folder(&self) -> Option<PathBuf> {
        let kept = self.kept.as_ref()?;
        Some(kept.state.join("virtxend-sending"))
    }

    fn sending_file(&self, uuid: Uuid) -> Option<PathBuf> {
        Some(self.sending_folder()?.join(uuid.to_string()))
    }
}

fn read_all(folder: &Path) -> Result<Vec<Sending>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(folder, &error))?,
    };
    let mut all = Vec::new();
    for entry in entries.flatten().take(FILES_MAX) {
        let (name, mut text) = (entry.file_name(), String::new());
        let read = std::fs::File::open(entry.path())
            .and_then(|file| file.take(FILE_MAX).read_to_string(&mut text));
        // Another program's file, or one that is being written.
        if let (Ok(_), Some(name)) = (read, name.to_str()) {
            all.extend(Sending::read(name, &text));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_how_far_a_domain_is() {
        for stage in [Stage::Sending, Stage::Sent] {
            let sending = Sending {
                uuid: Uuid::random(),
                domid: Some(DomId(7)),
                stage,
                to: "beta:49152".to_owned(),
            };
            let name = sending.uuid.to_string();
            assert_eq!(Sending::read(&name, &sending.text()), Some(sending));
        }
        let uuid = Uuid::random().to_string();
        for (name, text) in [
            (&*uuid, ""),
            (&uuid, "gone 7 beta:1"),
            (&uuid, "sent x beta:1"),
            (&uuid, "sent 7"),
            ("web", "sent 7 beta:1"),
        ] {
            assert_eq!(Sending::read(name, text), None, "{name}: {text}");
        }
    }
}
