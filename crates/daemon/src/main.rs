//! virtxend: serves a Xen host to libvirt's clients, over their own protocol.
//!
//! Here it starts and ends. The protocol is `virtxen_rpc`'s, what calls do
//! `virtxen_driver`'s; a client is a `connection`, its calls are in `serve`.
#![forbid(unsafe_code)]

mod connection;
mod console;
mod error;
mod listen;
mod options;
mod serve;

use connection::Connection;
use console::Consoles;
use error::{Error, Result};
use listen::Socket;
use options::Options;
use serve::{Caller, Registrations};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::broadcast;
use virtxen_connect::Uri;
use virtxen_driver::{AllowAll, Delivery, Driver};
use virtxen_rpc::server::ServerSettings;

/// Where libvirt's clients look: the daemon of the Xen driver, and the one that had
/// all drivers.
const SOCKETS: [&str; 2] = ["/run/libvirt/virtxend-sock", "/run/libvirt/libvirt-sock"];

/// Events that wait for a client that is slow to take them.
const EVENTS: usize = 1024;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("virtxend: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    if options.help {
        print!("{}", options::HELP);
        return Ok(());
    }
    if options.version {
        println!("virtxend {}", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::Usage(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(serve_all(options));
    runtime.shutdown_background();
    ended
}

async fn serve_all(options: Options) -> Result<()> {
    let host = match &options.connect {
        Some(uri) => Uri::parse(uri)?,
        None => Uri::default(),
    };
    let opened = virtxen_connect::open(&host, None).await?;
    let driver = Driver::open(Arc::clone(&opened.host), virtxen_driver::Options::default());
    let (events, _) = broadcast::channel(EVENTS);
    let daemon = Arc::new(Daemon {
        uri: served_as(&host).into(),
        driver,
        events,
        consoles: Arc::default(),
    });
    let forwarding = tokio::spawn(forward(Arc::clone(&daemon)));
    let sockets = sockets(&options)?;
    let mut accepting = tokio::task::JoinSet::new();
    for socket in sockets {
        accepting.spawn(accept(socket, Arc::clone(&daemon)));
    }
    stop_signal().await;
    accepting.shutdown().await;
    forwarding.abort();
    Ok(())
}

/// The URI that clients see: libvirt's, from which a simulated host differs.
fn served_as(host: &Uri) -> String {
    match host {
        Uri::Sim(uri) => format!("xen:///system?simulated={uri}"),
        _ => "xen:///system".to_owned(),
    }
}

/// What all clients share.
struct Daemon {
    driver: Driver,
    uri: Arc<str>,
    events: broadcast::Sender<Delivery>,
    consoles: Arc<Consoles>,
}

/// The sockets that were asked for, each with one for those who only read.
fn sockets(options: &Options) -> Result<Vec<Socket>> {
    let paths = match &options.socket {
        Some(path) => vec![path.clone()],
        None => SOCKETS.map(PathBuf::from).to_vec(),
    };
    let mut sockets = Vec::new();
    for path in paths {
        let mut read_only = path.clone().into_os_string();
        read_only.push("-ro");
        sockets.push(Socket::bind(&path, 0o600, false)?);
        sockets.push(Socket::bind(read_only.as_ref(), 0o666, true)?);
    }
    Ok(sockets)
}

async fn accept(socket: Socket, daemon: Arc<Daemon>) {
    loop {
        let Ok(stream) = socket.accept().await else {
            // Too many open files: others may end soon.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let settings = ServerSettings {
            read_only: socket.read_only,
            ..ServerSettings::default()
        };
        let caller = Arc::new(Caller {
            driver: daemon
                .driver
                .with_access(Arc::new(AllowAll), socket.read_only),
            uri: Arc::clone(&daemon.uri),
            registrations: Registrations::default(),
            consoles: Arc::clone(&daemon.consoles),
        });
        let connection = Connection::new(settings, caller, daemon.events.subscribe());
        tokio::spawn(async move {
            if let Err(error) = connection.serve(stream).await {
                eprintln!("virtxend: a client was sent away: {error}");
            }
        });
    }
}

/// Passes the driver's events on to all clients. A host that does not answer is
/// asked again.
async fn forward(daemon: Arc<Daemon>) {
    loop {
        if let Ok(mut subscription) = daemon.driver.subscribe().await {
            while let Some(delivery) = subscription.next().await {
                // Nobody listening is no error.
                let _ = daemon.events.send(delivery);
            }
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// Waits until the daemon is asked to end.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
