//! Writing a changed guest onto the file that it came from.
//!
//! Only names whose value is another one for the changed guest are touched:
//! comments, order, unknown names and the user's way to say things stay. What a
//! list keeps stays spelled as it was.

use super::{Bridges, Dialect, Host, Out, guest};
use crate::config::{Document, Value};
use crate::convert::{Error, Note};
use virtxen_guest::Guest;

/// Names that say the same in another way: setting the first makes the others
/// wrong.
const SAME: &[(&str, &[&str])] = &[
    ("builder", &["type"]),
    ("type", &["builder"]),
    ("cmdline", &["root", "extra"]),
    ("extra", &["root", "cmdline"]),
    ("device_model_override", &["device_model"]),
    ("device_model", &["device_model_override"]),
    ("bootargs", &["bootloader_args"]),
    ("vcpus", &["vcpu_avail", "maxvcpus"]),
    ("vcpu_avail", &["maxvcpus"]),
    ("cpus", &["cpu"]),
    ("stdvga", &["vga"]),
    ("vga", &["stdvga", "nographic"]),
    ("nographic", &["vga", "stdvga"]),
];

/// Names that go before others, or beside which others have no effect.
const OTHER_WAYS: &[&str] = &["vfb", "vnc", "sdl", "spice", "loader", "bootloader_args"];

/// Changes the file to be the guest's.
///
/// # Errors
/// When the file is of no guest, or the guest cannot be written at all; the file
/// stays as it is.
pub(crate) fn apply(
    document: &mut Document,
    changed: &Guest,
    dialect: Dialect,
    bridges: &Bridges,
) -> Result<Vec<Note>, Error> {
    let old = guest::read(document, dialect, &Host::default())?.value;
    let before = guest::write(&old, dialect, bridges)?.value;
    let written = guest::write(changed, dialect, bridges)?;
    let after = written.value;
    let mut result = document.clone();
    for (name, _) in before.iter() {
        if after.get(name).is_none() {
            remove(&mut result, name, &after);
        }
    }
    for (name, value) in after.iter() {
        let earlier = before.get(name);
        if earlier == Some(value) {
            continue;
        }
        let spelled = as_spelled(document.get(name), earlier, value);
        result.set(name, &spelled);
        remove_others(&mut result, name, &after);
    }
    let meaning = |file: &Document| {
        let guest = guest::read(file, dialect, &Host::default())?.value;
        guest::write(&guest, dialect, bridges).map(|written| written.value)
    };
    let changes = result != *document;
    let wanted = meaning(&after.document())?;
    let as_wanted =
        |file: &Document| Ok::<_, Error>(meaning(file)?.document() == wanted.document());
    if changes && !as_wanted(&result)? {
        // What the file leaves unsaid may follow from what has changed.
        let said = meaning(&result)?;
        for (name, value) in wanted.iter() {
            if said.get(name) != Some(value) && result.get(name).is_none() {
                result.set(name, value);
            }
        }
    }
    if changes && !as_wanted(&result)? {
        // The file may say a part in a way that goes before ours: then ours is said
        // whole.
        for name in OTHER_WAYS {
            if after.get(name).is_none() {
                result.remove(name);
            }
        }
        for (name, value) in after.iter() {
            result.set(name, value);
        }
    }
    *document = result;
    Ok(written.notes)
}

fn remove(document: &mut Document, name: &str, after: &Out) {
    document.remove(name);
    remove_others(document, name, after);
}

fn remove_others(document: &mut Document, name: &str, after: &Out) {
    let same = SAME.iter().find(|(first, _)| *first == name);
    for other in same.map_or(&[][..], |(_, others)| others) {
        if after.get(other).is_none() {
            document.remove(other);
        }
    }
}

/// The value with those entries that stay written as the user wrote them.
fn as_spelled(theirs: Option<&Value>, before: Option<&Value>, after: &Value) -> Value {
    let (Some(Value::List(theirs)), Some(Value::List(before)), Value::List(after)) =
        (theirs, before, after)
    else {
        return after.clone();
    };
    if theirs.len() != before.len() {
        return Value::List(after.clone());
    }
    let spelled = after.iter().map(|value| {
        let same = before.iter().position(|old| old == value);
        let theirs = same.and_then(|index| theirs.get(index));
        theirs.unwrap_or(value).clone()
    });
    Value::List(spelled.collect())
}
