//! `cargo xtask fuzz`: throws bytes at the parsers, for a while.
//!
//! The targets are ordinary libFuzzer programs in `fuzz/fuzz_targets`. They are
//! built here with the compiler's coverage pass on the toolchain at hand, since
//! safe code needs no sanitizer; `cargo fuzz` works on the folder as well.
//! What a target asserts is in its own file.

use crate::workspace::{cargo, run};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What libFuzzer wants to be told by the code that it drives.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 --cfg fuzzing";

/// Longest input, in bytes. Limits of the parsers have tests of their own.
const LONGEST: usize = 16 << 10;

/// An input that takes longer than this many seconds is a finding.
const SLOWEST: u32 = 10;

/// Runs one target, or all, for `seconds` each.
///
/// # Errors
/// When a target does not build, is not there, or found something.
pub fn fuzz(root: &Path, target: Option<&str>, seconds: u32) -> Result<()> {
    let all = targets(root)?;
    let chosen: Vec<&String> = all
        .iter()
        .filter(|name| target.is_none_or(|t| t == *name))
        .collect();
    if chosen.is_empty() {
        return Err(Error::Failed(format!(
            "no such target; there are: {}",
            all.join(", ")
        )));
    }
    let programs = build(root)?;
    let mut crashed = Vec::new();
    for name in chosen {
        if let Some(report) = attack(root, &programs.join(name), name, seconds)? {
            println!("{name}: {report}");
        } else {
            crashed.push(name.as_str());
        }
    }
    if crashed.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!(
        "found something: {}; the input is in fuzz/artifacts, make it a test of the crate",
        crashed.join(", ")
    )))
}

fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(Error::file(&folder))? {
        let path = entry.map_err(Error::file(&folder))?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let Some(stem) = stem {
            names.push(stem.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; the folder of the programs. Naming the platform keeps the
/// coverage flags away from build scripts and macros.
fn build(root: &Path) -> Result<PathBuf> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let fuzz = root.join("fuzz");
    let mut build = cargo(&fuzz);
    build
        .args(["build", "--release", "--quiet", "--target", &platform])
        .arg("--target-dir")
        .arg(fuzz.join("target"))
        .env("RUSTFLAGS", COVERAGE);
    run(&mut build, "")?;
    Ok(fuzz.join("target").join(platform).join("release"))
}

/// One run of one target: what it did, or `None` when it found something, which
/// has been printed.
fn attack(root: &Path, program: &Path, name: &str, seconds: u32) -> Result<Option<String>> {
    let fuzz = root.join("fuzz");
    let corpus = fuzz.join("corpus").join(name);
    let artifacts = fuzz.join("artifacts").join(name);
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-timeout={SLOWEST}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(&corpus)
        .args(seeds(root, name));
    let dictionary = fuzz.join("dictionaries").join(name);
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let output = command.output().map_err(Error::file(program))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        eprintln!("{said}");
        return Ok(None);
    }
    let done = said.lines().rfind(|line| line.starts_with("Done "));
    Ok(Some(done.unwrap_or("nothing found").to_owned()))
}

/// Folders of inputs to start from: a target's own, and the examples.
fn seeds(root: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    [root.join("fuzz/seeds").join(name), root.join("examples")]
        .into_iter()
        .filter(|folder| folder.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_declared_and_has_seeds() {
        let root = crate::root();
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        let names = targets(&root).unwrap();
        assert!(!names.is_empty());
        for name in names {
            let line = format!("path = \"fuzz_targets/{name}.rs\"");
            assert!(manifest.contains(&line), "{name} is not in fuzz/Cargo.toml");
            assert!(seeds(&root, &name).next().is_some(), "{name} has no seeds");
        }
    }
}
