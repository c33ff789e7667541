//! virtxend: serves a Xen host to libvirt's clients, over their own protocol.
//!
//! Here it starts and ends. The protocol is `virtxen_rpc`'s, what calls do
//! `virtxen_driver`'s; a client is a `connection`, its calls are in `serve`.
#![forbid(unsafe_code)]

mod access;
mod auth;
mod calls;
mod clients;
mod config;
mod connection;
mod console;
mod error;
mod forward;
mod glob;
mod identity;
mod inherit;
mod life;
mod listen;
mod log;
mod metrics;
mod networks;
mod notify;
mod options;
mod password;
mod peer;
mod sasl;
mod serve;
mod settings;
mod sockets;
mod streams;
mod tls;
mod tunnel;
mod users;

use clients::Daemon;
use config::Config;
use error::{Error, Result};
use forward::Others;
use inherit::Inherited;
use life::Signals;
use listen::Service;
use options::{Options, UserChange};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use settings::Settings;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use virtxen_connect::{Folders, Uri};
use virtxen_driver::{Driver, TakenDown};

/// Where the sockets of libvirt's other daemons are.
const OTHERS: &str = "/run/libvirt";

/// What a failure to write status files is about.
const FOR_LIBVIRT: &str = "libvirt's own daemon would not find all running domains";

/// How old a list may be. The driver looks at all domains once a second, and at
/// those that run as soon as a change is told, because the daemon listens for events.
const LIST_AGE: Duration = Duration::from_millis(1500);

/// How old a document may be in what nobody tells, such as where vcpus may run.
const DOCUMENT_AGE: Duration = Duration::from_secs(1);

/// How long a list or a document waits for a host that is slower than that.
const LIST_PATIENCE: Duration = Duration::from_secs(1);

/// How long the end waits for documents of running domains: those that were told of changes
/// are written by then.
const STATUS_PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    if let Some(exit) = virtxen_connect::call_libxl() {
        return exit;
    }
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
    if let Some(change) = &options.user {
        return change_user(&options, change);
    }
    // A program that is replaced later has another file.
    let program = std::env::current_exe().ok();
    let inherited = inherit::take()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Start)?;
    let ended = runtime.block_on(serve_all(options, program, inherited));
    runtime.shutdown_background();
    ended
}

/// Does what was asked for a user; the daemon that runs sees it.
fn change_user(options: &Options, change: &UserChange) -> Result<()> {
    let (config, _) = config(options)?;
    match change {
        UserChange::Add(name) => users::add(&config.users, name, &password::ask(name)?),
        UserChange::Remove(name) => users::remove(&config.users, name),
    }
}

async fn serve_all(
    options: Options,
    program: Option<PathBuf>,
    inherited: Vec<Inherited>,
) -> Result<()> {
    let signals = Signals::new()?;
    let (config, warnings) = config(&options)?;
    config.log.start()?;
    for warning in warnings.iter().chain(&config.log.warnings) {
        tracing::warn!("{warning}");
    }
    allow_open_files(config.max_clients);
    let host = match &options.connect {
        Some(uri) => Uri::parse(uri)?,
        None => Uri::default(),
    };
    let root = options.root.as_ref().map(Folders::below);
    let opened = virtxen_connect::open_with(&host, root, None).await?;
    let driver_options = virtxen_driver::Options {
        folders: opened.folders.clone(),
        max_age: LIST_AGE,
        document_age: DOCUMENT_AGE,
        patience: LIST_PATIENCE,
        ..virtxen_driver::Options::default()
    };
    let driver = Driver::open(Arc::clone(&opened.host), driver_options);
    let warnings = opened.host.warnings();
    for warning in warnings.iter().chain(&driver.store_notices().await) {
        tracing::warn!("{warning}");
    }
    let sockets = sockets::open(&options, &config, inherited)?;
    let others = Others::new(others(&options, &host), config.keepalive);
    let prometheus = match options.prometheus.or(config.prometheus) {
        Some(address) => Some(metrics::listen(address).await?),
        None => None,
    };
    let tls = sockets.iter().any(|socket| socket.service == Service::Tls);
    let settings = Settings::new(config, tls)?;
    driver.take_down_ended(|end| tell_end(&end));
    tokio::spawn(settle_interrupted(driver.clone()));
    tokio::spawn(start_automatic(driver.clone()));
    driver.keep_statuses(|error| tracing::warn!("{FOR_LIBVIRT}: {error}"));
    let daemon = Daemon::new(driver.clone(), &served_as(&host), settings, others);
    let forwarding = tokio::spawn(Arc::clone(&daemon).forward());
    if let Some(listener) = prometheus {
        tokio::spawn(metrics::serve(Arc::clone(&daemon), listener));
    }
    let lived = life::live(&daemon, sockets, &options, signals, program).await;
    forwarding.abort();
    leave_statuses(&driver).await;
    lived
}

