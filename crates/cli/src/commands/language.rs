//! The languages of domain documents: which one a file is in, reading it as a
//! guest, writing a guest in it. Files and their reports are `convert`'s.

use crate::connect::Session;
use crate::document;
use crate::error::{Error, Result};
use std::fmt::Display;
use std::path::Path;
use virtxen_formats::config::Document;
use virtxen_formats::sxpr::{self, Runtime, Target};
use virtxen_formats::{libxl, xl, xm};
use virtxen_guest::{FormatOptions, Guest, format_guest};

/// A language of domain documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Xml,
    Sxpr,
    Xm,
    Xl,
    Libxl,
}

/// Every language: its word and how its files end.
const TABLE: &[(Language, &str, &str)] = &[
    (Language::Xml, "xml", "xml"),
    (Language::Sxpr, "xen-sxpr", "sxp"),
    (Language::Xm, "xen-xm", "cfg"),
    (Language::Xl, "xen-xl", "cfg"),
    (Language::Libxl, "xen-libxl", "json"),
];

/// The words of all languages, in the order of the table.
pub(super) const WORDS: &[&str] = &["xml", "xen-sxpr", "xen-xm", "xen-xl", "xen-libxl"];

/// A Xen release, whose tools write and understand the languages.
pub(super) struct Release {
    /// Number of the release; none stands for the usual one of each language.
    number: Option<(u32, u32, Option<u32>)>,
}

/// The release that is meant for XenD and xm when none is said.
const USUAL: (u32, u32, Option<u32>) = (4, 1, None);

impl Release {
    /// Reads `4.1` or `3.0.4`.
    ///
    /// # Errors
    /// When it is no release: Xen has 3.0.1 and later.
    pub(super) fn read(text: Option<&str>) -> Result<Self> {
        let Some(text) = text else {
            return Ok(Self { number: None });
        };
        let wrong = || Error::usage(format!("'{text}' is no Xen release: 3.0.1 to 4.22"));
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().and_then(|part| part.parse::<u32>().ok());
        let (major, minor) = (part().ok_or_else(wrong)?, part().ok_or_else(wrong)?);
        let patch = part();
        if !matches!(major, 3 | 4) || (major, minor) > (3, 4) && major < 4 {
            return Err(wrong());
        }
        Ok(Self {
            number: Some((major, minor, patch)),
        })
    }

    /// Version of XenD's configuration format, and the numbers of the release.
    fn xend(&self) -> Result<(Option<u32>, u32, u32, String)> {
        let (major, minor, patch) = self.number.unwrap_or(USUAL);
        let format = match (major, minor, patch.unwrap_or(0)) {
            (3, 0, 0..=2) => None,
            (3, 0, 3) => Some(2),
            (3, 0, 4) => Some(3),
            (3, 1.., _) | (4, 0..=4, _) => Some(4),
            _ => {
                let reason = format!("Xen {major}.{minor} has no XenD: 3.0.1 to 4.4 have");
                return Err(Error::usage(reason));
            }
        };
        let extra = patch.map_or_else(String::new, |patch| format!(".{patch}"));
        Ok((format, major, minor, extra))
    }

    fn sxpr(&self) -> Result<sxpr::Dialect> {
        let (format, major, minor, extra) = self.xend()?;
        Ok(sxpr::Dialect::of_release(format, major, minor, &extra))
    }

    fn xm(&self) -> Result<xm::Dialect> {
        let (format, major, minor, _) = self.xend()?;
        Ok(xm::Dialect::of_release(format, major, minor))
    }

    fn libxl(&self) -> Result<libxl::Release> {
        let Some((major, minor, _)) = self.number else {
            return Ok(libxl::Release::NEWEST);
        };
        libxl::Release::new(major, minor).ok_or_else(|| {
            let reason = format!("libxl of Xen {major}.{minor} reads no JSON: 4.5 and later do");
            Error::usage(reason)
        })
    }
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
    pub(super) fn of(file: &str, text: &str) -> Self {
        match text
            .trim_start()
            .trim_start_matches('\u{feff}')
            .chars()
            .next()
        {
            Some('<') | None => Self::Xml,
            Some('(') => Self::Sxpr,
            Some('{' | '[') => Self::Libxl,
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

/// The guests of a text, in the language that is said or that it shows. Only libxl's
/// has several: `xl list -l` prints all domains.
///
/// # Errors
/// When it is no guest; with `--strict` also when something is lost.
pub(super) fn read(
    session: &Session,
    file: &str,
    text: &str,
    language: Option<Language>,
    release: &Release,
) -> Result<Vec<Guest>> {
    let wrong = |error: &dyn Display| Error::Failed(format!("{file}: {error}"));
    let names = || Document::read(text).map_err(|error| wrong(&error));
    let converted = match language.unwrap_or_else(|| Language::of(file, text)) {
        Language::Xml => return Ok(vec![document::guest(session, file, text)?]),
        Language::Sxpr => {
            let tree = sxpr::read(text, sxpr::Limits::default());
            let tree = tree.map_err(|error| wrong(&error))?;
            sxpr::sxpr_to_guest(&tree, release.sxpr()?.version, &Runtime::default())
        }
        Language::Xm => xm::xm_to_guest(&names()?, release.xm()?, &xm::Host::default()),
        Language::Xl => xl::xl_to_guest(&names()?, &xl::Host::default()),
        Language::Libxl => {
            let guests = libxl::text_to_guests(text).map_err(|error| wrong(&error))?;
            let kept = guests.into_iter().map(|guest| {
                document::lost(session, file, text, guest.notes)?;
                Ok(guest.value)
            });
            return kept.collect();
        }
    };
    let converted = converted.map_err(|error| wrong(&error))?;
    document::lost(session, file, text, converted.notes)?;
    Ok(vec![converted.value])
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
            let written =
                sxpr::guest_to_sxpr(guest, &Target::new(release.sxpr()?)).map_err(wrong)?;
            (sxpr::write_request(&written.value) + "\n", written.notes)
        }
        Language::Xm => {
            let written = xm::guest_to_xm(guest, release.xm()?, &bridges).map_err(wrong)?;
            (written.value.to_string(), written.notes)
        }
        Language::Xl => {
            let written = xl::guest_to_xl(guest, &bridges).map_err(wrong)?;
            (written.value.to_string(), written.notes)
        }
        Language::Libxl => {
            let target = libxl::Target::new(release.libxl()?);
            let written = libxl::guest_to_libxl(guest, &target).map_err(wrong)?;
            (libxl::to_text(&written.value), written.notes)
        }
    };
    document::lost(session, file, document, notes)?;
    Ok(text)
}
