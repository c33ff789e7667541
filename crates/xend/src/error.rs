//! What can go wrong between us and XenD.
//!
//! XenD's own words are kept as they came; which kind of error they are is
//! decided in [`answer`](crate::answer), by facts and not by their wording.

use crate::reply::ReplyError;
use crate::request::FormTooLarge;
use std::time::Duration;
use virtxen_formats::sxpr::ReadError;

/// Result of an operation of XenD.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation of XenD failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// XenD could not be reached.
    #[error("cannot connect to XenD at {address}: {source}")]
    Connect {
        /// Where it was sought.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("{operation}: the connection to XenD broke: {source}")]
    Broken {
        /// What was asked for.
        operation: &'static str,
        /// How.
        source: std::io::Error,
    },
    /// A deadline passed.
    #[error("{operation}: XenD did not {phase} within {} s", .limit.as_secs_f32())]
    Timeout {
        /// What was asked for.
        operation: &'static str,
        /// What it was waited for.
        phase: Phase,
        /// The deadline.
        limit: Duration,
    },
    /// What came is no HTTP reply.
    #[error("{operation}: {source}")]
    Reply {
        /// What was asked for.
        operation: &'static str,
        /// What is wrong with it.
        source: ReplyError,
    },
    /// What came is no S-expression.
    #[error("{operation}: XenD's answer cannot be read: {source}")]
    Expression {
        /// What was asked for.
        operation: &'static str,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The answer lacks something or has something unexpected.
    #[error("{operation}: XenD's answer {what}")]
    Content {
        /// What was asked for.
        operation: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// XenD knows no such domain.
    #[error("{operation}: XenD knows no such domain ({words})")]
    NoDomain {
        /// What was asked for.
        operation: &'static str,
        /// XenD's words.
        words: String,
    },
    /// This XenD does not have this operation.
    #[error("{operation}: XenD says: {words}")]
    NotImplemented {
        /// What was asked for.
        operation: &'static str,
        /// XenD's words.
        words: String,
    },
    /// XenD said no.
    #[error("{operation}: XenD says: {words}")]
    Refused {
        /// What was asked for.
        operation: &'static str,
        /// Status of the reply.
        status: u16,
        /// XenD's words.
        words: String,
    },
    /// The domain is not active; nothing was sent, since XenD would not answer.
    #[error("{operation}: the domain is not active")]
    Inactive {
        /// What was asked for.
        operation: &'static str,
    },
    /// The release of this XenD cannot do it; nothing was sent.
    #[error("{operation}: {reason}")]
    Unsupported {
        /// What was asked for.
        operation: &'static str,
        /// Why, naming the release.
        reason: String,
    },
    /// The request is longer than XenD reads; nothing was sent.
    #[error("{operation}: {source}")]
    TooLarge {
        /// What was asked for.
        operation: &'static str,
        /// How long it is.
        source: FormTooLarge,
    },
}

impl Error {
    /// Whether XenD knows no such domain.
    #[must_use]
    pub fn is_no_domain(&self) -> bool {
        matches!(self, Self::NoDomain { .. })
    }
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Accept the connection.
    Connect,
    /// Take the request.
    Write,
    /// Send the first byte of the reply.
    FirstByte,
    /// Send the whole reply.
    Whole,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "accept the connection",
            Self::Write => "take the request",
            Self::FirstByte => "begin to answer",
            Self::Whole => "answer completely",
        })
    }
}
