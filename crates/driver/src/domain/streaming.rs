//! Migrations where the host leaves the connection to us: libxl. The destination listens
//! while it is prepared, the source connects to perform.
//!
//! A domain that was sent stays here, suspended, until the migration is confirmed; one
//! that has come is paused until it is finished. So it runs on one side at most, and on
//! one in the end.

use super::migrate::destination_of;
use crate::driver::Inner;
use crate::job::{JobGuard, lock};
use crate::store::{Sending, Stage};
use crate::{Domain, Driver, Error, Operation, Result};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use virtxen_guest::{Guest, Uuid};
use virtxen_host::{Host, MigrateOptions};

/// Ports on which libvirt's driver for libxl receives domains.
const PORTS: std::ops::RangeInclusive<u16> = 49152..=49215;

/// How long a destination waits for its source.
const WAIT: Duration = Duration::from_secs(120);

/// How long one that has connected may take to begin its stream.
const BEGIN: Duration = Duration::from_secs(30);

/// Most that may have connected and not begun.
const PEERS_MAX: usize = 16;

/// How libxl's streams begin from Xen 4.6 on: who tries ports is told from a source.
const IDENT: &[u8; 8] = b"LibxlFmt";

/// How long a source tries to reach its destination.
const CONNECT: Duration = Duration::from_secs(30);

/// How long a source listens for why its destination has given up.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Most bytes of that.
const WORDS_MAX: u64 = 2000;

/// What stands before it.
const WORDS: &str = "virtxen: ";

/// Most domains that are received at once, or were and nobody has asked for.
const RECEIVING_MAX: usize = 256;

/// Domains that are being received.
#[derive(Default)]
pub(super) struct Receiving {
    tasks: Mutex<HashMap<Uuid, JoinHandle<Result<()>>>>,
}

impl Receiving {
    pub(super) fn add(&self, uuid: Uuid, task: JoinHandle<Result<()>>) {
        let mut tasks = lock(&self.tasks);
        if tasks.len() >= RECEIVING_MAX {
            tasks.retain(|_, task| !task.is_finished());
        }
        if let Some(before) = tasks.insert(uuid, task) {
            before.abort();
        }
    }

    /// Ends the wait for a domain that is to come, if there is one.
    pub(super) fn give_up(&self, uuid: Uuid) {
        if let Some(task) = lock(&self.tasks).remove(&uuid) {
            task.abort();
        }
    }

    /// Waits until a domain that was sent has come.
    ///
    /// # Errors
    /// It did not, or not within `limit`.
    pub(super) async fn arrived(&self, uuid: Uuid, limit: Duration) -> Result<()> {
        let task = lock(&self.tasks).remove(&uuid);
        let operation = Operation::MigrateFinish.verb();
        let Some(mut task) = task else {
            return Err(Error::Argument("nobody was to send this domain".to_owned()));
        };
        match timeout(limit, &mut task).await {
            Ok(done) => done.unwrap_or(Err(Error::Task { operation })),
            Err(_) => {
                task.abort();
                Err(Error::Timeout {
                    channel: None,
                    subject: uuid.to_string(),
                    operation,
                    limit,
                })
            }
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
        let (name, port) = match asked {
            Some(uri) => destination_of(uri)?,
            // What is simulated reaches no other machine.
            None if inner.host.is_simulated() => (Ipv4Addr::LOCALHOST.to_string(), None),
            None => (self.hostname().await?, None),
        };
        let listener = listen(&name, port).await?;
        let port = listener
            .local_addr()
            .map_err(|error| broken(&error))?
            .port();
        let coming = Coming::new(self, guest, cookie, version).await?;
        let task = tokio::spawn(coming.receive(listener));
        inner.moving.receiving.add(uuid, task);
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
        domain: &Domain,
        to: &MigrateOptions,
    ) -> Result<()> {
        let (address, live) = (to.host.as_str(), to.live);
        let port = to.port.ok_or_else(|| {
            Error::Argument("the destination's URI has to have a port".to_owned())
        })?;
        let to = format!("{address}:{port}");
        let connect = timeout(CONNECT, TcpStream::connect((address, port)));
        let unreached =
            |error: io::Error| broken(&format!("the destination {to} is not reached: {error}"));
        let stream = connect.await.unwrap_or(Err(io::ErrorKind::TimedOut.into()));
        let (stream, ears) = stream.and_then(shared).map_err(unreached)?;
        match self.send_noted(host, domain, stream, to, live).await {
            Ok(()) => Ok(()),
            Err(error) => Err(with_words(error, last_words(ears).await)),
        }
    }

    /// Sends a domain on a stream that leads to `to`, and notes how far it is.
    pub(super) async fn send_noted(
        &self,
        host: &dyn Host,
        domain: &Domain,
        stream: OwnedFd,
        to: String,
        live: bool,
    ) -> Result<()> {
        let mut sending = Sending {
            uuid: domain.uuid,
            domid: domain.id,
            stage: Stage::Sending,
            to,
        };
        self.store.note_sending(&sending).await?;
        match host.send(&domain.name, stream, live).await {
            Ok(()) => {
                sending.stage = Stage::Sent;
                self.moving.sent(domain.uuid);
                self.store.note_sending(&sending).await
            }
            Err(error) => {
                // A note of a domain that runs is forgotten by the next program too.
                let _ = self.store.forget_sending(domain.uuid).await;
                Err(error.into())
            }
        }
    }
}

/// An address that was asked for is listened on; a name may be one of several addresses,
/// or of none of this machine.
async fn listen(name: &str, port: Option<u16>) -> Result<TcpListener> {
    let any = [
        IpAddr::from(Ipv6Addr::UNSPECIFIED),
        Ipv4Addr::UNSPECIFIED.into(),
    ];
    let addresses = match name.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => any.to_vec(),
    };
    let mut last = None;
    let ports = match port {
        Some(port) => port..=port,
        None => PORTS,
    };
    for port in ports {
        for address in &addresses {
            match TcpListener::bind((*address, port)).await {
                Ok(listener) => return Ok(listener),
                Err(error) => last = Some(error),
            }
        }
    }
    let why = last.map_or_else(String::new, |error| format!(": {error}"));
    Err(broken(&format!(
        "no port to receive the domain on is free on {name}{why}"
    )))
}

