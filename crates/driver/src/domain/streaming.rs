//! Migrations where the host leaves the connection to us: libxl. The destination listens
//! while it is prepared, the source connects to perform.
//!
//! A domain that was sent stays here, suspended, until the migration is confirmed; one
//! that has come is paused until it is finished. So it runs on one side at most, and on
//! one in the end.

use super::migrate::destination_of;
use crate::driver::Inner;
use crate::job::{JobGuard, lock};
use crate::{Driver, Error, Operation, Result};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use virtxen_guest::{Guest, Uuid};
use virtxen_host::Host;

/// Ports on which libvirt's driver for libxl receives domains.
const PORTS: std::ops::RangeInclusive<u16> = 49152..=49215;

/// How long a destination waits for its source.
const WAIT: Duration = Duration::from_secs(120);

/// How long a source tries to reach its destination.
const CONNECT: Duration = Duration::from_secs(30);

/// Domains that are being received.
#[derive(Default)]
pub(super) struct Receiving {
    tasks: Mutex<HashMap<Uuid, JoinHandle<Result<()>>>>,
}

impl Receiving {
    /// Ends the wait for a domain that is to come, if there is one.
    pub(super) fn give_up(&self, uuid: Uuid) {
        if let Some(task) = lock(&self.tasks).remove(&uuid) {
            task.abort();
        }
    }

    /// Waits until a domain has come.
    ///
    /// # Errors
    /// It did not.
    pub(super) async fn arrived(&self, uuid: Uuid) -> Result<()> {
        let task = lock(&self.tasks).remove(&uuid);
        let operation = Operation::MigrateFinish.verb();
        match task {
            Some(task) => task.await.unwrap_or(Err(Error::Task { operation })),
            None => Err(Error::Argument("nobody was to send this domain".to_owned())),
        }
    }
}

impl Driver {
    /// Listens for a guest that another host is to send, and says where. `asked` is an
    /// address and a port that somebody wants.
    pub(super) async fn listen_for(
        &self,
        guest: Guest,
        cookie: &str,
        asked: Option<&str>,
        version: u32,
    ) -> Result<String> {
        let uuid = guest.uuid.unwrap_or(Uuid::ZERO);
        let inner = &self.inner;
        let simulated = inner.host.is_simulated();
        let (name, port) = match asked {
            Some(uri) => destination_of(uri)?,
            // What is simulated reaches no other machine.
            None if simulated => (Ipv4Addr::LOCALHOST.to_string(), None),
            None => (self.hostname().await?, None),
        };
        let address = match simulated {
            true => Ipv4Addr::LOCALHOST,
            false => Ipv4Addr::UNSPECIFIED,
        };
        let listener = listen(address, port).await?;
        let port = listener
            .local_addr()
            .map_err(|error| broken(&error))?
            .port();
        let names = vec![guest.name.clone()];
        let wait = inner.options.job_wait;
        let guard = inner
            .jobs
            .acquire(Operation::MigrateFinish, names, wait)
            .await?;
        let version = stream_of(cookie).unwrap_or(version);
        let host = Arc::clone(&inner.host);
        let task = tokio::spawn(receive(listener, host, guest, version, guard));
        inner.moving.receiving.give_up(uuid);
        lock(&inner.moving.receiving.tasks).insert(uuid, task);
        let name = match name.contains(':') {
            true => format!("[{name}]"),
            false => name,
        };
        Ok(format!("tcp://{name}:{port}"))
    }
}

impl Inner {
    /// Sends a domain to where a destination listens.
    pub(super) async fn stream_to(
        &self,
        host: &dyn Host,
        name: &str,
        to: (String, Option<u16>),
        live: bool,
    ) -> Result<()> {
        let (address, port) = to;
        let port = port.ok_or_else(|| {
            Error::Argument("the destination's URI has to have a port".to_owned())
        })?;
        let connect = TcpStream::connect((address.as_str(), port));
        let stream = match tokio::time::timeout(CONNECT, connect).await {
            Ok(stream) => stream.and_then(blocking),
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        };
        let stream = stream.map_err(|error| {
            broken(&format!(
                "the destination {address}:{port} is not reached: {error}"
            ))
        })?;
        Ok(host.send(name, stream, live).await?)
    }
}

async fn listen(address: Ipv4Addr, port: Option<u16>) -> Result<TcpListener> {
    let mut last = None;
    let ports = match port {
        Some(port) => port..=port,
        None => PORTS,
    };
    for port in ports {
        match TcpListener::bind((address, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(String::new, |error| format!(": {error}"));
    Err(broken(&format!(
        "no port to receive the domain on is free{why}"
    )))
}

/// Waits for the source, and for all that it sends.
async fn receive(
    listener: TcpListener,
    host: Arc<dyn Host>,
    guest: Guest,
    version: u32,
    guard: JobGuard,
) -> Result<()> {
    let stream = match tokio::time::timeout(WAIT, listener.accept()).await {
        Ok(accepted) => accepted.and_then(|(stream, _)| blocking(stream)),
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    };
    drop(listener);
    let stream = stream.map_err(|error| broken(&format!("nobody sent the domain: {error}")))?;
    host.receive(&guest, stream, version).await?;
    drop(guard);
    Ok(())
}

/// As libxl takes it.
fn blocking(stream: TcpStream) -> std::io::Result<OwnedFd> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream.into())
}

/// What libvirt's driver says of its stream.
fn stream_of(cookie: &str) -> Option<u32> {
    let (_, rest) = cookie.split_once("<migration-stream-version>")?;
    let (number, _) = rest.split_once('<')?;
    number.trim().parse().ok().filter(|it| matches!(it, 1 | 2))
}

/// What a source tells its destination, in the words of libvirt's driver.
pub(super) fn cookie(guest: &Guest, host: &str, stream: u32, own: &str) -> String {
    let text = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        text.replace('>', "&gt;")
    };
    let uuid = guest.uuid.map(|uuid| uuid.to_string());
    format!(
        "<libxl-migration>\n  <name>{}</name>\n  <uuid>{}</uuid>\n  \
         <hostname>{}</hostname>\n  \
         <migration-stream-version>{stream}</migration-stream-version>\n  \
         <!-- {own} -->\n</libxl-migration>\n",
        text(&guest.name),
        uuid.unwrap_or_default(),
        text(host),
    )
}

fn broken(why: &dyn std::fmt::Display) -> Error {
    Error::Host(virtxen_host::Error::Refused {
        operation: "migrate",
        reason: why.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_tell_the_stream() {
        let guest = Guest::new("a<b");
        let own = cookie(&guest, "alpha", 2, "virtxen-migration xen=4.17");
        assert_eq!(stream_of(&own), Some(2));
        assert!(own.contains("<name>a&lt;b</name>"));
        for other in ["", "<migration-stream-version>9</migration-stream-version>"] {
            assert_eq!(stream_of(other), None);
        }
    }
}
