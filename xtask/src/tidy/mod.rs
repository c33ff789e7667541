//! The rules of the house that a machine can check.
//!
//! `arrows` and `dependencies` read `cargo metadata`; `source` reads each
//! Rust file; `text` reads every file that people write. Rules that a compiler
//! lint covers (function length, `todo!`, unused results) are in the workspace's
//! `Cargo.toml`, not here. What a finding says is enough to act on it.

mod arrows;
mod dependencies;
mod metadata;
mod source;
mod text;

use crate::Result;
use std::fmt;
use std::path::{Path, PathBuf};

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The line from 1; none where the rule is about the whole file.
    pub line: Option<usize>,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

/// Everything in the workspace at `root` that breaks a rule.
///
/// # Errors
/// When files cannot be read or `cargo metadata` fails; not for findings.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = metadata::Metadata::read(root)?;
    let mut findings = arrows::check(&metadata);
    findings.extend(dependencies::check(&metadata));
    findings.extend(source::forbids_unsafe(&metadata)?);
    for file in crate::workspace::files(root)? {
        let path = file.strip_prefix(root).unwrap_or(&file);
        let Some(kind) = text::Kind::of(path) else {
            continue;
        };
        let content = std::fs::read_to_string(&file).map_err(crate::Error::file(&file))?;
        findings.extend(text::check(path, kind, &content, root));
        if kind == text::Kind::Rust {
            findings.extend(source::check(path, &content));
        }
    }
    findings.extend(text::map_names_every_crate(root, &metadata)?);
    Ok(findings)
}
