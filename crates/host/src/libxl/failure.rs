//! Errors of libxl in the seam's words.

use crate::Error;
use virtxen_libxl::{Error as Libxl, FailureKind};

/// What libxl returns for a domain that is not there.
const NO_DOMAIN: i32 = -21;

/// What libxl returns for a guest that has no drivers for Xen.
const NO_DRIVERS: i32 = -10;

/// What went wrong with the domain `name`.
pub(super) fn failed(name: &str, operation: &'static str, error: Libxl) -> Error {
    let refused = |reason: String| Error::Refused { operation, reason };
    match error {
        Libxl::Failed(failure) => match &failure.kind {
            FailureKind::Call { code, .. } if *code == NO_DOMAIN => Error::NoDomain {
                name: name.to_owned(),
            },
            FailureKind::Call { code, .. } if *code == NO_DRIVERS => Error::NoDrivers { operation },
            FailureKind::Missing { .. } => Error::Unsupported {
                operation,
                reason: failure.to_string(),
            },
            FailureKind::Dropped { .. } => Error::Guest {
                reason: failure.to_string(),
            },
            _ => refused(failure.to_string()),
        },
        other => channel(other),
    }
}

/// libxl is not reached, or its process went away.
fn channel(error: Libxl) -> Error {
    Error::Channel {
        channel: "libxl".to_owned(),
        reason: match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
        source: Some(Box::new(error)),
    }
}

/// What came back that nobody asked for.
pub(super) fn unexpected(operation: &'static str) -> Error {
    Error::Channel {
        channel: "libxl".to_owned(),
        reason: format!("it answered to '{operation}' with something else"),
        source: None,
    }
}
