//! Documents in files: reading them within bounds, and showing what is wrong with
//! one. What a document means is the guest model's.

use crate::connect::Session;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use virtxen_guest::{Guest, ParseOptions, Parsed, Problem, Problems, Severity, parse_guest};

/// The most bytes that a document may have.
const MAX_BYTES: u64 = 16 << 20;

/// The text of a file, `-` for standard input.
///
/// # Errors
/// When it cannot be read, is larger than 16 MiB or not UTF-8.
pub(crate) fn read(file: &str) -> Result<String> {
    let path = Path::new(file);
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)
    } else {
        let file =
            std::fs::File::open(path).map_err(|error| Error::file("open file", path, error))?;
        file.take(MAX_BYTES + 1).read_to_string(&mut text)
    };
    read.map_err(|error| Error::file("read file", path, error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Error::Failed(format!("{file} is larger than 16 MiB")));
    }
    Ok(text)
}

/// Reads a guest, warns of what is odd and shows every problem with its place.
///
/// # Errors
/// [`Error::Document`] with all problems.
pub(crate) fn guest(session: &Session, file: &str, text: &str, strict: bool) -> Result<Guest> {
    let options = ParseOptions {
        strict,
        ..ParseOptions::default()
    };
    checked(session, file, parse_guest(text, &options))
}

/// The value of a document, its warnings printed.
///
/// # Errors
/// [`Error::Document`] with all problems.
pub(crate) fn checked<T>(
    session: &Session,
    file: &str,
    parsed: std::result::Result<Parsed<T>, Problems>,
) -> Result<T> {
    match parsed {
        Ok(parsed) => {
            for warning in &parsed.warnings {
                session.printer.warning(&format!("{file}: {warning}"));
            }
            Ok(parsed.value)
        }
        Err(problems) => Err(wrong(file, &problems)),
    }
}

/// The error that shows every problem of a document.
pub(crate) fn wrong(file: &str, problems: &Problems) -> Error {
    Error::Document {
        message: format!("{file} cannot be used:\n{}", problems.render()),
        problems: problems.problems.iter().map(problem_json).collect(),
    }
}

/// A problem for programs.
pub(crate) fn problem_json(problem: &Problem) -> Value {
    json!({
        "severity": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": problem.kind.to_string(),
        "line": problem.line,
        "column": problem.column,
        "offset": problem.offset,
    })
}