/// A guest that is to come.
pub(super) struct Coming {
    host: Arc<dyn Host>,
    guest: Guest,
    /// The form of the stream.
    version: u32,
    /// How long all of it may take.
    limit: Duration,
    _guard: JobGuard,
}

impl Coming {
    /// A guest whose source writes streams as its cookie says, or as `version` has them.
    pub(super) async fn new(
        driver: &Driver,
        guest: Guest,
        cookie: &str,
        version: u32,
    ) -> Result<Self> {
        let inner = &driver.inner;
        let guest = driver.on_bridges(&guest).await?;
        let names = vec![guest.name.clone()];
        let wait = inner.options.job_wait;
        let jobs = &inner.jobs;
        let guard = jobs.acquire(Operation::MigrateFinish, names, wait).await?;
        Ok(Self {
            host: Arc::clone(&inner.host),
            guest,
            version: stream_of(cookie).unwrap_or(version),
            limit: inner.deadline(Operation::Migrate),
            _guard: guard,
        })
    }

    /// Waits for the source, and for all that it sends.
    async fn receive(self, listener: TcpListener) -> Result<()> {
        let source = timeout(WAIT, source(&listener, self.version)).await;
        drop(listener);
        let source = source.unwrap_or(Err(io::ErrorKind::TimedOut.into()));
        let (stream, mouth) = source
            .and_then(shared)
            .map_err(|error| broken(&format!("nobody sent the domain: {error}")))?;
        let received = self.take(stream).await;
        if let Err(error) = &received {
            tell_source(mouth, error).await;
        }
        received
    }

    /// Takes all that comes on a stream.
    pub(super) async fn take(self, stream: OwnedFd) -> Result<()> {
        let received = self.host.receive(&self.guest, stream, self.version);
        match timeout(self.limit, received).await {
            Ok(received) => received.map_err(Error::from),
            Err(_) => Err(Error::Timeout {
                channel: None,
                subject: self.guest.name.clone(),
                operation: Operation::MigrateFinish.verb(),
                limit: self.limit,
            }),
        }
    }
}

/// The first that connects and begins as a source does.
async fn source(listener: &TcpListener, version: u32) -> io::Result<TcpStream> {
    let mut peers = JoinSet::new();
    loop {
        tokio::select! {
            peer = listener.accept(), if peers.len() < PEERS_MAX => {
                let (stream, _) = peer?;
                // Older streams begin with the guest's memory.
                if version < 2 {
                    return Ok(stream);
                }
                peers.spawn(timeout(BEGIN, begun(stream)));
            }
            Some(peer) = peers.join_next() => if let Ok(Ok(Some(stream))) = peer {
                return Ok(stream);
            }
        }
    }
}

