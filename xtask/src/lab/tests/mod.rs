//! Tests of virtxen on the real Xen of a lab: each is a shell script that runs in dom0, with
//! the words of `lab/tests/steps.sh`.
//!
//! One file a kind of operation; `run` runs them, `report` keeps what came of it.

mod beside;
mod channels;
mod devices;
mod handover;
mod lifecycle;
mod passthrough;
mod report;
mod resources;
mod restart;
mod run;
mod saving;

pub(super) use report::write;
pub(super) use run::{Outcome, run};

/// A test.
pub(super) struct Test {
    /// By which it is asked for.
    pub(super) name: &'static str,
    /// What it shows.
    pub(super) what: &'static str,
    /// Lines for bash, in dom0. A line `note: …` that it prints is shown.
    script: &'static str,
}

/// All of them, by what they are about.
const KINDS: [&[Test]; 9] = [
    channels::TESTS,
    beside::TESTS,
    lifecycle::TESTS,
    resources::TESTS,
    devices::TESTS,
    passthrough::TESTS,
    saving::TESTS,
    restart::TESTS,
    handover::TESTS,
];

/// Those that `.ci/run` has time for.
const SMOKE: [&str; 4] = ["routes", "list", "beside", "transient"];

/// The tests with one of these names; for a word that is no test's name, those that have it
/// in their names. All if there is no word.
pub(super) fn chosen(names: &[String], smoke: bool) -> Vec<&'static Test> {
    let all = || KINDS.into_iter().flatten();
    let is_meant = |test: &Test, word: &String| match all().any(|it| it.name == word) {
        true => test.name == word,
        false => test.name.contains(&**word),
    };
    all()
        .filter(|test| !smoke || SMOKE.contains(&test.name))
        .filter(|test| names.is_empty() || names.iter().any(|word| is_meant(test, word)))
        .collect()
}

#[cfg(test)]
mod table {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_smoke_tests_are_there() {
        let all = chosen(&[], false);
        let names: HashSet<_> = all.iter().map(|test| test.name).collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(chosen(&[], true).len(), SMOKE.len());
        assert!(chosen(&["list".to_owned()], false).len() < all.len());
        assert_eq!(chosen(&["hvm".to_owned()], false).len(), 1);
        assert_eq!(chosen(&["hvm-".to_owned()], false).len(), 1);
        assert!(chosen(&["no test's name".to_owned()], false).is_empty());
    }

    #[test]
    fn scripts_are_shell() {
        for test in chosen(&[], false) {
            let mut bash = std::process::Command::new("bash");
            let status = bash.args(["-n", "-c", test.script]).status().unwrap();
            assert!(status.success(), "{}", test.name);
        }
    }
}
