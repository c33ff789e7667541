//! `cargo xtask check-xml`: libvirt's own schema judges our documents.
//!
//! The documents are those that tests wrote to the folder of `VIRTXEN_XML_OUT`.
//! The judge is `virt-xml-validate`; no rule of the schema is repeated here.

use crate::{Error, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Finds the schema by a document's root and hands both to `xmllint`, one a call.
const JUDGE: &str = "virt-xml-validate";
/// What it runs, which takes many documents of one schema.
const LINT: &str = "xmllint";
/// Where Debian's libvirt has the schema of domains, as the judge knows.
const DOMAIN_SCHEMA: &str = "/usr/share/libvirt/schemas/domain.rng";
const ADVICE: &str = "; virt-xml-validate is in Debian's libvirt-clients, xmllint in libxml2-utils";
/// Documents in one call, so that a command line holds their names.
const AT_ONCE: usize = 1000;

/// Validates every distinct document below `paths`; how many there were.
///
/// # Errors
/// When a document is not valid, when there is none, or when there is no judge.
pub fn check_xml(paths: &[PathBuf]) -> Result<usize> {
    let mut seen = HashSet::new();
    let (mut domains, mut others) = (Vec::new(), Vec::new());
    for file in documents(paths)? {
        let text = std::fs::read(&file).map_err(Error::file(&file))?;
        let is_domain = text.starts_with(b"<domain ");
        if seen.insert(text) {
            match is_domain && Path::new(DOMAIN_SCHEMA).exists() {
                true => domains.push(file),
                false => others.push(file),
            }
        }
    }
    // The judge itself has to be there and agree on one of each lot.
    let mut bad = 0;
    for lot in domains.chunks(AT_ONCE) {
        bad += refused_of(lot)?;
        others.extend(lot.first().cloned());
    }
    for file in others {
        bad += usize::from(!is_valid(&file)?);
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

/// How many of these domains the schema refuses; what is wrong with them is printed.
fn refused_of(files: &[PathBuf]) -> Result<usize> {
    let mut lint = Command::new(LINT);
    lint.args(["--noout", "--relaxng", DOMAIN_SCHEMA]);
    let output = run(lint.args(files), LINT)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut valid = 0;
    for line in said.lines() {
        match line.ends_with(" validates") {
            true => valid += 1,
            false => println!("{line}"),
        }
    }
    match output.status.success() && valid == files.len() {
        true => Ok(0),
        false => Ok(files.len().saturating_sub(valid).max(1)),
    }
}

fn is_valid(file: &Path) -> Result<bool> {
    let output = run(Command::new(JUDGE).arg(file), JUDGE)?;
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        print!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.status.success())
}

fn run(command: &mut Command, program: &str) -> Result<Output> {
    command.output().map_err(|source| Error::Start {
        program: program.to_owned(),
        source,
        advice: ADVICE,
    })
}
