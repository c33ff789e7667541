//! The languages of domain documents: which one a file is in, reading it as a
//! guest, writing a guest in it. Files and their reports are `convert`'s.

use crate::connect::Session;
use crate::document;
use crate::error::{Error, Result};
use std::fmt::Display;
use std::path::Path;
use virtxen_formats::config::Document;
use virtxen_formats::sxpr::{self, Runtime, Target};
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
        Language::Xml => return document::guest(session, file, text),
        Language::Sxpr => {
            let tree = sxpr::read(text, sxpr::Limits::default());
            let tree = tree.map_err(|error| wrong(&error))?;
            sxpr::sxpr_to_guest(&tree, release.sxpr.version, &Runtime::default())
        }
        Language::Xm => xm::xm_to_guest(&names()?, release.xm, &xm::Host::default()),
        Language::Xl => xl::xl_to_guest(&names()?, &xl::Host::default()),
    };
    let converted = converted.map_err(|error| wrong(&error))?;
    document::lost(session, file, text, converted.notes)?;
    Ok(converted.value)
}

/// A guest, which was read from a source text, in a language.
///
/// # Errors
/// When the guest cannot be written; with `--strict` also when something is lost.
pub(super) fn write(
    session: &Session,
    (file, source): (&str, &str),
    guest: &Guest,
    language: Language,
    release: &Release,
) -> Result<String> {
    // Paths are those of a domain document, which the source may not have been.
    let made;
    let document = if source.trim_start().starts_with('<') {
        source
    } else {
        made = format_guest(guest, &FormatOptions::default());
        &made
    };
    let wrong = |error| document::unconvertible(file, document, &error);
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
    document::lost(session, file, document, notes)?;
    Ok(text)
}
