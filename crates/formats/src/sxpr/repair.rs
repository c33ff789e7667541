//! Reader for files that people keep: a parenthesis too few or too many at the
//! end does not make a configuration useless.
//!
//! XenD's replies are not read so: there a missing end means a cut connection.

use super::read::{Limits, ReadError, ReadErrorKind, read, read_prefix};
use super::{ConfigVersion, Runtime, Sxpr, sxpr_to_guest};
use crate::convert::{Converted, Error, Note};
use virtxen_guest::Guest;

/// Reads a text that is one expression. Lists that are open at the end are
/// closed, parentheses too many are left out; what was wrong comes with the tree.
///
/// # Errors
/// Whatever else is wrong with the text.
pub fn read_repaired(text: &str, limits: Limits) -> Result<(Sxpr, Option<ReadError>), ReadError> {
    let error = match read(text, limits) {
        Ok(tree) => return Ok((tree, None)),
        Err(error) => error,
    };
    match error.kind {
        ReadErrorKind::OpenList { .. } => {
            // What is closed once too often is not looked at.
            let closed = format!("{text}\n{}", ")".repeat(limits.depth));
            let limits = Limits {
                bytes: limits.bytes.max(closed.len()),
                ..limits
            };
            let (tree, _) = read_prefix(&closed, limits)?;
            Ok((tree, Some(error)))
        }
        ReadErrorKind::Trailing => {
            let (tree, end) = read_prefix(text, limits)?;
            let rest = text.get(end..).unwrap_or_default().trim();
            // XenD itself ends some replies with an empty text.
            let harmless = rest == "''";
            if harmless || rest.chars().all(|c| c == ')' || c.is_whitespace()) {
                Ok((tree, (!harmless).then_some(error)))
            } else {
                Err(error)
            }
        }
        _ => Err(error),
    }
}

/// Reads a file with `(vm …)` or `(domain …)` as a guest; what had to be repaired
/// is the first note.
///
/// # Errors
/// When the text is no expression, or the expression no guest.
pub fn text_to_guest(
    text: &str,
    version: ConfigVersion,
    runtime: &Runtime,
) -> Result<Converted<Guest>, Error> {
    let (tree, defect) = read_repaired(text, Limits::default())?;
    let mut converted = sxpr_to_guest(&tree, version, runtime)?;
    if let Some(defect) = defect {
        let note = Note {
            path: tree.name().unwrap_or_default().to_owned(),
            at: Some(defect.at),
            reason: format!("{defect}; read as if it were right"),
            essential: false,
        };
        converted.notes.insert(0, note);
    }
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_repaired_and_told() {
        let right = read("(a (b c))", Limits::default()).unwrap();
        for (text, told) in [
            ("(a (b c))", false),
            ("(a (b c))''", false),
            ("(a (b c)", true),
            ("(a (b c # x", true),
            ("(a (b c)) ) )\n", true),
        ] {
            let (tree, defect) = read_repaired(text, Limits::default()).unwrap();
            assert_eq!((tree, defect.is_some()), (right.clone(), told), "{text}");
        }
        for text in ["(a (b 'c", "(a) b", ")", ""] {
            assert!(read_repaired(text, Limits::default()).is_err(), "{text}");
        }
    }
}
