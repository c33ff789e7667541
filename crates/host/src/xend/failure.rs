//! Errors of the XenD client in the seam's words.

use super::XendHost;
use crate::{Error, Result};
use virtxen_xend::Error as Xend;

impl XendHost {
    /// What went wrong with the domain `name`.
    pub(super) fn failed(&self, name: &str, error: Xend) -> Error {
        match error {
            Xend::NoDomain { .. } => Error::NoDomain {
                name: name.to_owned(),
            },
            Xend::Inactive { operation } => inactive(name, operation),
            Xend::Unsupported { operation, reason } => Error::Unsupported { operation, reason },
            Xend::NotImplemented { operation, words } => Error::Unsupported {
                operation,
                reason: format!("{} says: {words}", self.release_name()),
            },
            Xend::Refused {
                operation, words, ..
            } => Error::Refused {
                operation,
                reason: words,
            },
            Xend::Timeout {
                operation, limit, ..
            } => Error::Timeout {
                channel: format!("XenD at {}", self.client.address()),
                operation,
                limit,
            },
            Xend::TooLarge { source, .. } => Error::Guest {
                reason: source.to_string(),
            },
            other => Error::Channel {
                channel: format!("XenD at {}", self.client.address()),
                reason: other.to_string(),
                source: Some(Box::new(other)),
            },
        }
    }

    /// The result of an operation that needs an active domain. XenD refuses
    /// inactive ones with words of its Python; then the state is looked up.
    pub(super) async fn explained<T>(
        &self,
        name: &str,
        operation: &'static str,
        done: virtxen_xend::Result<T>,
    ) -> Result<T> {
        let error = match done {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if matches!(error, Xend::Refused { .. })
            && self.client.habits().inactive
            && let Ok(info) = self.info(name).await
            && info.domid.is_none()
        {
            return Err(inactive(name, operation));
        }
        Err(self.failed(name, error))
    }

    /// What `operation` would need and this release's XenD does not do.
    pub(super) fn unsupported(&self, operation: &'static str, why: &str) -> Error {
        Error::Unsupported {
            operation,
            reason: format!("{} {why}", self.release_name()),
        }
    }
}

pub(super) fn inactive(name: &str, operation: &'static str) -> Error {
    Error::State {
        name: name.to_owned(),
        operation,
        state: "not active".to_owned(),
        needed: "active",
    }
}