/// The next program that sees to the host may be libvirt's own.
async fn leave_statuses(driver: &Driver) {
    match tokio::time::timeout(STATUS_PATIENCE, driver.write_statuses()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("{FOR_LIBVIRT}: {error}"),
        Err(_) => tracing::warn!("{FOR_LIBVIRT}: the host is slow to tell what they are"),
    }
}

/// A guest has ended, and this program saw to it.
fn tell_end(end: &TakenDown) {
    match (&end.done, &end.dump) {
        (Ok(_), None | Some(Ok(_))) if !end.too_often => tracing::info!("{end}"),
        _ => tracing::warn!("{end}"),
    }
}

/// Sees to the domains that a daemon was sending to other hosts when it ended.
async fn settle_interrupted(driver: Driver) {
    match driver.settle_interrupted().await {
        Ok(all) => all.iter().for_each(|it| tracing::warn!("{it}")),
        Err(error) => tracing::warn!("domains that were sent to other hosts: {error}"),
    }
}

/// Starts the domains that are started with the host, where it falls to us. Who comes
/// meanwhile is served.
async fn start_automatic(driver: Driver) {
    match driver.start_automatic().await {
        Ok(tried) => {
            for (name, done) in tried {
                if let Err(error) = done {
                    tracing::warn!("domain '{name}' was not started with the host: {error}");
                }
            }
        }
        Err(error) => tracing::warn!("no domain was started with the host: {error}"),
    }
}

/// The settings of the file that was named, or of libvirt's, if that is there, and
/// what in it has no effect.
pub(crate) fn config(options: &Options) -> Result<(Config, Vec<String>)> {
    let path = match &options.config {
        Some(path) => path.as_path(),
        None if Path::new(config::PLACE).exists() => Path::new(config::PLACE),
        None => return Ok(<(Config, Vec<String>)>::default()),
    };
    Config::load(path)
}

/// Makes room for the sockets of all clients, as far as the machine allows it. With
/// less, those who are too many wait.
fn allow_open_files(clients: usize) {
    /// Libraries, sockets, the host, consoles.
    const OTHERS: u64 = 256;
    let wanted = u64::try_from(clients)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHERS);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(current),
                ..limit
            },
        );
    }
}

/// The URI that clients see: libvirt's, from which a simulated host differs.
fn served_as(host: &Uri) -> String {
    match host {
        Uri::Sim(uri) => format!("xen:///system?simulated={uri}"),
        _ => "xen:///system".to_owned(),
    }
}

/// Where libvirt's other daemons are. What a client of a simulated host does must not
/// reach this machine's networks and storage by itself.
fn others(options: &Options, host: &Uri) -> Option<PathBuf> {
    match (&options.others, host) {
        (Some(folder), _) => Some(folder.clone()),
        (None, Uri::Sim(_)) => None,
        (None, _) => Some(PathBuf::from(OTHERS)),
    }
}
