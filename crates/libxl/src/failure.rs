//! Why a request failed: what went wrong, and what libxl logged meanwhile.

use crate::cause;
use serde::{Deserialize, Serialize};

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{}", self.cause())]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// What libxl logged while this request ran, oldest first.
    pub log: Vec<LogLine>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FailureKind {
    /// libxl could not do it.
    #[error("libxl_{function} failed: {}", code_text(*code))]
    Call {
        /// libxl's function, without `libxl_`.
        function: String,
        /// What it returned, below zero.
        code: i32,
    },
    /// The running Xen's library lacks what this needs.
    #[error("not supported by this Xen: its library has no libxl_{function}")]
    Missing {
        /// libxl's function, without `libxl_`.
        function: String,
    },
    /// The library read a configuration and left something out.
    #[error("the library of this Xen does not know '{key}' of libxl_{structure}")]
    Dropped {
        /// Which structure, without `libxl_`.
        structure: String,
        /// Path of the key, and its value.
        key: String,
    },
    /// The library could not read a configuration.
    #[error("the library of this Xen cannot read '{key}' of libxl_{structure}")]
    Configuration {
        /// Which structure, without `libxl_`.
        structure: String,
        /// Path of the key, and its value.
        key: String,
    },
    /// The host has less memory than the guest needs.
    #[error(
        "not enough free memory: need {} MiB, have {} MiB",
        need_kib.div_ceil(1024),
        free_kib / 1024
    )]
    Memory {
        /// KiB that it needs to start.
        need_kib: u64,
        /// KiB that no guest has.
        free_kib: u64,
    },
    /// It was ended by whoever asked for it.
    #[error("aborted")]
    Aborted,
    /// It cannot be asked for like that, or not now.
    #[error("{reason}")]
    Request {
        /// Why not.
        reason: String,
    },
}

/// A line of libxl's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// How bad it is.
    pub level: LogLevel,
    /// The text, without the place in libxl's source.
    pub text: String,
}

/// How bad a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Of use to who writes libxl.
    Debug,
    /// What is done.
    Info,
    /// What may be wrong.
    Warning,
    /// What is wrong.
    Error,
}

/// libxl's errors, -1 first.
const CODES: &[&str] = &[
    "no reason given",
    "another version of the interface",
    "failed",
    "not implemented",
    "out of memory",
    "invalid argument",
    "failed, and what was begun could not be undone",
    "the guest did not answer in time",
    "timed out",
    "the guest has no drivers for Xen",
    "not ready",
    "an event could not be registered",
    "the buffer is full",
    "unknown child process",
    "the guest's lock could not be taken",
    "no configuration is kept",
    "the device exists already",
    "the devices do not fit the checkpoint",
    "the device cannot be checkpointed",
    "the virtual NUMA nodes are wrong",
    "no such domain",
    "aborted",
    "not found",
    "the domain was destroyed meanwhile",
    "the feature was removed from Xen",
    "the emulator's monitor answered something else",
    "the emulator's monitor reported an error",
    "the emulator's monitor refused",
    "the emulator's monitor has no such command",
    "the emulator's device is not active",
    "the emulator has no such device",
    "the emulator's interface is another one",
];

/// What libxl returns for a request that was aborted.
const ABORTED: i32 = -22;

impl Failure {
    /// A call of libxl that failed.
    #[must_use]
    pub fn call(function: &str, code: i32, log: Vec<LogLine>) -> Self {
        let kind = match code {
            ABORTED => FailureKind::Aborted,
            code => FailureKind::Call {
                function: function.to_owned(),
                code,
            },
        };
        Self { kind, log }
    }

    /// A request that cannot be asked for like that, or not now.
    #[must_use]
    pub fn request(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        FailureKind::Request { reason }.into()
    }

    /// The cause in a sentence: what is known of libxl's words, or its first error.
    /// Those that follow are callers that pass it on.
    #[must_use]
    pub fn cause(&self) -> String {
        match self.kind {
            FailureKind::Call { .. } => {
                cause::of(&self.log).unwrap_or_else(|| self.kind.to_string())
            }
            _ => self.kind.to_string(),
        }
    }

    /// Whether a device is there but of no use.
    pub(crate) fn is_half_made(&self) -> bool {
        cause::is_half_made(&self.log)
    }

    /// Whether libxl said that memory was missing.
    pub(crate) fn is_about_memory(&self) -> bool {
        cause::is_memory(&self.log)
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self {
            kind,
            log: Vec::new(),
        }
    }
}

fn code_text(code: i32) -> String {
    let index = code.checked_neg().and_then(|code| code.checked_sub(1));
    let index = index.and_then(|index| usize::try_from(index).ok());
    match index.and_then(|index| CODES.get(index)) {
        Some(text) => format!("{text} (error {code})"),
        None => format!("error {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: LogLevel, text: &str) -> LogLine {
        LogLine {
            level,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_failure_says_its_cause() {
        let log = vec![
            line(LogLevel::Info, "building"),
            line(LogLevel::Error, "not enough free memory"),
            line(LogLevel::Error, "cannot build domain"),
        ];
        let mut failure = Failure::call("domain_create_new", -3, log);
        assert_eq!(failure.to_string(), "not enough free memory");
        failure.log.clear();
        assert_eq!(
            failure.to_string(),
            "libxl_domain_create_new failed: failed (error -3)"
        );
    }

    #[test]
    fn codes_have_names() {
        assert_eq!(code_text(-21), "no such domain (error -21)");
        assert_eq!(
            code_text(-32),
            "the emulator's interface is another one (error -32)"
        );
        for unknown in [0, 7, -33, i32::MIN, i32::MAX] {
            assert_eq!(code_text(unknown), format!("error {unknown}"));
        }
        let aborted = Failure::call("domain_suspend", ABORTED, Vec::new());
        assert_eq!(aborted.kind, FailureKind::Aborted);
    }
}
