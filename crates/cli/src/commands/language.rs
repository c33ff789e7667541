//! The languages of domain documents: which one a file is in, reading it as a
//! guest, writing a guest in it. Files and their reports are `convert`'s.

use super::native::losses;
use crate::connect::Session;
use crate::document;
use crate::error::{Error, Result};
use std::fmt::Display;
use std::path::Path;
use virtxen_formats::config::Document;
use virtxen_formats::sxpr::{self, ConfigVersion, Runtime, Target};
use virtxen_formats::{xl, xm};
use virtxen_guest::{FormatOptions, Guest, format_guest};

/// A language of domain documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Xml,
    Sxpr,
    Xm,
    Xl,
}

/// Every language: its word and how its files end.
const TABLE: &[(Language, &str, &str)] = &[
    (Language::Xml, "xml", "xml"),
    (Language::Sxpr, "xen-sxpr", "sxp"),
    (Language::Xm, "xen-xm", "cfg"),
    (Language::Xl, "xen-xl", "cfg"),
];

/// The words of all languages, in the order of the table.
pub(super) const WORDS: &[&str] = &["xml", "xen-sxpr", "xen-xm", "xen-xl"];

/// What the tools of a Xen release understand.
pub(super) struct Release {
    pub(super) sxpr: sxpr::Dialect,
    pub(super) xm: xm::Dialect,
}

impl Language {
    /// The language with this word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        let found = TABLE.iter().find(|(_, known, _)| *known == word);
        found.map(|(language, _, _)| *language)
    }

    /// How files in this language end.
    pub(super) fn extension(self) -> &'static str {
        let found = TABLE.iter().find(|(language, _, _)| *language == self);
        found.map_or("", |(_, _, extension)| extension)
    }

    /// The language of a text; for files of names, the file's own ending and what
    /// only one tool has tell the two apart.
    fn of(file: &str, text: &str) -> Self {
        match text
            .trim_start()
            .trim_start_matches('\u{feff}')
            .chars()
            .next()
        {
            Some('<') | None => Self::Xml,
            Some('(') => Self::Sxpr,
            Some(_) => {
                let ending = Path::new(file).extension().and_then(|it| it.to_str());
                let is_xl = || Document::read(text).is_ok_and(|file| xl::is_xl(&file));
                if ending == Some("xl") || is_xl() {
                    Self::Xl
                } else {
                    Self::Xm
                }
            }
        }
    }
}

/// A guest from a text, in the language that is said or that it shows.
///
/// # Errors
/// When it is no guest; with `--strict` also when something is lost.
pub(super) fn read(
    session: &Session,
    file: &str,
    text: &str,
    language: Option<Language>,
    release: &Release,
) -> Result<Guest> {
    let wrong = |error: &dyn Display| Error::Failed(format!("{file}: {error}"));
    let names = || Document::read(text).map_err(|error| wrong(&error));
    let converted = match language.unwrap_or_else(|| Language::of(file, text)) {
        Language::Xml => return document::guest(session, file, text, session.strict),
        Language::Sxpr => {
            let tree = sxpr::read(text.trim(), sxpr::Limits::default());
            let tree = tree.map_err(|error| wrong(&error))?;
            // A file says no version; the newest reads what the older ones write.
            sxpr::sxpr_to_guest(&tree, ConfigVersion::Xen310, &Runtime::default())
        }
        Language::Xm => xm::xm_to_guest(&names()?, release.xm, &xm::Host::default()),
        Language::Xl => xl::xl_to_guest(&names()?, &xl::Host::default()),
    };
    let converted = converted.map_err(|error| wrong(&error))?;
    let places = converted.notes.iter().map(|note| match note.at {
        // Lines say more than offsets, where a text has some.
        Some(at) if text.contains('\n') => format!("line {}: {note}", line_of(text, at)),
        _ => note.to_string(),
    });
    losses(session, file, &places.collect::<Vec<_>>())?;
    Ok(converted.value)
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// A guest in a language.
///
/// # Errors
/// When the guest cannot be written; with `--strict` also when something is lost.
pub(super) fn write(
    session: &Session,
    file: &str,
    guest: &Guest,
    language: Language,
    release: &Release,
) -> Result<String> {
    let wrong = |error: virtxen_formats::Error| Error::Failed(error.to_string());
    let bridges = xm::Bridges::new();
    let (text, notes) = match language {
        Language::Xml => {
            let options = FormatOptions {
                secure: true,
                ..FormatOptions::default()
            };
            return Ok(format_guest(guest, &options));
        }
        Language::Sxpr => {
            let written = sxpr::guest_to_sxpr(guest, &Target::new(release.sxpr)).map_err(wrong)?;
            (sxpr::write_request(&written.value) + "\n", written.notes)
        }
        Language::Xm => {
            let written = xm::guest_to_xm(guest, release.xm, &bridges).map_err(wrong)?;
            (written.value.to_string(), written.notes)
        }
        Language::Xl => {
            let written = xl::guest_to_xl(guest, &bridges).map_err(wrong)?;
            (written.value.to_string(), written.notes)
        }
    };
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    losses(session, file, &notes)?;
    Ok(text)
}
