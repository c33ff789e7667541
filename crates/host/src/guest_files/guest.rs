//! A configuration file as a guest, and a guest written onto a file.
//!
//! What the names in a file mean is in `virtxen-formats`; how bytes get to the
//! disk is in `write`.

use super::Notice;
use super::language::Read;
use crate::carried::{self, refuse_essential, unconvertible};
use crate::{Error, Result};
use virtxen_formats::config::{Document, Value};
use virtxen_formats::xm::{self, Bridges, Dialect};
use virtxen_formats::{Converted, Note};
use virtxen_guest::{Guest, Uuid};

/// Names of which every guest's file has one.
const OF_GUESTS: [&str; 5] = ["name", "kernel", "bootloader", "builder", "image"];

/// Reads a file, or says why it is no guest.
pub(super) fn read(text: &str, file: &str, dialect: Dialect) -> std::result::Result<Read, Notice> {
    let document = match Document::read(text) {
        Ok(document) => document,
        Err(_) if text.starts_with("#!") => return Err(Notice::usual(file, "a script")),
        Err(error) => return Err(Notice::unexpected(file, error.to_string())),
    };
    if OF_GUESTS.iter().all(|name| document.get(name).is_none()) {
        let reason = format!("it sets none of {}", OF_GUESTS.join(", "));
        return Err(Notice::unexpected(file, reason));
    }
    let guest = to_guest(&named(document, file), dialect);
    let mut guest = guest.map_err(|reason| Notice::unexpected(file, reason))?;
    let own_uuid = guest.uuid.is_some();
    guest.uuid.get_or_insert_with(|| derived_uuid(&guest.name));
    Ok(Read { guest, own_uuid })
}

/// The text of a new file, as [`changed`] says.
pub(super) fn written(guest: &Guest, dialect: Dialect) -> Result<String> {
    let converted = convert(guest, dialect)?;
    refuse_essential(&converted.notes)?;
    Ok(converted.value.to_string())
}

/// The text of a file with what another guest makes of it: what does not change
/// stays as it is written.
///
/// # Errors
/// When the guest would be another one in a file, or in this file.
pub(super) fn changed(text: &str, file: &str, guest: &Guest, dialect: Dialect) -> Result<String> {
    let failed = |reason: String| Error::Refused {
        operation: "define",
        reason: format!("{file}: {reason}"),
    };
    let document = Document::read(text).map_err(|error| failed(error.to_string()))?;
    let mut document = named(document, file);
    let before = to_guest(&document, dialect).map_err(failed)?;
    let mut guest = guest.clone();
    if before.uuid.is_none() && guest.uuid == Some(derived_uuid(&before.name)) {
        // It goes by this uuid without saying so.
        guest.uuid = if guest.name == before.name {
            None
        } else {
            guest.uuid
        };
    }
    let notes = xm::apply(&mut document, &guest, dialect, &Bridges::new());
    refuse_essential(&notes.map_err(|error| unconvertible(&error))?)?;
    let wanted = convert(&guest, dialect)?.value;
    verify(&document, &wanted, dialect).map_err(failed)?;
    Ok(document.to_string())
}

/// What a file does not carry of a guest.
pub(super) fn losses(guest: &Guest, dialect: Dialect) -> Result<Vec<Note>> {
    carried::notes(xm::guest_to_xm(guest, dialect, &Bridges::new()))
}

/// The uuid of a guest whose file has none: always the same for a name, so that
/// the guest is the same one at each look.
pub(super) fn derived_uuid(name: &str) -> Uuid {
    // FNV-1a with 128 bits; as version 8 of RFC 9562, which is for such uses.
    const BASE: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let salted = b"xm file of guest ".iter().chain(name.as_bytes());
    let hash = salted.fold(BASE, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    });
    let fixed = !(0xf << 76 | 0x3 << 62);
    Uuid((hash & fixed | 0x8 << 76 | 0x2 << 62).to_be_bytes())
}

/// A file without a name is the guest that is called as the file.
fn named(mut document: Document, file: &str) -> Document {
    let own = document.get("name").and_then(Value::to_text);
    if own.is_none_or(|name| name.is_empty()) {
        document.set("name", &Value::text(file));
    }
    document
}

