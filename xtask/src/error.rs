//! Why a developer command could not do its work.
//!
//! What a check finds is not an error of the command: see
//! [`Finding`](crate::tidy::Finding).

use std::path::PathBuf;

/// Result of a developer command.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a developer command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot run {program}: {source}{advice}")]
    Start {
        /// Its name.
        program: String,
        /// What the system said.
        source: std::io::Error,
        /// What to do about it, beginning with `; `, or nothing.
        advice: &'static str,
    },
    /// A program ended with a failure.
    #[error("{command} ended with {status}")]
    Ended {
        /// The command line.
        command: String,
        /// Exit code or signal.
        status: std::process::ExitStatus,
    },
    /// What a program printed is not what it is documented to print.
    #[error("unexpected output of {program}: {reason}")]
    Output {
        /// Its name.
        program: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A check found something, which has been printed.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// For `map_err` on operations on `path`.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