/// A connection that begins as a stream of libxl does.
async fn begun(stream: TcpStream) -> Option<TcpStream> {
    let mut begin = [0; IDENT.len()];
    loop {
        let seen = stream.peek(&mut begin).await.ok()?;
        let seen = begin.get(..seen)?;
        if seen.is_empty() || !IDENT.starts_with(seen) {
            return None;
        }
        if seen.len() == IDENT.len() {
            return Some(stream);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As libxl takes it, and for us.
fn shared(stream: TcpStream) -> io::Result<(OwnedFd, std::net::TcpStream)> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    Ok((stream.try_clone()?.into(), stream))
}

/// Tells a source of ours why its domain was not taken; others do not listen.
async fn tell_source(mouth: std::net::TcpStream, error: &Error) {
    let telling = async {
        mouth.set_nonblocking(true)?;
        let mut mouth = TcpStream::from_std(mouth)?;
        mouth
            .write_all(format!("{WORDS}{error}").as_bytes())
            .await?;
        mouth.shutdown().await
    };
    // Who sees it break off knows that it failed.
    let _ = timeout(LAST_WORDS, telling).await;
}

/// What a destination of ours has told before it broke off.
async fn last_words(ears: std::net::TcpStream) -> Option<String> {
    let mut words = Vec::new();
    let hearing = async {
        ears.set_nonblocking(true)?;
        let ears = TcpStream::from_std(ears)?;
        ears.take(WORDS_MAX).read_to_end(&mut words).await
    };
    // What was heard until then counts.
    let _ = timeout(LAST_WORDS, hearing).await;
    let words = String::from_utf8_lossy(&words);
    let words = words.strip_prefix(WORDS)?;
    Some(words.chars().filter(|it| !it.is_control()).collect())
}

fn with_words(error: Error, words: Option<String>) -> Error {
    match (error, words) {
        (Error::Host(virtxen_host::Error::Refused { operation, reason }), Some(words)) => {
            Error::Host(virtxen_host::Error::Refused {
                operation,
                reason: format!("{reason}; the destination says: {words}"),
            })
        }
        (error, _) => error,
    }
}

/// What libvirt's driver says of its stream.
fn stream_of(cookie: &str) -> Option<u32> {
    let (_, rest) = cookie.split_once("<migration-stream-version>")?;
    let (number, _) = rest.split_once('<')?;
    number.trim().parse().ok().filter(|it| matches!(it, 1 | 2))
}

/// What a source tells its destination, in the words of libvirt's driver, which refuses one
/// that does not end with a zero.
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
         <!-- {own} -->\n</libxl-migration>\n\0",
        text(&guest.name),
        uuid.unwrap_or_default(),
        text(host),
    )
}

pub(super) fn broken(why: &dyn std::fmt::Display) -> Error {
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
        assert!(own.contains("<name>a&lt;b</name>") && own.ends_with(">\n\0"));
        for other in ["", "<migration-stream-version>9</migration-stream-version>"] {
            assert_eq!(stream_of(other), None);
        }
    }

    async fn pair(listener: &TcpListener) -> TcpStream {
        let address = listener.local_addr().unwrap();
        TcpStream::connect(address).await.unwrap()
    }

    #[tokio::test]
    async fn who_tries_ports_is_no_source() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _silent = pair(&listener).await;
        let mut other = pair(&listener).await;
        other.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let mut real = pair(&listener).await;
        let accepted = tokio::spawn(async move { source(&listener, 2).await });
        real.write_all(b"Libxl").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        real.write_all(b"Fmt and more").await.unwrap();
        let found = accepted.await.unwrap().unwrap();
        assert_eq!(found.peer_addr().unwrap(), real.local_addr().unwrap());
        let mut all = [0; 17];
        let mut found = found;
        found.read_exact(&mut all).await.unwrap();
        assert_eq!(&all, b"LibxlFmt and more", "nothing of it is lost");
    }

    #[tokio::test]
    async fn a_source_hears_why_its_destination_gave_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut from = pair(&listener).await;
        let (to, _) = listener.accept().await.unwrap();
        // The destination does not read it.
        from.write_all(&[1; 50_000]).await.unwrap();
        let (stream, mouth) = shared(to).unwrap();
        tell_source(mouth, &broken(&"no memory")).await;
        drop(stream);
        let (_stream, ears) = shared(from).unwrap();
        let words = last_words(ears).await;
        assert_eq!(words.as_deref(), Some("migrate failed: no memory"));
        let refused = virtxen_host::Error::Refused {
            operation: "migrate",
            reason: "broken pipe".to_owned(),
        };
        let error = with_words(refused.into(), words).to_string();
        assert!(error.contains("broken pipe; the destination says: migrate failed: no memory"));
    }
}
