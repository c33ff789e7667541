//! What can go wrong in the daemon, and the error that a client gets for it.
//!
//! Which of libvirt's codes an error of a call has is the driver's to say.

use rustix::io::Errno;
use std::path::{Path, PathBuf};
use virtxen_rpc::RemoteError;

/// Result of a call.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a call failed, or why the daemon does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The driver said no.
    #[error(transparent)]
    Driver(#[from] virtxen_driver::Error),
    /// It is an error of the protocol already.
    #[error("{}", .0.text())]
    Remote(Box<RemoteError>),
    /// The client does not keep to the protocol.
    #[error(transparent)]
    Protocol(#[from] virtxen_rpc::Error),
    /// A client does not prove who it is.
    #[error("it did not prove in {0} s who it is")]
    Unproved(u64),
    /// A call of the client will never be answered: a defect of the daemon.
    #[error("one of its calls ended without an answer: {0}")]
    Lost(tokio::task::JoinError),
    /// A socket cannot be listened on.
    #[error("cannot listen on {place}: {cause}")]
    Listen {
        /// The socket's path or address.
        place: String,
        /// Why not.
        cause: std::io::Error,
    },
    /// A file that the settings name cannot be used.
    #[error("{}: {message}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// TLS cannot be set up with a client.
    #[error("TLS: {0}")]
    Handshake(std::io::Error),
    /// A client's proof is wrong.
    #[error(transparent)]
    Sasl(#[from] virtxen_sasl::Error),
    /// The host cannot be reached.
    #[error(transparent)]
    Connect(#[from] virtxen_connect::Error),
    /// The runtime has no threads or cannot wait.
    #[error("cannot start: {0}")]
    Start(std::io::Error),
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// What is wrong with a file that the settings name.
    pub(crate) fn file(path: &Path, message: &dyn std::fmt::Display) -> Self {
        Self::File {
            path: path.to_owned(),
            message: message.to_string(),
        }
    }

    /// Whether the machine has no addresses of this kind at all.
    pub(crate) fn is_unsupported(&self) -> bool {
        let Self::Listen { cause, .. } = self else {
            return false;
        };
        let number = cause.raw_os_error().map(Errno::from_raw_os_error);
        matches!(number, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
    }

    /// The error as a client of libvirt sees it.
    pub(crate) fn into_remote(self) -> RemoteError {
        match self {
            Self::Driver(error) => {
                let row = error.libvirt();
                let mut remote = RemoteError::new(row.code, row.domain, error.libvirt_message());
                if let virtxen_driver::Error::GuestType(kind) = error {
                    // Clients look there for which kind it is.
                    remote.str2 = Some(kind.into());
                }
                remote
            }
            Self::Remote(error) => *error,
            Self::Protocol(error) => error.into(),
            other => RemoteError::new(
                virtxen_rpc::code::INTERNAL_ERROR,
                virtxen_rpc::origin::LIBXL,
                format!("internal error: {other}"),
            ),
        }
    }
}

impl From<RemoteError> for Error {
    fn from(error: RemoteError) -> Self {
        Self::Remote(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// qubesd tells people to look at their firmware's settings by these two.
    #[test]
    fn a_kind_that_the_host_does_not_run_is_named_apart() {
        let error = Error::from(virtxen_driver::Error::GuestType("hvm")).into_remote();
        assert_eq!((error.code, error.str2.as_deref()), (16, Some("hvm")));
        assert!(
            error
                .text()
                .starts_with("unknown OS type: the host does not run hvm guests")
        );
    }
}
