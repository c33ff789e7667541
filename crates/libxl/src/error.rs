//! What can go wrong between who asks and the process that calls libxl.

use crate::{Failure, FrameError};
use std::io;
use std::sync::Arc;

/// What can go wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The process could not be started.
    #[error("cannot start the process that calls libxl ({program})")]
    Start {
        /// What was to be started.
        program: String,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
    /// The process did not say in time that it is there.
    #[error("the process that calls libxl said nothing for {seconds} s")]
    Silent {
        /// How long it had.
        seconds: u64,
    },
    /// The process has no library that it could call.
    #[error("libxl cannot be used: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// The process ended, and with it the calls in flight; what they did is not known.
    #[error("the process that calls libxl ended ({how})")]
    Ended {
        /// "signal 9", "exit status: 1".
        how: String,
    },
    /// The process ended too often in a short time to be started once more.
    #[error("the process that calls libxl ended {times} times in {seconds} s, at last: {last}")]
    Restarts {
        /// How often.
        times: usize,
        /// In how many seconds.
        seconds: u64,
        /// How it ended last.
        last: String,
    },
    /// What is sent is wrong: too long, or without its descriptors.
    #[error("cannot ask libxl for '{operation}'")]
    Request {
        /// What was asked for.
        operation: &'static str,
        /// What is wrong with it.
        #[source]
        source: Arc<FrameError>,
    },
    /// libxl was asked, and could not do it.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// The result of most calls here.
pub type Result<T, E = Error> = std::result::Result<T, E>;
