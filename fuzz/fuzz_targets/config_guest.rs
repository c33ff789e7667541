//! Guests in files of xm and xl: what can be read as a guest can be written for
//! both tools or is refused with words, what we wrote is never refused, and a file
//! onto which its own guest is written stays as it is. Writing and reading again
//! comes to rest: nonsense may be understood better the second time, but not for
//! ever.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_formats::config::Document;
use virtxen_formats::sxpr::ConfigVersion;
use virtxen_formats::{xl, xm};

const VERSIONS: [ConfigVersion; 4] = [
    ConfigVersion::Xen302,
    ConfigVersion::Xen303,
    ConfigVersion::Xen304,
    ConfigVersion::Xen310,
];

const ROUNDS: usize = 5;

fuzz_target!(|text: &str| {
    let Ok(document) = Document::read(text) else {
        return;
    };
    let host = xl::Host::default();
    let bridges = xl::Bridges::new();
    if let Ok(guest) = xl::xl_to_guest(&document, &host) {
        let mut same = document.clone();
        if xl::apply(&mut same, &guest.value, &bridges).is_ok() {
            assert_eq!(same.to_string(), text);
        }
    }
    rest(&document, |document| {
        let guest = xl::xl_to_guest(document, &host).ok()?.value;
        Some(xl::guest_to_xl(&guest, &bridges).ok()?.value)
    });
    for version in VERSIONS {
        rest(&document, |document| {
            let guest = xm::xm_to_guest(document, version, &host).ok()?.value;
            Some(xm::guest_to_xm(&guest, version, &bridges).ok()?.value)
        });
    }
});

/// Rewrites a file until it stays the same.
fn rest(document: &Document, rewrite: impl Fn(&Document) -> Option<Document>) {
    let mut rounds = Vec::new();
    let mut next = rewrite(document);
    while let Some(written) = next {
        let text = written.to_string();
        let read = Document::read(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        next = rewrite(&read);
        assert!(next.is_some(), "refused: {text}");
        if rounds.last() == Some(&text) {
            break;
        }
        rounds.push(text);
        assert!(rounds.len() < ROUNDS, "{rounds:#?}");
    }
}
