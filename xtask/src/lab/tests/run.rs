//! Runs tests in dom0, one after the other, and says what came of each.
//!
//! What they do is said in the files beside this one.

use super::super::dom0::{Dom0, quoted};
use super::Test;
use crate::Result;
use std::time::Instant;

/// Longest a test may take, in seconds of dom0's clock.
const PATIENCE: u32 = 300;

/// What came of a test.
pub(in super::super) struct Outcome {
    pub(super) test: &'static Test,
    pub(super) seconds: u64,
    pub(in super::super) passed: bool,
}

/// Runs tests, and returns what came of them.
///
/// # Errors
/// When dom0 cannot be reached; a test that fails is an outcome.
pub(in super::super) fn run(dom0: &Dom0<'_>, tests: &[&'static Test]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for test in tests {
        let begin = Instant::now();
        let script = format!(
            ". /srv/lab/steps.sh\ncalm >/dev/null 2>&1\n{}\n",
            test.script
        );
        let line = format!("timeout -k 5 {PATIENCE} bash -c {} 2>&1", quoted(&script));
        let (passed, text) = dom0.outcome(&line)?;
        let seconds = begin.elapsed().as_secs();
        let word = if passed { "ok    " } else { "FAILED" };
        println!("{word} {:<12} {seconds:>4} s  {}", test.name, test.what);
        let shown = text
            .lines()
            .filter(|line| !passed || line.starts_with("note: "));
        let shown: Vec<&str> = shown.collect();
        for line in shown.iter().skip(shown.len().saturating_sub(25)) {
            println!("           {line}");
        }
        outcomes.push(Outcome {
            test,
            seconds,
            passed,
        });
    }
    dom0.outcome(". /srv/lab/steps.sh; calm")?;
    Ok(outcomes)
}
