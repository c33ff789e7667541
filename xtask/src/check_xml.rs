//! `cargo xtask check-xml`: libvirt's own schema judges our documents.
//!
//! The documents are those that tests wrote to the folder of `VIRTXEN_XML_OUT`.
//! The judge is `virt-xml-validate`; no rule of the schema is repeated here.

use crate::{Error, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const JUDGE: &str = "virt-xml-validate";
const ADVICE: &str = "; it is in Debian's libvirt-clients and needs libxml2-utils";

/// Validates every distinct document below `paths`; how many there were.
///
/// # Errors
/// When a document is not valid, when there is none, or when there is no judge.
pub fn check_xml(paths: &[PathBuf]) -> Result<usize> {
    let mut seen = HashSet::new();
    let mut bad = 0;
    for file in documents(paths)? {
        let text = std::fs::read(&file).map_err(Error::file(&file))?;
        if seen.insert(text) && !is_valid(&file)? {
            bad += 1;
        }
    }
    match (seen.len(), bad) {
        (0, _) => Err(Error::Failed(
            "no document there: run the tests with VIRTXEN_XML_OUT first".to_owned(),
        )),
        (count, 0) => Ok(count),
        (count, bad) => Err(Error::Failed(format!(
            "{bad} of {count} documents are not valid"
        ))),
    }
}

fn documents(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).map_err(Error::file(path))? {
                let file = entry.map_err(Error::file(path))?.path();
                if file.extension().is_some_and(|name| name == "xml") {
                    found.push(file);
                }
            }
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    Ok(found)
}

fn is_valid(file: &Path) -> Result<bool> {
    let output = Command::new(JUDGE)
        .arg(file)
        .output()
        .map_err(|source| Error::Start {
            program: JUDGE.to_owned(),
            source,
            advice: ADVICE,
        })?;
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        print!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.status.success())
}
