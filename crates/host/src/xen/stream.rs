//! Domains that are sent to other hosts and come from them through connections that who
//! calls has made: through libxl. XenD makes its own.

use super::XenHost;
use crate::{Result, routes};
use std::os::fd::OwnedFd;
use virtxen_guest::Guest;

impl XenHost {
    pub(super) async fn send_domain(&self, name: &str, stream: OwnedFd, live: bool) -> Result<()> {
        let libxl = self.libxl.as_ref().map_err(|_| routes::no_streams())?;
        let domain = self.running(libxl, name, "migrate").await?;
        domain.send(stream, live).await
    }

    pub(super) async fn receive_guest(
        &self,
        guest: &Guest,
        stream: OwnedFd,
        version: u32,
    ) -> Result<()> {
        let libxl = self.libxl.as_ref().map_err(|_| routes::no_streams())?;
        let guest = self.placed("migrate", guest).await?;
        libxl.receive(&guest, stream, version).await
    }

    pub(super) async fn take_domain_back(&self, name: &str) -> Result<()> {
        let libxl = self.libxl.as_ref().map_err(|_| routes::no_streams())?;
        let domain = self.running(libxl, name, "migrate").await?;
        domain.resume().await
    }
}
