//! What came of a script: its lines in the Test Anything Protocol, made into one line.

use std::fmt;
use std::path::Path;
use std::process::Output;

/// How a script went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Skipped,
    Failed,
}

/// A script and what came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    name: String,
    pub(super) outcome: Outcome,
    /// How many checks passed; why it was skipped or failed.
    note: String,
}

impl Report {
    /// From what the script printed.
    pub(super) fn of(script: &Path, output: &Output) -> Self {
        let folder = script.parent().and_then(Path::file_name);
        let file = script.file_name().unwrap_or_default();
        let name = Path::new(folder.unwrap_or_default()).join(file);
        let out = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        let (outcome, note) = judge(&out, &complaints, output.status.success());
        Self {
            name: name.display().to_string(),
            outcome,
            note,
        }
    }
}

fn judge(out: &str, complaints: &str, succeeded: bool) -> (Outcome, String) {
    let plan = out.lines().find_map(|line| line.strip_prefix("1.."));
    if let Some(reason) = plan.and_then(|plan| plan.strip_prefix("0 # SKIP ")) {
        return (Outcome::Skipped, reason.to_owned());
    }
    let planned: Option<usize> = plan.and_then(|plan| plan.trim().parse().ok());
    let results: Vec<&str> = out.lines().filter(|line| is_result(line)).collect();
    let bad: Vec<&&str> = results
        .iter()
        .filter(|line| line.starts_with("not "))
        .collect();
    let skips = results.iter().filter_map(|line| line.split_once("# skip "));
    let skips: Vec<&str> = skips.map(|(_, reason)| reason).collect();
    if succeeded && bad.is_empty() && planned == Some(results.len()) {
        return match skips.first() {
            None => (Outcome::Passed, format!("{} checks", results.len())),
            Some(reason) if skips.len() * 2 > results.len() => (
                Outcome::Skipped,
                format!("{} of {} checks: {reason}", skips.len(), results.len()),
            ),
            Some(reason) => (
                Outcome::Passed,
                format!(
                    "{} checks, of which {} skipped: {reason}",
                    results.len(),
                    skips.len()
                ),
            ),
        };
    }
    let ran = results.len();
    let why = match bad.first() {
        Some(line) => format!("{line}; {}", words(complaints)),
        None => words(complaints),
    };
    let planned = planned.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let passed = ran - bad.len();
    (
        Outcome::Failed,
        format!("{passed} of {planned} checks: {why}"),
    )
}

fn is_result(line: &str) -> bool {
    line.starts_with("ok ") || line.starts_with("not ok ")
}

/// What a script complained of, without its own commentary.
fn words(complaints: &str) -> String {
    let mut lines = complaints.lines().filter(|line| {
        let found = ["# found '", "# died: "]
            .iter()
            .any(|start| line.starts_with(start));
        found || !(line.starts_with('#') || line.trim().is_empty())
    });
    let last = complaints
        .lines()
        .rev()
        .find(|line| line.starts_with("# Looks like"));
    lines
        .next()
        .or(last)
        .unwrap_or("it says nothing")
        .to_owned()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.outcome {
            Outcome::Passed => "ok",
            Outcome::Skipped => "skip",
            Outcome::Failed => "FAIL",
        };
        write!(f, "  {word:4} {}: {}", self.name, self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_decides_too() {
        let of = |out, succeeded| judge(out, "# Looks like it died\n", succeeded).0;
        assert_eq!(of("1..2\nok 1 - a\nok 2 - b\n", true), Outcome::Passed);
        assert_eq!(of("1..3\nok 1 - a\nok 2 - b\n", true), Outcome::Failed);
        assert_eq!(of("1..1\nok 1 - a\n", false), Outcome::Failed);
        assert_eq!(of("", true), Outcome::Failed);
        assert_eq!(of("1..2\nok 1 - a\nnot ok 2 - b\n", false), Outcome::Failed);
    }

    #[test]
    fn what_was_skipped_says_why() {
        let whole = judge("1..0 # SKIP no disks\n", "", true);
        assert_eq!(whole, (Outcome::Skipped, "no disks".to_owned()));
        let most = judge("1..3\nok 1 - a\nok 2 # skip no\nok 3 # skip no\n", "", true);
        assert_eq!(most, (Outcome::Skipped, "2 of 3 checks: no".to_owned()));
        let one = judge("1..3\nok 1\nok 2 - b\nok 3 # skip no\n", "", true);
        assert_eq!(one.0, Outcome::Passed);
    }

    #[test]
    fn a_failure_has_its_first_reason() {
        let said =
            "# Creating\n\n#   Failed test 'x'\n# found 'no such thing\n# '\nboom at line 3\n";
        let (outcome, note) = judge("1..2\nok 1 - a\nnot ok 2 - x\n", said, false);
        assert_eq!(outcome, Outcome::Failed);
        assert_eq!(note, "1 of 2 checks: not ok 2 - x; # found 'no such thing");
    }
}
