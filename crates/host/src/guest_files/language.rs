//! What the files of a folder are written in, and what follows from it: which names
//! are files of guests, how large they may be, where links start them with the host.
//!
//! How each language is read and written is in `guest` (xm's) and `document`
//! (libvirt's).

use super::folder::{self, Name};
use super::{Notice, document, guest};
use crate::Result;
use virtxen_formats::Note;
use virtxen_formats::xm::Dialect;
use virtxen_guest::Guest;

/// The language of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Configurations of xm, any name is one.
    Xm(Dialect),
    /// libvirt's documents, `NAME.xml`.
    Document,
}

/// The guest of a file's text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Read {
    /// With the uuid that it goes by.
    pub(super) guest: Guest,
    /// The file says its uuid itself.
    pub(super) own_uuid: bool,
}

impl Language {
    /// What reports call such files.
    pub(crate) const fn channel(self) -> &'static str {
        match self {
            Self::Xm(_) => "XM files",
            Self::Document => "documents",
        }
    }

    /// The folder of the links that start guests with the host, in the folder of the
    /// files: that of Xen's script `xendomains`, or libvirt's.
    pub(super) const fn links(self) -> &'static str {
        match self {
            Self::Xm(_) => "auto",
            Self::Document => "autostart",
        }
    }

    /// Largest file that is read, in bytes.
    pub(super) const fn file_max(self) -> u64 {
        match self {
            Self::Xm(_) => 256 << 10,
            Self::Document => 1 << 20,
        }
    }

    /// Whether the folder is made when its first guest is; xm's comes with Xen.
    pub(super) const fn makes_folder(self) -> bool {
        matches!(self, Self::Document)
    }

    /// Whether files are called as their guests and nothing else.
    pub(super) const fn names_files(self) -> bool {
        matches!(self, Self::Document)
    }

    /// The name of a guest's file.
    pub(super) fn file_of(self, guest: &str) -> String {
        match self {
            Self::Xm(_) => guest.to_owned(),
            Self::Document => format!("{guest}{}", document::ENDING),
        }
    }

    /// Why a file of this name is never a guest.
    pub(super) fn never_a_guest(self, file: &str) -> Option<&'static str> {
        match self {
            Self::Xm(_) => folder::never_a_guest(file),
            Self::Document if Name::Begins(".").is(file) => Some("a hidden file"),
            Self::Document if Name::Ends(document::ENDING).is(file) => None,
            Self::Document => Some("no document, which would be called NAME.xml"),
        }
    }

    /// Reads a file, or says why it is no guest.
    pub(super) fn read(self, text: &str, file: &str) -> std::result::Result<Read, Notice> {
        match self {
            Self::Xm(dialect) => guest::read(text, file, dialect),
            Self::Document => document::read(text, file),
        }
    }

    /// The text of a new file.
    ///
    /// # Errors
    /// When the guest would be another one in a file.
    pub(super) fn written(self, guest: &Guest) -> Result<String> {
        match self {
            Self::Xm(dialect) => guest::written(guest, dialect),
            Self::Document => Ok(document::written(guest)),
        }
    }

    /// The text of a file with what another guest makes of it.
    ///
    /// # Errors
    /// When the guest would be another one in a file, or in this file.
    pub(super) fn changed(self, text: &str, file: &str, guest: &Guest) -> Result<String> {
        match self {
            Self::Xm(dialect) => guest::changed(text, file, guest, dialect),
            Self::Document => Ok(document::written(guest)),
        }
    }

    /// What a file does not carry of a guest.
    pub(super) fn losses(self, guest: &Guest) -> Result<Vec<Note>> {
        match self {
            Self::Xm(dialect) => guest::losses(guest, dialect),
            Self::Document => Ok(Vec::new()),
        }
    }
}
