//! What a conversion by `virtxen-formats` carries, in terms of this crate: which parts of
//! a guest are lost, whether it is still the same guest without them.

use crate::{Error, Result};
use virtxen_formats::{Converted, Note};

/// A conversion as `virtxen-formats` gives it.
type Conversion<T> = std::result::Result<Converted<T>, virtxen_formats::Error>;

/// What a conversion loses; an error about one place is a note of it.
///
/// # Errors
/// There is nothing to be converted.
pub(crate) fn notes<T>(conversion: Conversion<T>) -> Result<Vec<Note>> {
    match conversion {
        Ok(converted) => Ok(converted.notes),
        Err(error) => match error.as_note() {
            Some(note) => Ok(vec![note]),
            None => Err(unconvertible(&error)),
        },
    }
}

/// The value, unless it is another guest without what was lost.
///
/// # Errors
/// What was lost, each part with its place.
pub(crate) fn whole<T>(conversion: Conversion<T>) -> Result<T> {
    let converted = conversion.map_err(|error| unconvertible(&error))?;
    refuse_essential(&converted.notes)?;
    Ok(converted.value)
}

/// Refuses what would be another guest without what was lost.
///
/// # Errors
/// What was lost, each part with its place.
pub(crate) fn refuse_essential(notes: &[Note]) -> Result<()> {
    let essential = notes.iter().filter(|note| note.essential);
    let lost: Vec<String> = essential.map(Note::to_string).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::Guest {
        reason: lost.join("; "),
    })
}

/// A conversion's error as one of the host.
pub(crate) fn unconvertible(error: &virtxen_formats::Error) -> Error {
    Error::Guest {
        reason: error.to_string(),
    }
}
