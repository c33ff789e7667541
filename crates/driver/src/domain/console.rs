//! Consoles: the guest's pseudo-terminal and its VNC server.
//!
//! Only where they are; moving bytes is the front end's business.

use crate::{DomainKey, Driver, Operation, Result};
use std::path::PathBuf;
use tokio::sync::mpsc;
use virtxen_host::VncServer;

/// A console that is not a terminal of this machine: what is typed goes in, what the
/// guest shows comes out. It ends when either side is dropped.
#[derive(Debug)]
pub struct ConsoleStream {
    /// For the guest.
    pub typed: mpsc::Sender<Vec<u8>>,
    /// From the guest, and in the end why there is no more.
    pub shown: mpsc::Receiver<Result<Vec<u8>>>,
}

impl Driver {
    /// None: the console is a terminal of this machine, which [`Driver::console`]
    /// names.
    pub(crate) async fn open_console(
        &self,
        _: &DomainKey,
        _: bool,
    ) -> Result<Option<ConsoleStream>> {
        Ok(None)
    }

    /// The pseudo-terminal of the guest's first console, on the host's machine.
    ///
    /// # Errors
    /// The domain is not running, or has no console.
    pub async fn console(&self, key: &DomainKey) -> Result<PathBuf> {
        let domain = self.readable(Operation::OpenConsole, key).await?;
        crate::call::allowed_now(Operation::OpenConsole, &domain)?;
        let answer = self.inner.host.console(&domain.name);
        self.read(Operation::OpenConsole, &domain.name, answer)
            .await
    }

    /// Where the guest's VNC server listens, `None` if it has none.
    ///
    /// # Errors
    /// The domain is not running.
    pub async fn vnc(&self, key: &DomainKey) -> Result<Option<VncServer>> {
        let domain = self.readable(Operation::VncDisplay, key).await?;
        crate::call::allowed_now(Operation::VncDisplay, &domain)?;
        let answer = self.inner.host.vnc(&domain.name);
        self.read(Operation::VncDisplay, &domain.name, answer).await
    }
}
