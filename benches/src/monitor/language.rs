//! The languages of xm and xl on one core: files as text to documents and back,
//! and the same by way of guests.

use super::Options;
use crate::Result;
use crate::documents::{Document, large, small};
use crate::measure::repeat;
use virtxen_formats::config;
use virtxen_formats::sxpr::ConfigVersion;
use virtxen_formats::{xl, xm};
use virtxen_guest::{Guest, ParseOptions, parse_guest};

/// A language: guest to text, and the journeys of a text.
struct Language {
    name: &'static str,
    write: fn(&Guest) -> std::result::Result<config::Document, virtxen_formats::Error>,
    read: fn(&config::Document) -> std::result::Result<Guest, virtxen_formats::Error>,
}

const LANGUAGES: &[Language] = &[
    Language {
        name: "xm",
        write: |guest| {
            let written = xm::guest_to_xm(guest, ConfigVersion::Xen310, &xm::Bridges::default());
            Ok(written?.value)
        },
        read: |document| {
            let read = xm::xm_to_guest(document, ConfigVersion::Xen310, &xm::Host::default());
            Ok(read?.value)
        },
    },
    Language {
        name: "xl",
        write: |guest| Ok(xl::guest_to_xl(guest, &xl::Bridges::default())?.value),
        read: |document| Ok(xl::xl_to_guest(document, &xl::Host::default())?.value),
    },
];

pub(super) fn measure(options: &Options) -> Result<()> {
    println!(
        "{:<16}{:<24}{:>14}{:>9}",
        "files", "journey", "files/s", "MB/s"
    );
    let small = small(&options.examples)?;
    let large = [large(200)];
    for language in LANGUAGES {
        for (name, documents) in [("examples", small.as_slice()), ("200 devices", &large)] {
            let texts = texts(language, documents)?;
            for (journey, go) in [
                ("text, text", text as fn(&Language, &str) -> Option<String>),
                ("text, guest, text", guest),
            ] {
                let times = repeat(options.span() / 4, || {
                    for text in &texts {
                        std::hint::black_box(go(language, text).is_some());
                    }
                });
                let seconds = times.median().as_secs_f64();
                let bytes: usize = texts.iter().map(String::len).sum();
                println!(
                    "{name:<16}{:<24}{:>14.0}{:>9.1}",
                    format!("{} {journey}", language.name),
                    texts.len() as f64 / seconds,
                    bytes as f64 / 1e6 / seconds
                );
            }
        }
    }
    Ok(())
}

/// The documents' guests in the language; all journeys were made once.
fn texts(language: &Language, documents: &[Document]) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for document in documents {
        let parsed = parse_guest(&document.xml, &ParseOptions::default());
        let guest = parsed.map_err(|problems| document.error(&problems))?.value;
        let written = (language.write)(&guest).map_err(|error| document.error(&error))?;
        let text = written.to_string();
        if self::text(language, &text).is_none() || self::guest(language, &text).is_none() {
            return Err(document.error(&"does not come back"));
        }
        texts.push(text);
    }
    Ok(texts)
}

fn text(_: &Language, text: &str) -> Option<String> {
    Some(config::Document::read(text).ok()?.to_string())
}

fn guest(language: &Language, text: &str) -> Option<String> {
    let document = config::Document::read(text).ok()?;
    let guest = (language.read)(&document).ok()?;
    Some((language.write)(&guest).ok()?.to_string())
}
