//! `cargo xtask differ`: the same calls and commands on libvirt's own daemon and on
//! virtxend, and what came out differently.
//!
//! `xtask/differ` has what is asked, `rules` which differences are known and why they are
//! there, `compare` finds them, `report` writes docs/differences.md. A difference without
//! a rule fails.

mod compare;
mod flatten;
mod report;
mod rules;

use crate::peer::{Pair, Programs, Room};
use crate::workspace::output;
use crate::{Error, Result};
use compare::{Difference, Record, differences};
use rules::{RULES, Verdict};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's package is for its own interpreter, whatever else is in the path.
const PYTHON: &str = "/usr/bin/python3";

/// Where the reference shelf has domain documents of other people.
const SHELF: &str = "corpus";

/// Unknown differences that are shown.
const SHOWN: usize = 40;

/// What a run found.
struct Found {
    steps: usize,
    same: usize,
    /// Differences by the number of their rule.
    known: Vec<Vec<Difference>>,
    unknown: Vec<Difference>,
}

/// Plays everything on both daemons. `documents` are files and folders besides the
/// examples and the shelf's; with `write` docs/differences.md is written. Where the
/// peer cannot be had it says so, and that is no failure.
///
/// # Errors
/// When something differs that no rule knows, and when a daemon does not start.
pub fn differ(root: &Path, documents: &[PathBuf], write: bool) -> Result<()> {
    let programs = match Programs::get(root, false) {
        Ok(programs) => programs,
        Err(error) => {
            println!("skipped: libvirt's daemon cannot be had here: {error}");
            return Ok(());
        }
    };
    let pair = match Pair::open(root, programs) {
        Ok(pair) => pair,
        Err(error) => {
            println!("skipped: {error}");
            return Ok(());
        }
    };
    pair.peer.peer()?;
    pair.ours.ours(&pair.host())?;
    let mut documents = documents.to_vec();
    documents.insert(0, root.join("examples"));
    let shelf = std::env::var_os("VIRTXEN_SHARED").map(PathBuf::from);
    let shelf = shelf.unwrap_or_else(|| root.join("../shared")).join(SHELF);
    if shelf.is_dir() {
        documents.push(shelf);
    } else {
        println!(
            "skipped: the documents of {}, which is absent",
            shelf.display()
        );
    }
    let theirs = play(root, &pair.peer, &documents)?;
    let ours = play(root, &pair.ours, &documents)?;
    let found = sort(&theirs, &ours);
    for difference in found.unknown.iter().take(SHOWN) {
        println!("UNKNOWN  {difference}");
    }
    println!("{}", report::summary(&found));
    if write {
        let path = root.join("docs/differences.md");
        std::fs::write(&path, report::document(&found)).map_err(Error::file(&path))?;
    }
    match found.unknown.len() {
        0 => Ok(()),
        count => Err(Error::Failed(format!(
            "{count} differences that xtask/src/differ/rules.rs does not know"
        ))),
    }
}

/// What a daemon answered to everything.
fn play(root: &Path, room: &Room, documents: &[PathBuf]) -> Result<Vec<Record>> {
    let mut python = Command::new(PYTHON);
    python
        .arg(root.join("xtask/differ/play.py"))
        .arg(room.uri())
        .args(documents)
        .current_dir(root)
        .env("LC_ALL", "C")
        .env("HOME", room.folder())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let text = output(&mut python, "; it is in Debian's python3")?;
    let text = String::from_utf8_lossy(&text);
    text.lines().map(Record::read).collect()
}

/// Which rule each difference belongs to. A step that only one of them came to follows
/// one that went differently, which counts.
fn sort(theirs: &[Record], ours: &[Record]) -> Found {
    let mut found = Found {
        steps: 0,
        same: 0,
        known: RULES.iter().map(|_| Vec::new()).collect(),
        unknown: Vec::new(),
    };
    let mut answers: BTreeMap<&str, VecDeque<&Record>> = BTreeMap::new();
    for record in ours {
        answers.entry(&record.step).or_default().push_back(record);
    }
    for theirs in theirs {
        let answers = answers.get_mut(theirs.step.as_str());
        let Some(ours) = answers.and_then(VecDeque::pop_front) else {
            continue;
        };
        let differences = differences(theirs, ours);
        found.steps += 1;
        found.same += usize::from(differences.is_empty());
        for difference in differences {
            let rule = RULES.iter().position(|rule| rule.knows(&difference));
            match rule.and_then(|rule| found.known.get_mut(rule)) {
                Some(known) => known.push(difference),
                None => found.unknown.push(difference),
            }
        }
    }
    found
}

/// How many differences there are of a verdict.
fn count(found: &Found, verdict: Verdict) -> usize {
    let rules = RULES.iter().zip(&found.known);
    rules
        .filter(|(rule, _)| rule.verdict == verdict)
        .map(|(_, known)| known.len())
        .sum()
}
