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

/// What is asked, and what is done with the answers.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// Files and folders of domain documents besides the examples and the shelf's.
    pub documents: Vec<PathBuf>,
    /// Without the shelf's documents, most of what there is to ask.
    pub short: bool,
    /// Nothing is asked: the answers of the last run are judged once more.
    pub again: bool,
    /// docs/differences.md is written.
    pub write: bool,
}

/// Plays everything on both daemons. Where the peer cannot be had it says so, and that is
/// no failure. The answers stay below `target/differ`.
///
/// # Errors
/// When something differs that no rule knows, and when a daemon does not start.
pub fn differ(root: &Path, questions: &Questions) -> Result<()> {
    if !questions.again
        && let Err(error) = ask(root, questions)
    {
        return match error {
            Absent::Skipped(reason) => {
                println!("skipped: {reason}");
                Ok(())
            }
            Absent::Failed(error) => Err(error),
        };
    }
    let found = sort(&read(root, "peer")?, &read(root, "ours")?);
    for difference in found.unknown.iter().take(SHOWN) {
        println!("UNKNOWN  {difference}");
    }
    println!("{}", report::summary(&found));
    if questions.write {
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

/// Why there are no answers.
enum Absent {
    /// libvirt's daemon cannot run on this machine.
    Skipped(String),
    Failed(Error),
}

impl From<Error> for Absent {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Asks both daemons at the same time; their answers are kept in files.
fn ask(root: &Path, questions: &Questions) -> std::result::Result<(), Absent> {
    let skipped = |error: Error| {
        let what = "libvirt's daemon cannot be had here";
        Absent::Skipped(format!("{what}: {error}"))
    };
    let programs = Programs::get(root, false).map_err(skipped)?;
    let pair = Pair::open(root, programs).map_err(skipped)?;
    pair.peer.peer()?;
    pair.ours.ours(&pair.host())?;
    let documents = documents(root, questions);
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| play(root, &pair.peer, &documents, "peer"));
        play(root, &pair.ours, &documents, "ours")?;
        let strange = || Error::Failed("the questions to libvirt's daemon broke off".to_owned());
        theirs.join().map_err(|_| strange())?
    })?;
    Ok(())
}

/// The documents that are defined, read back and converted.
fn documents(root: &Path, questions: &Questions) -> Vec<PathBuf> {
    let mut documents = vec![root.join("examples")];
    documents.extend(questions.documents.iter().cloned());
    if questions.short {
        return documents;
    }
    let shelf = std::env::var_os("VIRTXEN_SHARED").map(PathBuf::from);
    let shelf = shelf.unwrap_or_else(|| root.join("../shared")).join(SHELF);
    if shelf.is_dir() {
        documents.push(shelf);
    } else {
        let shelf = shelf.display();
        println!("skipped: the documents of {shelf}, which is absent");
    }
    documents
}

/// Asks a daemon everything; what it answered is kept under a name.
fn play(root: &Path, room: &Room, documents: &[PathBuf], name: &str) -> Result<()> {
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
    let path = answers(root, name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    std::fs::write(&path, text).map_err(Error::file(&path))
}

/// What a daemon answered when it was asked last.
fn read(root: &Path, name: &str) -> Result<Vec<Record>> {
    let path = answers(root, name);
    let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
    text.lines().map(Record::read).collect()
}

fn answers(root: &Path, name: &str) -> PathBuf {
    root.join("target/differ").join(format!("{name}.jsonl"))
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
