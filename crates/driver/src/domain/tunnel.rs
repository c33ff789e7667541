//! Migrations whose memory goes through the connection of two daemons: libxl gets one
//! end of a pair of sockets, the other end's bytes are carried by whoever has the
//! connection. A pair holds little, so a slow side holds the other back.

use super::moving::Arrival;
use super::streaming::{Coming, broken};
use crate::destinations::Tunnel;
use crate::driver::Inner;
use crate::{Domain, Driver, Error, Operation, Result};
use std::io;
use std::os::fd::OwnedFd;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use virtxen_host::Host;

/// Where the memory of a domain that is to come goes to.
pub struct Mouth {
    /// Takes its bytes; it ends where they do.
    pub stream: UnixStream,
    /// Why no more is taken; closed without a word when all has come.
    pub refused: oneshot::Receiver<String>,
}

impl Driver {
    /// As [`migrate_prepare`](Self::migrate_prepare), for a domain whose memory its
    /// source sends to the caller. It is forgotten when that gives the stream up.
    ///
    /// # Errors
    /// As there; XenD makes its connections itself.
    pub async fn migrate_prepare_tunnel(
        &self,
        xml: &str,
        cookie: &str,
        arrival: &Arrival,
    ) -> Result<Mouth> {
        let Some(version) = self.inner.host.stream_version() else {
            return Err(Error::Unsupported {
                operation: Operation::MigratePrepare.verb(),
                reason: "XenD makes its connection itself: leave --tunnelled out".to_owned(),
            });
        };
        let (guest, incoming) = self.may_come(xml, cookie, arrival).await?;
        let (inside, stream) = pair().map_err(|error| broken(&error))?;
        let (tell, refused) = oneshot::channel();
        let coming = Coming::new(self, guest, cookie, version).await?;
        let receiving = async move {
            let received = coming.take(inside).await;
            if let Err(error) = &received {
                // Who carries the stream may have gone.
                let _ = tell.send(error.to_string());
            }
            received
        };
        self.inner
            .moving
            .receiving
            .add(incoming.uuid, tokio::spawn(receiving));
        self.expect(incoming);
        Ok(Mouth { stream, refused })
    }
}

/// Sends a domain through a tunnel, which leads to `to`.
pub(super) async fn send_through(
    inner: &Inner,
    host: &dyn Host,
    domain: &Domain,
    tunnel: Box<dyn Tunnel>,
    to: &str,
    live: bool,
) -> Result<()> {
    let (inside, outside) = pair().map_err(|error| broken(&error))?;
    let sending = inner.send_noted(host, domain, inside, to.to_owned(), live);
    // The tunnel ends with what it carries, and what is sent with the tunnel.
    match tokio::join!(sending, tunnel.carry(outside)) {
        (Ok(()), carried) => carried.map_err(|why| broken(&unread(to, &why))),
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(why)) => Err(broken(&format!("{error}; {}", unread(to, &why)))),
    }
}

fn unread(to: &str, why: &Error) -> String {
    format!("the destination {to}: {}", why.libvirt_message())
}

/// An end for libxl, and one for us.
fn pair() -> io::Result<(OwnedFd, UnixStream)> {
    let (inside, outside) = std::os::unix::net::UnixStream::pair()?;
    outside.set_nonblocking(true)?;
    Ok((inside.into(), UnixStream::from_std(outside)?))
}
