//! Runs the real binary, on a host in memory unless a test says otherwise.
//! What it is asked to do is in the tests.
#![allow(dead_code, clippy::expect_used)]

use serde_json::Value;
use std::process::{Command, Output, Stdio};

/// The root of the repository, where `examples/` is.
pub(crate) fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// virtxen in the repository's root, on a host in memory unless `words` say otherwise.
pub(crate) fn virtxen(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virtxen"));
    command
        .args(words)
        .current_dir(root())
        .env("VIRTXEN_DEFAULT_URI", "sim:")
        .env_remove("NO_COLOR")
        .env_remove("VISUAL")
        .env("EDITOR", "true")
        .stdin(Stdio::null());
    command
}

/// What came of a call.
pub(crate) struct Ran {
    /// Exit status.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// Of a finished process. The documents that it printed are for the foreign check.
    pub(crate) fn of(output: Output) -> Self {
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        virtxen_testkit::record_printed_domains("cli", &out);
        Self {
            status: output.status.code().expect("ended by a signal"),
            out,
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// The one JSON document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// Runs virtxen to its end.
pub(crate) fn run(words: &[&str]) -> Ran {
    Ran::of(virtxen(words).output().expect("cannot run virtxen"))
}

/// Runs a script and expects that all of it works.
pub(crate) fn script(text: &str) -> String {
    let ran = run(&["-c", "sim:", text]);
    assert_eq!(ran.status, 0, "{text}\n{}{}", ran.out, ran.err);
    ran.out
}
