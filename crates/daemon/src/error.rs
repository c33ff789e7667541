//! What can go wrong in the daemon, and the error that a client gets for it.
//!
//! Which of libvirt's codes an error of a call has is the driver's to say.

use std::path::PathBuf;
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
    /// A socket cannot be listened on.
    #[error("cannot listen on {}: {cause}", .path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The host cannot be reached.
    #[error(transparent)]
    Connect(#[from] virtxen_connect::Error),
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
}

impl Error {
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
            other => RemoteError::new(
                virtxen_rpc::code::INTERNAL_ERROR,
                virtxen_rpc::origin::XEN,
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

impl From<virtxen_rpc::Error> for Error {
    fn from(error: virtxen_rpc::Error) -> Self {
        RemoteError::from(error).into()
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
