//! Rules for every file that people write, and for the map of the house.
//!
//! Whitespace, marks of unfinished work, paths of somebody's machine, links that
//! lead nowhere. Rules for Rust alone are in [`source`](super::source).

use super::Finding;
use super::metadata::Metadata;
use crate::{Error, Result};
use std::path::Path;

/// Kinds of files that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rust,
    Markdown,
    Other,
}

impl Kind {
    /// The kind of a file by its name; `None` for what is not checked, such as
    /// recorded bytes.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension().and_then(|name| name.to_str()) {
            Some("rs") => Some(Self::Rust),
            Some("md") => Some(Self::Markdown),
            Some("toml" | "xml" | "vx" | "sh") => Some(Self::Other),
            None if path.starts_with(".ci") => Some(Self::Other),
            _ => None,
        }
    }
}

/// Texts that must not be in any file, and what to do. Written in two parts, so
/// that this file passes.
const UNWANTED: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "do it now or file an issue"),
    (concat!("FIX", "ME"), "do it now or file an issue"),
    (concat!("to", "do!("), "return an error that says so"),
    (
        concat!("\"/wo", "rk/"),
        "no paths of a developer's machine: compute it",
    ),
    (
        concat!(" /wo", "rk/"),
        "no paths of a developer's machine: compute it",
    ),
    (
        concat!("/root/", ".cargo"),
        "no paths of a developer's machine: compute it",
    ),
];

pub(super) fn check(path: &Path, kind: Kind, text: &str, root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |line: usize, message: String| {
        findings.push(Finding {
            file: path.to_path_buf(),
            line: Some(line),
            message,
        });
    };
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            add(index + 1, "remove the white space at the end".to_owned());
        }
        for (unwanted, advice) in UNWANTED {
            if line.contains(unwanted) {
                add(index + 1, format!("'{}': {advice}", unwanted.trim()));
            }
        }
        if kind == Kind::Markdown {
            for target in links(line) {
                let folder = root.join(path.parent().unwrap_or(path));
                if !folder.join(target).exists() {
                    add(index + 1, format!("the link leads nowhere: {target}"));
                }
            }
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        add(text.lines().count(), "end the file with a newline".into());
    }
    findings
}

/// Targets of the links to files in a line of Markdown.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

/// The map in ARCHITECTURE.md has a place for each crate.
pub(super) fn map_names_every_crate(root: &Path, metadata: &Metadata) -> Result<Vec<Finding>> {
    let file = Path::new("ARCHITECTURE.md");
    let map = root.join(file);
    let text = std::fs::read_to_string(&map).map_err(Error::file(&map))?;
    let folders = metadata.ours().filter_map(|package| {
        let folder = package.manifest.parent()?.to_str()?;
        (!text.contains(&format!("`{folder}`"))).then(|| Finding {
            file: file.to_path_buf(),
            line: None,
            message: format!("does not say what `{folder}` is and what it must not know"),
        })
    });
    Ok(folders.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Kind, text: &str) -> Vec<String> {
        let root = crate::root();
        let found = check(Path::new("docs/a.md"), kind, text, &root);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_are_clean() {
        assert_eq!(found(Kind::Other, "a\n\nb\n"), Vec::<String>::new());
        assert_eq!(found(Kind::Other, "a \n").len(), 1);
        assert_eq!(found(Kind::Other, "a\nb").len(), 1);
        let unwanted = UNWANTED[0].0;
        let found = found(Kind::Other, &format!("a\n# {unwanted} later\n"));
        assert!(found[0].starts_with("docs/a.md:2: "), "{found:?}");
    }

    #[test]
    fn links_lead_somewhere() {
        let text = "[a](../Cargo.toml) [b](https://example.org/x) [c](#part)\n";
        assert_eq!(found(Kind::Markdown, text), Vec::<String>::new());
        let found = found(Kind::Markdown, "see [a](gone.md#x)\n");
        assert_eq!(found, ["docs/a.md:1: the link leads nowhere: gone.md"]);
    }

    #[test]
    fn recorded_bytes_are_left_alone() {
        assert_eq!(Kind::of(Path::new("crates/sim/data/reply.sxp")), None);
        assert_eq!(Kind::of(Path::new(".ci/run")), Some(Kind::Other));
    }
}
