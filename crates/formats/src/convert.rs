//! What every conversion gives: a value, and a note for each setting that the
//! other language cannot carry.
//!
//! Nothing is dropped without a note. Whether a note stops the caller is the
//! caller's choice; [`Note::essential`] says what a careful one refuses.

use crate::sxpr::ReadError;
use std::fmt;
use virtxen_guest::{Kept, KeptContent, Loss, Severity};

/// A converted value and what was lost on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted<T> {
    /// The value.
    pub value: T,
    /// What it does not say, in the order in which it was met.
    pub notes: Vec<Note>,
}

/// Something that the target does not carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it stands in the source: an XPath in a domain document
    /// (`/domain/devices/disk[2]/driver/@discard`), names of lists in an
    /// S-expression (`domain/image/hvm/videoram`).
    pub path: String,
    /// Byte offset in the source text, where the source was read from one.
    pub at: Option<usize>,
    /// What happens instead, or why nothing does.
    pub reason: String,
    /// Without it the guest is another one: a disk is missing, writes are not
    /// discarded. A guest should not be started from such a conversion.
    pub essential: bool,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl Note {
    /// The note as a loss, which can be given its place in the source's text.
    #[must_use]
    pub fn into_loss(self, severity: Severity) -> Loss {
        Loss {
            path: self.path,
            at: self.at,
            reason: self.reason,
            severity,
        }
    }
}

/// Why something cannot be converted at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not an S-expression.
    #[error(transparent)]
    Text(#[from] ReadError),
    /// The source is not what the conversion starts from.
    #[error("expected {expected}, found '{found}'")]
    Kind {
        /// What should have been there.
        expected: &'static str,
        /// The start of what is there.
        found: String,
    },
    /// Something that a guest cannot be without.
    #[error("{path} is missing")]
    Missing {
        /// Where it should be.
        path: String,
        /// Byte offset of what it should be in, where the source was read from a text.
        at: Option<usize>,
    },
    /// A value that is not of its form.
    #[error("{path}: '{value}' is not {expected}")]
    Malformed {
        /// Where it is.
        path: String,
        /// Byte offset, where the source was read from a text.
        at: Option<usize>,
        /// The value, cut to a sane length.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The target has no words for this.
    #[error("{path}: {reason}")]
    Unsupported {
        /// Where it is.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A virtual network whose bridge the caller did not name.
    #[error("{path}: no bridge is known for network '{network}'")]
    UnknownNetwork {
        /// Where it is.
        path: String,
        /// The network.
        network: String,
    },
}

impl Error {
    /// The error as an essential note, if it is about one place of a document.
    #[must_use]
    pub fn as_note(&self) -> Option<Note> {
        let (path, reason) = match self {
            Self::Unsupported { path, reason } => (path, reason.clone()),
            Self::UnknownNetwork { path, network } => {
                (path, format!("no bridge is known for network '{network}'"))
            }
            _ => return None,
        };
        Some(Note {
            path: path.clone(),
            at: None,
            reason,
            essential: true,
        })
    }
}

/// Collects the notes of one conversion.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    list: Vec<Note>,
}

impl Notes {
    /// A setting is lost; the guest works without it.
    pub(crate) fn setting(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.add(path.into(), None, reason.into(), false);
    }

    /// Something is lost without which the guest is another one.
    pub(crate) fn essential(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.add(path.into(), None, reason.into(), true);
    }

    /// A setting of a text is lost.
    pub(crate) fn setting_at(
        &mut self,
        path: impl Into<String>,
        at: usize,
        reason: impl Into<String>,
    ) {
        self.add(path.into(), Some(at), reason.into(), false);
    }

    /// Something of a text is lost without which the guest is another one.
    pub(crate) fn essential_at(
        &mut self,
        path: impl Into<String>,
        at: usize,
        reason: impl Into<String>,
    ) {
        self.add(path.into(), Some(at), reason.into(), true);
    }

    /// Gives notes that have no place yet the one of the value being read.
    pub(crate) fn place_from(&mut self, count: usize, at: usize) {
        for note in self.list.iter_mut().skip(count) {
            note.at.get_or_insert(at);
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// Parts of a document that no Xen toolstack uses stay in the document.
    pub(crate) fn kept(&mut self, path: &str, kept: &Kept, reason: &str) {
        for item in kept.items() {
            let within = item.within;
            let slash = if within.is_empty() { "" } else { "/" };
            let path = match &item.content {
                KeptContent::Attribute(a) => format!("{path}{slash}{within}/@{}", a.name),
                KeptContent::Element(e) => format!("{path}{slash}{within}/{}", e.name),
            };
            self.setting(path, reason);
        }
    }

    /// Whether a note so far is essential.
    pub(crate) fn first_essential(&self) -> Option<&Note> {
        self.list.iter().find(|note| note.essential)
    }

    /// The value with its notes.
    pub(crate) fn into_converted<T>(self, value: T) -> Converted<T> {
        Converted {
            value,
            notes: self.list,
        }
    }

    fn add(&mut self, path: String, at: Option<usize>, reason: String, essential: bool) {
        self.list.push(Note {
            path,
            at,
            reason,
            essential,
        });
    }
}

/// The start of a text, for messages.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
