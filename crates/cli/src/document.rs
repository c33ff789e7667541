//! Documents in files: reading them within bounds, and showing what is wrong with
//! one. What a document means is the guest model's.

use crate::connect::Session;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use virtxen_formats::Note;
use virtxen_guest::{Guest, ParseOptions, Problem, Problems, Severity, parse_guest, place_losses};

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
pub(crate) fn guest(session: &Session, file: &str, text: &str) -> Result<Guest> {
    let options = ParseOptions {
        strict: session.strict,
        ..ParseOptions::default()
    };
    let parsed = parse_guest(text, &options).map_err(|problems| wrong(file, &problems, false))?;
    warn(session, file, &parsed.warnings);
    Ok(parsed.value)
}

/// Warns of what a conversion of a text could not carry.
///
/// # Errors
/// [`Error::Document`] with all of it, with `--strict`.
pub(crate) fn lost(session: &Session, file: &str, text: &str, notes: Vec<Note>) -> Result<()> {
    let severity = match session.strict {
        true => Severity::Error,
        false => Severity::Warning,
    };
    let losses = notes.into_iter().map(|note| note.into_loss(severity));
    let problems = place_losses(text, losses.collect());
    warn_or_fail(session, file, problems)
}

/// Why a document cannot be converted at all.
pub(crate) fn unconvertible(file: &str, text: &str, error: &virtxen_formats::Error) -> Error {
    match error.as_note() {
        Some(note) => {
            let problems = place_losses(text, vec![note.into_loss(Severity::Error)]);
            wrong(file, &Problems { problems }, true)
        }
        None => Error::Failed(format!("{file}: {error}")),
    }
}

/// Warns of problems.
///
/// # Errors
/// [`Error::Document`] with all of them, with `--strict`.
pub(crate) fn warn_or_fail(session: &Session, file: &str, problems: Vec<Problem>) -> Result<()> {
    if session.strict && !problems.is_empty() {
        return Err(wrong(file, &Problems { problems }, true));
    }
    warn(session, file, &problems);
    Ok(())
}

/// Prints warnings about a document.
pub(crate) fn warn(session: &Session, file: &str, warnings: &[Problem]) {
    for warning in warnings {
        session.printer.warning(&format!("{file}: {warning}"));
    }
}

/// An error of the driver; one about the document shows every problem of it.
pub(crate) fn failed(file: &str, error: virtxen_driver::Error) -> Error {
    match error {
        virtxen_driver::Error::Xml(problems) | virtxen_driver::Error::Schema(problems) => {
            wrong(file, &problems, false)
        }
        virtxen_driver::Error::Lost(problems) => wrong(file, &problems, true),
        error => error.into(),
    }
}

fn wrong(file: &str, problems: &Problems, lost: bool) -> Error {
    Error::Document {
        message: format!("{file} cannot be used:\n{}", problems.render()),
        lost,
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
