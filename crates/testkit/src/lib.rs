//! What the tests of several crates share: the shelf beside the repository and
//! the folder for documents that a foreign program checks.
//!
//! A dev-dependency only; no test is here.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The file or folder `path` of the shelf (`../shared` beside the repository, or
/// where `VIRTXEN_SHARED` says). Prints a line and returns `None` where it is
/// absent, so that the test can return early.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let shelf = std::env::var_os("VIRTXEN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let found = shelf.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: no {} here", found.display());
    None
}

/// Hands all domain documents in what a program printed to the foreign check, as
/// [`record_domain_xml`] does: from `<domain …` to `</domain>`, as it is or in a JSON
/// string.
///
/// # Panics
/// When the folder is named and a file cannot be written.
pub fn record_printed_domains(test: &str, printed: &str) {
    let mut rest = printed;
    while let Some(start) = rest.find("<domain type=") {
        let document = &rest[start..];
        // Capabilities name the type of a domain in an element without content.
        if let Some((tag, after)) = document.split_once('>')
            && tag.ends_with('/')
        {
            rest = after;
            continue;
        }
        let Some(end) = document.find("</domain>") else {
            return;
        };
        let (document, after) = document.split_at(end + "</domain>".len());
        rest = after;
        if document.contains('\n') {
            record_domain_xml(test, document);
        } else {
            let plain = document.replace("\\n", "\n").replace("\\\"", "\"");
            record_domain_xml(test, &plain.replace("\\\\", "\\"));
        }
    }
}

/// Hands a domain document to the foreign check: written to the folder that
/// `VIRTXEN_XML_OUT` names, where `.ci/run` validates each with libvirt's schema.
/// Without the variable nothing happens.
///
/// # Panics
/// When the folder is named and the file cannot be written.
pub fn record_domain_xml(test: &str, xml: &str) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Some(folder) = std::env::var_os("VIRTXEN_XML_OUT") else {
        return;
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = Path::new(&folder).join(format!("{test}-{}-{count}.xml", std::process::id()));
    if let Err(error) = std::fs::write(&file, xml) {
        panic!("cannot write {}: {error}", file.display());
    }
}
