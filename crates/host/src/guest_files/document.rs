//! libvirt's document of a guest as a file, read and written.
//!
//! What a document means is in `virtxen-guest`; how bytes get to the disk is in
//! `write`.

use super::Notice;
use super::guest::derived_uuid;
use super::language::Read;
use virtxen_guest::{FormatOptions, Guest, ParseOptions, parse_guest};

/// How the name of a file ends.
pub(super) const ENDING: &str = ".xml";

/// Stands above each document, where libvirt has its own warning and skips ours.
const HEADING: &str = "<!--\n\
    Kept by virtxen and libvirt, which write this file anew at each change of the\n\
    guest. Change it with: virsh edit or virtxen edit\n\
    -->\n\n";

/// Reads a file, or says why it is no guest.
pub(super) fn read(text: &str, file: &str) -> Result<Read, Notice> {
    let refused = |reason: String| Notice::unexpected(file, reason);
    let parsed = parse_guest(text, &ParseOptions::default()).map_err(|problems| {
        refused(match problems.first_error() {
            Some(first) => format!("line {}: {}", first.line, first.kind),
            None => problems.to_string(),
        })
    })?;
    let mut guest = parsed.value;
    // libvirt does not take such a file either.
    if file.strip_suffix(ENDING) != Some(guest.name.as_str()) {
        let reason = format!(
            "the document is of the guest '{}', whose file would be {}{ENDING}",
            guest.name, guest.name
        );
        return Err(refused(reason));
    }
    guest.id = None;
    let own_uuid = guest.uuid.is_some();
    guest.uuid.get_or_insert_with(|| derived_uuid(&guest.name));
    Ok(Read { guest, own_uuid })
}

/// The text of a file.
pub(super) fn written(guest: &Guest) -> String {
    let options = FormatOptions {
        inactive: true,
        secure: true,
        migratable: false,
    };
    format!("{HEADING}{}", virtxen_guest::format_guest(guest, &options))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "<!--\nWARNING: DO NOT EDIT\n-->\n\n<domain type='xen'>\
        <name>web</name><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>\
        <title>Shop</title><memory unit='KiB'>262144</memory>\
        <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os></domain>\n";

    #[test]
    fn a_document_comes_back() {
        let first = read(FILE, "web.xml").unwrap();
        assert!(first.own_uuid);
        assert_eq!(first.guest.title.as_deref(), Some("Shop"));
        let text = written(&first.guest);
        assert!(text.starts_with("<!--"), "{text}");
        assert_eq!(read(&text, "web.xml").unwrap(), first);
    }

    #[test]
    fn other_files_are_told_apart() {
        let refused = |text: &str, file: &str| read(text, file).unwrap_err();
        let half = FILE.get(..FILE.len() / 2).unwrap();
        for (text, file, why) in [
            (FILE, "db.xml", "whose file would be web.xml"),
            (half, "web.xml", "line "),
            ("<network/>", "web.xml", "line 1"),
            ("<!-- -->", "web.xml", "line "),
        ] {
            let notice = refused(text, file);
            assert!(notice.reason.contains(why), "{notice:?}");
            assert!(notice.unexpected);
        }
    }
}
