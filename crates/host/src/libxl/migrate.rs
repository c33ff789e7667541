//! A domain's memory on its way to or from another host, through a connection that who
//! calls has made. Which host runs the domain is not decided here: it is suspended when
//! it was sent, and paused when it has come.

use super::save::{NEW_STREAM, uninterrupted};
use super::{Libxl, Running, config};
use crate::{Error, Result};
use std::os::fd::OwnedFd;
use virtxen_guest::Guest;
use virtxen_libxl::Operation;

impl Running {
    /// Sends the domain and leaves it suspended. When that fails, or who waits stops
    /// waiting, it goes on here.
    pub(crate) async fn send(self, stream: OwnedFd, live: bool) -> Result<()> {
        uninterrupted(|cancelled| async move {
            let operation = Operation::Save {
                domid: self.domid,
                live,
                debug: false,
            };
            let sent = self.libxl.ask(self.name(), operation, vec![stream]);
            let done = tokio::select! {
                biased;
                done = sent => done.map(drop),
                () = cancelled => Err(Error::Refused {
                    operation: "migrate",
                    reason: "it was cancelled".to_owned(),
                }),
            };
            let Err(error) = done else {
                return Ok(());
            };
            // One that was not suspended yet runs.
            if !self.is_suspended() {
                return Err(error);
            }
            Err(self.suspended_in_vain(error).await)
        })
        .await
    }

    /// Lets a domain go on that was suspended for what has failed. Says why it has, and if
    /// the domain does not go on.
    pub(super) async fn suspended_in_vain(&self, error: Error) -> Error {
        match (error, self.resume().await) {
            (Error::Refused { operation, reason }, Err(left)) => Error::Refused {
                operation,
                reason: format!("{reason}; the domain stays suspended: {left}"),
            },
            (error, _) => error,
        }
    }

    /// Lets a suspended domain go on.
    pub(crate) async fn resume(&self) -> Result<()> {
        let operation = Operation::Resume {
            domid: self.domid,
            cancel: true,
        };
        self.done(operation).await
    }
}

impl Libxl {
    /// The form of the streams that this release writes.
    pub(crate) fn stream_version(&self) -> u32 {
        match self.release().minor() {
            minor if minor >= NEW_STREAM => 2,
            _ => 1,
        }
    }

    /// Starts a guest, paused, whose memory comes.
    pub(crate) async fn receive(&self, guest: &Guest, stream: OwnedFd, version: u32) -> Result<()> {
        let config = self.guest_config(guest)?;
        let making = self.inner.room.lock().await;
        self.make_room(&guest.name, &config).await?;
        drop(making);
        self.give_host_devices(guest).await?;
        let operation = Operation::Restore {
            document: Some(config::document(guest)),
            config,
            stream_version: version,
        };
        let domain = self.begin(guest, operation, vec![stream]).await?;
        domain.let_go(true).await.map(drop)
    }
}
