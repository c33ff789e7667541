//! Rules for Rust files: what stands at the top, how long they are, what pure
//! crates must not name.
//!
//! Lines are looked at one by one; nothing here parses Rust. Length of functions
//! is clippy's `too_many_lines`, with its limit in `clippy.toml`.

use super::Finding;
use super::metadata::Metadata;
use crate::{Error, Result};
use std::path::Path;

/// Most lines of code in a file: lines that are neither blank nor comments,
/// down to the test module at its end.
const CODE_LINES: usize = 400;

/// The same for a file of tests, which has many small parts.
const TEST_LINES: usize = 500;

/// Most lines of a whole file, with documentation and tests.
const ALL_LINES: usize = 700;

/// A file with more code than this, or one that opens a folder, needs two lines of
/// its own documentation. Others are one part among several like it, which the
/// file that opens their folder explains.
const SMALL_FILE: usize = 200;
const OPENS_FOLDER: &[&str] = &["lib.rs", "main.rs", "mod.rs"];

/// Crates with unsafe code: the hypercall interface and the libxl binding.
const UNSAFE_CRATES: &[&str] = &["virtxen-hypercall", "virtxen-libxl"];

/// Crates that compute only, and what would break that.
const PURE_CRATES: &[&str] = &[
    "crates/guest/src",
    "crates/formats/src",
    "crates/rpc/src",
    "crates/sasl/src",
];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::os::",
    "std::time::SystemTime",
    "tokio",
];

/// Names that say nothing about what a type does.
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Util", "Utils"];

pub(super) fn forbids_unsafe(metadata: &Metadata) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in metadata.ours() {
        if UNSAFE_CRATES.contains(&package.name.as_str()) {
            continue;
        }
        for file in &package.roots {
            let text = std::fs::read_to_string(file).map_err(Error::file(file))?;
            if !text.lines().any(|line| line == "#![forbid(unsafe_code)]") {
                let file = file.strip_prefix(&metadata.root).unwrap_or(file);
                findings.push(finding(
                    file,
                    None,
                    "add #![forbid(unsafe_code)] below the module documentation",
                ));
            }
        }
    }
    Ok(findings)
}

pub(super) fn check(path: &Path, text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().collect();
    let code = &lines[..test_module(&lines).unwrap_or(lines.len())];
    let mut findings = Vec::new();
    findings.extend(module_doc(path, &lines, code));
    findings.extend(length(path, code, lines.len()));
    findings.extend(names(path, code));
    if PURE_CRATES.iter().any(|folder| path.starts_with(folder)) {
        findings.extend(purity(path, code));
    }
    findings
}

/// Where the test module at the end of a file begins.
fn test_module(lines: &[&str]) -> Option<usize> {
    let at = lines.iter().rposition(|line| *line == "#[cfg(test)]")?;
    let is_module = lines
        .get(at + 1)
        .is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
    is_module.then_some(at)
}

fn module_doc(path: &Path, lines: &[&str], code: &[&str]) -> Option<Finding> {
    let opens = OPENS_FOLDER.iter().any(|name| path.ends_with(name));
    let large = count(code) > SMALL_FILE;
    let needed = if opens || large { 2 } else { 1 };
    let doc = lines.iter().take_while(|line| line.starts_with("//!"));
    (doc.filter(|line| line.len() > 4).count() < needed).then(|| {
        finding(
            path,
            Some(1),
            format!("begin with {needed} or more //! lines: what it is, what is not in it"),
        )
    })
}

fn length(path: &Path, code: &[&str], all: usize) -> Option<Finding> {
    let tests = path.components().any(|part| part.as_os_str() == "tests");
    let limit = if tests { TEST_LINES } else { CODE_LINES };
    let count = count(code);
    let message = if count > limit {
        format!("{count} lines of code, at most {limit}: split the file by what its parts are")
    } else if all > ALL_LINES {
        format!("{all} lines, at most {ALL_LINES}: move tests to a file of their own")
    } else {
        return None;
    };
    Some(finding(path, None, message))
}

fn count(code: &[&str]) -> usize {
    code.iter().filter(|line| is_code(line)).count()
}

fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

fn names(path: &Path, code: &[&str]) -> Vec<Finding> {
    numbered(code)
        .filter_map(|(number, line)| {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.find(|word| matches!(*word, "struct" | "enum" | "trait" | "type"))?;
            let name = words.next()?;
            let empty = EMPTY_NAMES.iter().find(|empty| name.ends_with(**empty))?;
            let message =
                format!("'{name}': {empty} says nothing, name it by what it is in Xen's words");
            Some(finding(path, Some(number), message))
        })
        .collect()
}

fn purity(path: &Path, code: &[&str]) -> Vec<Finding> {
    numbered(code)
        .filter_map(|(number, line)| {
            let word = IMPURE.iter().find(|word| line.contains(**word))?;
            let message = format!(
                "{word} in a crate that does no I/O: take the bytes, time or setting as an argument"
            );
            Some(finding(path, Some(number), message))
        })
        .collect()
}

fn numbered<'a>(code: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> {
    let numbered = code
        .iter()
        .enumerate()
        .map(|(index, line)| (index + 1, *line));
    numbered.filter(|(_, line)| is_code(line))
}

fn finding(path: &Path, line: Option<usize>, message: impl Into<String>) -> Finding {
    Finding {
        file: path.to_path_buf(),
        line,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOC: &str = "//! A part.\n//! Not the other part.\n\n";

    fn messages(path: &str, text: &str) -> Vec<String> {
        let found = check(Path::new(path), text);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_begins_with_its_documentation() {
        assert_eq!(messages("a.rs", DOC), Vec::<String>::new());
        assert_eq!(messages("a.rs", "//! One line.\n"), Vec::<String>::new());
        let large = format!("//! One line.\n{}", "x();\n".repeat(SMALL_FILE + 1));
        for text in ["", "use x;\n", "//!\n", "// A comment.\n", &large] {
            let found = messages("a.rs", text);
            assert!(found[0].starts_with("a.rs:1: begin with"), "{found:?}");
        }
    }

    #[test]
    fn code_is_counted_without_comments_and_tests() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "x();\n".repeat(200));
        let fits = format!("{DOC}{}{tests}", "x();\n".repeat(CODE_LINES));
        assert_eq!(messages("a.rs", &fits), Vec::<String>::new());
        let over = format!("{DOC}{}// c\n\n{tests}", "x();\n".repeat(CODE_LINES + 1));
        let found = messages("a.rs", &over);
        assert!(found[0].starts_with("a.rs: 401 lines of code"), "{found:?}");
        assert_eq!(messages("crates/x/tests/a.rs", &over), Vec::<String>::new());
        let long = format!("{DOC}{}", "// c\n".repeat(ALL_LINES));
        assert_eq!(messages("a.rs", &long).len(), 1);
    }

    #[test]
    fn pure_crates_do_no_input_or_output() {
        let text = format!("{DOC}// std::fs\nuse std::fs;\n#[cfg(test)]\nmod t {{\nstd::fs }}\n");
        let found = messages("crates/guest/src/a.rs", &text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/guest/src/a.rs:5: std::fs"));
        assert_eq!(messages("crates/sim/src/a.rs", &text).len(), 0);
    }

    #[test]
    fn names_say_something() {
        let found = messages("a.rs", &format!("{DOC}pub struct DomainManager;\n"));
        assert!(found[0].starts_with("a.rs:4: 'DomainManager'"), "{found:?}");
    }
}
