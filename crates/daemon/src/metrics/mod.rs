//! The page that Prometheus reads: domains, host and daemon, over HTTP.
//!
//! What is on it is in `domain` and `daemon`, where it comes from in `gather` and
//! `crate::calls`. Here is the little of HTTP that it takes: one page, one request a
//! connection, bounded in bytes, time and number.

mod daemon;
mod domain;
mod gather;
mod text;

use crate::clients::Daemon;
use crate::error::{Error, Result};
use gather::Gatherer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use text::{Kind, Page};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Bytes of a request.
const REQUEST: usize = 8 << 10;
/// Requests at the same time.
const MOST: usize = 16;
/// How long a client may take to ask, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the page is.
const PATH: &str = "/metrics";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const WORDS: &str = "text/plain; charset=utf-8";

/// Listens for those who want the page.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    if !address.ip().is_loopback() {
        let address = address.to_string();
        tracing::warn!(address, "whoever reaches it can read the metrics");
    }
    let listener = TcpListener::bind(address).await;
    listener.map_err(|cause| Error::Listen {
        place: address.to_string(),
        cause,
    })
}

/// Serves the page for ever.
pub(crate) async fn serve(daemon: Arc<Daemon>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(MOST));
    let gatherer = Gatherer::new(daemon.driver().clone());
    loop {
        let Ok(room) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files: others may end soon.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (daemon, gatherer) = (Arc::clone(&daemon), Arc::clone(&gatherer));
        tokio::spawn(async move {
            // Who does not keep to HTTP or to the time gets nothing.
            let _ = answer(stream, &daemon, &gatherer).await;
            drop(room);
        });
    }
}

async fn answer(
    mut stream: TcpStream,
    daemon: &Daemon,
    gatherer: &Arc<Gatherer>,
) -> std::io::Result<()> {
    let request = timeout(PATIENCE, read(&mut stream)).await??;
    let mut words = request.split([' ', '\r', '\n']);
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match (method, path) {
        (Some("GET" | "HEAD"), PATH) => ("200 OK", METRICS, page(daemon, gatherer).await),
        (Some("GET" | "HEAD"), _) => ("404 Not Found", WORDS, format!("see {PATH}\n")),
        _ => ("405 Method Not Allowed", WORDS, "only GET\n".to_owned()),
    };
    let mut reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    if method != Some("HEAD") {
        reply.push_str(&body);
    }
    let send = async {
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await
    };
    timeout(PATIENCE, send).await?
}

/// The head of a request.
async fn read(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut buffer).await?;
        let part = buffer.get(..count).unwrap_or_default();
        if part.is_empty() || request.len() + part.len() > REQUEST {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        request.extend_from_slice(part);
    }
    Ok(String::from_utf8_lossy(&request).into_owned())
}

async fn page(daemon: &Daemon, gatherer: &Arc<Gatherer>) -> String {
    let begin = Instant::now();
    let (gathered, is_new) = gatherer.read().await;
    let mut page = Page::default();
    page.single(
        "libvirt_up",
        Kind::Gauge,
        "Whether the host could be read for this page.",
        u64::from(is_new),
    );
    page.single(
        "virtxen_scrape_duration_seconds",
        Kind::Gauge,
        "How long it took to read it, in seconds.",
        begin.elapsed().as_secs_f64(),
    );
    if let Some(gathered) = &gathered {
        page.single(
            "virtxen_statistics_age_seconds",
            Kind::Gauge,
            "How long ago the numbers of host and domains were read, in seconds.",
            gathered.when.elapsed().as_secs_f64(),
        );
        page.single(
            "virtxen_statistics_missing",
            Kind::Gauge,
            "Groups of numbers that could not be read.",
            u64::try_from(gathered.stats.missing.len()).unwrap_or(u64::MAX),
        );
        let domains = &gathered.stats.domains;
        page.single(
            "libvirt_domains_number",
            Kind::Gauge,
            "Domains.",
            u64::try_from(domains.len()).unwrap_or(u64::MAX),
        );
        domain::write(&mut page, domains);
        daemon::write_host(&mut page, gathered);
    }
    if let Some(snapshot) = gatherer.driver().snapshot() {
        page.single(
            "virtxen_domain_list_age_seconds",
            Kind::Gauge,
            "How long ago all domains were listed, active or not, in seconds.",
            snapshot.taken.elapsed().as_secs_f64(),
        );
        let domains: Vec<_> = snapshot.domains.iter().collect();
        daemon::write_jobs(&mut page, gatherer.driver(), &domains);
    }
    daemon::write_daemon(&mut page, daemon.calls(), daemon.clients());
    page.into_text()
}
