//! Domains that are suspended here because they were sent to another host, and nobody
//! says what becomes of them: the program that sent them has ended, or its client.
//!
//! One of which the client was not told that it was sent runs nowhere else and goes on.
//! Of any other only who knows the other host can tell: it stays, may be resumed and
//! destroyed, and is told of.

use super::underway::FINISHES;
use crate::driver::Inner;
use crate::store::{Sending, Stage};
use crate::{Domain, DomainKey, Driver, Error, Operation, Result, State};
use std::fmt;
use virtxen_host::{Ending, Host};

/// A domain whose migration was interrupted.
#[derive(Debug)]
pub struct Interrupted {
    /// Its name.
    pub name: String,
    /// Address and port of the host that it was sent to.
    pub to: String,
    /// Whether it goes on here; an error if it should and does not.
    pub goes_on: Result<bool>,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, to, goes_on } = self;
        write!(f, "domain '{name}' was being sent to {to}: ")?;
        match goes_on {
            Ok(true) => write!(f, "it goes on here"),
            Ok(false) => write!(
                f,
                "nobody has confirmed that it came; resume it here if it does not run there, \
                 destroy it here if it does"
            ),
            Err(error) => write!(f, "it does not go on here: {error}"),
        }
    }
}

impl Driver {
    /// Sees to the domains that a former program was sending.
    ///
    /// # Errors
    /// What it has noted of them cannot be read.
    pub async fn settle_interrupted(&self) -> Result<Vec<Interrupted>> {
        let mut all = Vec::new();
        for sending in self.inner.store.sendings().await? {
            all.extend(self.settle_sending(sending).await);
        }
        Ok(all)
    }

    async fn settle_sending(&self, sending: Sending) -> Option<Interrupted> {
        let key = DomainKey::Uuid(sending.uuid);
        let told = |name: String, goes_on| Interrupted {
            name,
            to: sending.to.clone(),
            goes_on,
        };
        let domain = match self.inner.look_up(&key).await {
            Ok((_, domain)) => Some(domain),
            Err(Error::NoDomain(_)) => None,
            Err(error) => return Some(told(key.to_string(), Err(error))),
        };
        let waits = |it: &Domain| it.id == sending.domid && it.state == State::PmSuspended;
        let Some(domain) = domain.filter(waits) else {
            let forgotten = self.inner.store.forget_sending(sending.uuid).await;
            return forgotten
                .err()
                .map(|error| told(key.to_string(), Err(error)));
        };
        let goes_on = match sending.stage {
            Stage::Sent => Ok(false),
            Stage::Sending => self.resume(&key).await.map(|()| true),
        };
        Some(told(domain.name, goes_on))
    }
}

impl Inner {
    /// Lets a domain go on that has stopped: its vcpus, or what was suspended.
    ///
    /// # Errors
    /// It was sent just now, and another host may be about to run it.
    pub(super) async fn go_on_here(&self, host: &dyn Host, domain: &Domain) -> Result<()> {
        let mut ended = host.ended().await?.into_iter();
        let is_suspended =
            |it: virtxen_host::Ended| Some(it.domid) == domain.id && it.ending == Ending::Suspended;
        if host.stream_version().is_none() || !ended.any(is_suspended) {
            return Ok(host.unpause(&domain.name).await?);
        }
        self.wake(host, domain, Operation::Resume).await
    }

    /// Lets a domain go on that is suspended.
    ///
    /// # Errors
    /// As those of [`Inner::go_on_here`].
    pub(super) async fn wake(
        &self,
        host: &dyn Host,
        domain: &Domain,
        operation: Operation,
    ) -> Result<()> {
        if let Some(since) = self.moving.waits(domain.uuid).filter(|it| *it < FINISHES) {
            return Err(Error::Invalid {
                name: domain.name.clone(),
                operation: operation.verb(),
                reason: format!(
                    "it was sent to another host {} s ago, which may be about to run it",
                    since.as_secs()
                ),
            });
        }
        host.take_back(&domain.name).await?;
        self.moving.end(domain.uuid);
        self.store.forget_sending(domain.uuid).await
    }
}
