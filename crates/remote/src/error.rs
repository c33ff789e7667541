//! What can go wrong on the way to a daemon, and the driver's error that it is for
//! those who made the call.

use std::time::Duration;
use virtxen_rpc::{RemoteError, code, origin};

/// Result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a daemon was not reached, or a call failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URI is not one.
    #[error("{0}")]
    Uri(String),
    /// The daemon cannot be reached.
    #[error("Failed to connect to {place}: {reason}")]
    Connect {
        /// The socket, the host and port, or the host of ssh.
        place: String,
        /// What failed, and what to do.
        reason: String,
    },
    /// The connection ended while it was used.
    #[error("the connection to {place} is lost: {reason}")]
    Lost {
        /// As above.
        place: String,
        /// How it ended.
        reason: String,
    },
    /// The daemon did not answer in time.
    #[error("no answer from {place} to {call} within {} s", .limit.as_secs_f32())]
    Timeout {
        /// As above.
        place: String,
        /// libvirt's name of the call.
        call: &'static str,
        /// The deadline.
        limit: Duration,
    },
    /// The daemon said no.
    #[error("{}", .0.text())]
    Daemon(Box<RemoteError>),
    /// What was asked for, or what was answered, is not the protocol.
    #[error(transparent)]
    Protocol(#[from] virtxen_rpc::Error),
}

impl From<RemoteError> for Error {
    fn from(error: RemoteError) -> Self {
        Self::Daemon(Box::new(error))
    }
}

impl From<Error> for virtxen_driver::Error {
    fn from(error: Error) -> Self {
        let (code, domain) = match &error {
            Error::Daemon(error) => (error.code, error.domain),
            Error::Uri(_) => (code::INVALID_ARG, origin::REMOTE),
            Error::Connect { .. } => (code::NO_CONNECT, origin::REMOTE),
            Error::Lost { .. } => (code::SYSTEM_ERROR, origin::RPC),
            Error::Timeout { .. } => (code::OPERATION_TIMEOUT, origin::RPC),
            Error::Protocol(_) => (code::RPC, origin::RPC),
        };
        Self::Daemon {
            code,
            domain,
            message: error.to_string(),
        }
    }
}