fn to_guest(document: &Document, dialect: Dialect) -> std::result::Result<Guest, String> {
    let converted = xm::xm_to_guest(document, dialect, &xm::Host::default());
    converted
        .map(|converted| converted.value)
        .map_err(|error| error.to_string())
}

fn convert(guest: &Guest, dialect: Dialect) -> Result<Converted<Document>> {
    xm::guest_to_xm(guest, dialect, &Bridges::new()).map_err(|error| unconvertible(&error))
}

/// Looks whether the changed file says what was wanted; else which line stands
/// against it.
fn verify(
    document: &Document,
    wanted: &Document,
    dialect: Dialect,
) -> std::result::Result<(), String> {
    let again = |document: &Document| {
        let again = Document::read(&document.to_string()).map_err(|error| error.to_string())?;
        let guest = to_guest(&again, dialect)?;
        let said = convert(&guest, dialect).map_err(|error| error.to_string())?;
        Ok::<_, String>(said.value)
    };
    let (said, meant) = (again(document)?, again(wanted)?);
    let names = meant.settings().iter().chain(said.settings());
    let mut differing = names.filter(|it| said.get(&it.name) != meant.get(&it.name));
    let Some(setting) = differing.next() else {
        return Ok(());
    };
    let name = &setting.name;
    let there = document.settings().iter().rev().find(|it| it.name == *name);
    Err(match there {
        Some(there) => {
            let (line, _) = document.place(there.at());
            format!("line {line}: '{name}' cannot be changed in this file; change it by hand")
        }
        None => format!("'{name}' cannot be set in this file; change it by hand"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::sxpr::ConfigVersion;
    use virtxen_guest::MemoryKib;

    fn dialect() -> Dialect {
        ConfigVersion::from_number(Some(2)).into()
    }

    const FILE: &str = "# web server\nvmid = 3\nname = 'vm%d' % vmid # by number\n\
        kernel = \"/boot/vmlinuz\"\nmemory = 2 * 128\nodd = 'kept'\n";

    #[test]
    fn a_changed_value_leaves_the_rest() {
        let mut guest = read(FILE, "web", dialect()).unwrap().guest;
        assert_eq!(guest.name, "vm3");
        guest.current_memory = Some(MemoryKib::from_mib(128));
        guest.memory = MemoryKib::from_mib(128);
        let text = changed(FILE, "web", &guest, dialect()).unwrap();
        assert_eq!(text, FILE.replace("2 * 128", "128") + "maxmem = 128\n");
        guest.memory = MemoryKib::from_mib(256);
        let text = changed(FILE, "web", &guest, dialect()).unwrap();
        assert_eq!(text, FILE.replace("2 * 128", "128") + "maxmem = 256\n");
        guest.current_memory = None;
        assert_eq!(changed(FILE, "web", &guest, dialect()).unwrap(), FILE);
    }

    #[test]
    fn a_file_without_a_name_is_called_as_the_file() {
        let text = "kernel = '/boot/vmlinuz'\n";
        let first = read(text, "web", dialect()).unwrap();
        assert_eq!(first.guest.name, "web");
        assert!(!first.own_uuid);
        assert_eq!(read(text, "web", dialect()).unwrap(), first);
        let other = read(text, "db", dialect()).unwrap();
        assert_ne!(other.guest.uuid, first.guest.uuid);
        let uuid = derived_uuid("web").to_string();
        assert_eq!(uuid.as_bytes().get(14), Some(&b'8'), "{uuid}");
    }

    #[test]
    fn other_files_are_told_apart() {
        let refused = |text: &str| read(text, "web", dialect()).unwrap_err();
        assert!(!refused("#!/bin/sh\nif true; then :; fi\n").unexpected);
        assert!(refused("XENDOMAINS_SAVE = ''\n").reason.contains("none of"));
        let notice = refused("name = 'a'\nimport os\n");
        assert!(notice.reason.contains("line 2") && notice.unexpected);
    }
}
