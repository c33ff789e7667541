//! What can go wrong between us and xenstored.

/// Result of a call to xenstored.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call to xenstored failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path does not exist (ENOENT).
    #[error("{path} is not in xenstore")]
    NotFound {
        /// The path that was asked for.
        path: String,
    },
    /// The caller may not (EACCES, EPERM).
    #[error("xenstored does not permit {operation} of {path}")]
    Denied {
        /// Name of the message.
        operation: &'static str,
        /// The path.
        path: String,
    },
    /// A transaction met a change by somebody else (EAGAIN).
    #[error("the transaction collided with another change")]
    Conflict,
    /// A transaction collided each time it was tried.
    #[error("the transaction collided with other changes {attempts} times")]
    ConflictLimit {
        /// How often it was tried.
        attempts: u32,
    },
    /// A quota of the caller is used up (ENOSPC, E2BIG on writes, EBUSY).
    #[error("xenstored's quota for {operation} of {path} is used up ({errno})")]
    Quota {
        /// Name of the message.
        operation: &'static str,
        /// The path.
        path: String,
        /// The name of the error as xenstored sent it.
        errno: String,
    },
    /// xenstored is older than the message, or built without it (ENOSYS).
    #[error("this xenstored does not know {operation}")]
    Unsupported {
        /// Name of the message.
        operation: &'static str,
    },
    /// Any other error of xenstored.
    #[error("{operation} of {path} failed: {errno}")]
    Refused {
        /// Name of the message.
        operation: &'static str,
        /// The path.
        path: String,
        /// The name of the error as xenstored sent it.
        errno: String,
    },
    /// The request cannot be sent.
    #[error("{operation} of {path} cannot be sent: {reason}")]
    Request {
        /// Name of the message.
        operation: &'static str,
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// xenstored sent something that is not its protocol.
    #[error("xenstored broke the protocol: {0}")]
    Protocol(&'static str),
    /// The connection ended; requests in flight were lost.
    #[error("the connection to xenstored at {node} ended: {reason}")]
    Disconnected {
        /// Socket or device.
        node: String,
        /// The underlying error's text.
        reason: String,
    },
    /// No answer in time.
    #[error("xenstored did not answer {operation} of {path} within {} s", .limit.as_secs_f32())]
    Timeout {
        /// Name of the message.
        operation: &'static str,
        /// The path.
        path: String,
        /// The deadline.
        limit: std::time::Duration,
    },
    /// xenstored cannot be reached.
    #[error("xenstored cannot be reached: {}", .tried.join("; "))]
    Unreachable {
        /// Each node that was tried, and why it failed.
        tried: Vec<String>,
    },
}
