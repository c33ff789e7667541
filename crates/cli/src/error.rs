//! What can go wrong in virtxen: each error with its exit status, its stable
//! word for JSON, and the lines that people see.

use crate::exit::Exit;
use std::path::{Path, PathBuf};

/// Result of a command.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// virtxen was called in a way it does not know.
    #[error("{0}")]
    Usage(String),
    /// No host could be reached: what was looked for and what to do.
    #[error("{0}")]
    NoHost(String),
    /// What was tried, and why it failed.
    #[error("{what}")]
    Context {
        /// What was tried, a whole sentence.
        what: String,
        /// Why it failed.
        source: Box<Error>,
    },
    /// The driver or the host said no.
    #[error("{}", .0.libvirt_message())]
    Driver(#[from] virtxen_driver::Error),
    /// A document is wrong; its problems, as they are to be shown.
    #[error("{message}")]
    Document {
        /// File and problems with their places.
        message: String,
        /// It is well-formed, but says what the target cannot carry.
        lost: bool,
        /// The problems for JSON.
        problems: Vec<serde_json::Value>,
    },
    /// A file could not be read or written.
    #[error("Failed to {what} '{}': {source}", .path.display())]
    File {
        /// `open`, `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something that was named is not there.
    #[error("{0}")]
    NotFound(String),
    /// This host, or this way to it, cannot do it.
    #[error("{0}")]
    Unsupported(String),
    /// It did not work, for the reason said.
    #[error("{0}")]
    Failed(String),
    /// The terminal, a pipe or the system failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Ended with Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl From<virtxen_connect::Error> for Error {
    fn from(error: virtxen_connect::Error) -> Self {
        match error {
            virtxen_connect::Error::Usage(message) => Self::Usage(message),
            virtxen_connect::Error::NoHost(message) => Self::NoHost(message),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<virtxen_remote::Error> for Error {
    fn from(error: virtxen_remote::Error) -> Self {
        match error {
            virtxen_remote::Error::Uri(message) => Self::Usage(message),
            error => Self::Driver(error.into()),
        }
    }
}

impl Error {
    /// Wrong use.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A file could not be used.
    pub(crate) fn file(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> Exit {
        self.kind().0
    }

    /// A stable word for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.kind().1
    }

    /// The messages, outermost first.
    pub(crate) fn messages(&self) -> Vec<String> {
        match self {
            Self::Context { what, source } => {
                let mut messages = vec![what.clone()];
                messages.extend(source.messages());
                messages
            }
            _ => vec![self.to_string()],
        }
    }

    /// The problems of a document, if that is what is wrong.
    pub(crate) fn problems(&self) -> Option<&[serde_json::Value]> {
        match self {
            Self::Context { source, .. } => source.problems(),
            Self::Document { problems, .. } => Some(problems),
            _ => None,
        }
    }

    /// libvirt's number for the error, if it has one.
    pub(crate) fn libvirt_code(&self) -> Option<i32> {
        match self {
            Self::Context { source, .. } => source.libvirt_code(),
            Self::Driver(error) => Some(error.libvirt().code),
            _ => None,
        }
    }

    fn kind(&self) -> (Exit, &'static str) {
        match self {
            Self::Usage(_) => (Exit::Usage, "usage"),
            Self::NoHost(_) => (Exit::NoHost, "no-host"),
            Self::Context { source, .. } => source.kind(),
            Self::Driver(error) => driver_kind(error.libvirt().code),
            Self::Document { lost: true, .. } => (Exit::Unsupported, "guest"),
            Self::Document { .. } => (Exit::Failed, "document"),
            Self::File { .. } => (Exit::Failed, "file"),
            Self::NotFound(_) => (Exit::NotFound, "not-found"),
            Self::Unsupported(_) => (Exit::Unsupported, "unsupported"),
            Self::Failed(_) => (Exit::Failed, "failed"),
            Self::System { .. } => (Exit::Failed, "system"),
            Self::Interrupted => (Exit::Interrupted, "interrupted"),
        }
    }
}

/// Status and word for libvirt's error numbers, which the driver maps its errors to.
fn driver_kind(code: i32) -> (Exit, &'static str) {
    match code {
        8 => (Exit::Usage, "argument"),
        9 => (Exit::Failed, "refused"),
        5 | 11 | 38 | 39 => (Exit::NoHost, "channel"),
        27 => (Exit::Failed, "document"),
        29 => (Exit::Failed, "read-only"),
        42 => (Exit::NotFound, "no-domain"),
        55 => (Exit::Failed, "state"),
        67 => (Exit::Unsupported, "guest"),
        68 => (Exit::Timeout, "timeout"),
        78 => (Exit::Failed, "cancelled"),
        3 | 84 => (Exit::Unsupported, "unsupported"),
        88 => (Exit::Failed, "denied"),
        99 => (Exit::NotFound, "no-device"),
        _ => (Exit::Failed, "failed"),
    }
}

/// Says what was tried when a call fails.
pub(crate) trait Context<T> {
    /// Puts a sentence before the reason.
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::Context {
            what: what(),
            source: Box::new(error.into()),
        })
    }
}
