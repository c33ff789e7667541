//! virtxend under load: stuck guests, clients that misbehave, many calls.
//!
//! `cargo xtask soak` starts the daemons. Times are printed; what fails is a call that
//! waits for a stuck guest, a client that is not served, memory that grows.

use crate::daemon::client::Client;
use crate::daemon::process::Process;
use crate::measure::Times;
use crate::{Error, Result};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{
    ConnectGetAllDomainStats, ConnectGetHostname, ConnectListAllDomains, DomainCreate,
    DomainDestroy, DomainFlags, DomainGetInfo, DomainGetState, DomainGetXMLDesc, DomainSuspend,
    ListAll, StatsArguments,
};

/// No answer to a question takes so long, even on a busy machine; one that waits for a
/// stuck guest takes as long as the driver waits for it, a minute.
const STUCK: Duration = Duration::from_secs(5);

/// Memory that a daemon may grow by while it does the same again and again, KiB.
const GROWTH: u64 = 1024;

/// Clients that ask at the same time.
const CLIENTS: usize = 20;

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A daemon whose guests do not pause
    #[arg(long)]
    stuck: PathBuf,
    /// A daemon whose host is another process
    #[arg(long)]
    apart: PathBuf,
    /// Guests that are stuck
    #[arg(long, default_value_t = 30)]
    guests: usize,
    /// Seconds with stuck guests
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Connections that misbehave
    #[arg(long, default_value_t = 4900)]
    connections: usize,
    /// Calls, and a tenth as many starts
    #[arg(long, default_value_t = 100_000)]
    calls: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    stuck(options)?;
    crowd(&options.apart, options.connections)?;
    growth(&options.apart, options.calls)
}

/// Everybody asks about all guests, at first while all are well, then while some never
/// answer.
fn stuck(options: &Options) -> Result<()> {
    let mut client = Client::open(&options.stuck)?;
    let active: Vec<Domain> = domains(&mut client, 1)?;
    let active: Vec<Domain> = active.into_iter().filter(|dom| dom.id > 0).collect();
    let span = Duration::from_secs(options.seconds) / 2;
    ask_all("all guests are well", options, &active, span)?;
    for dom in active.iter().take(options.guests) {
        let (socket, dom) = (options.stuck.clone(), dom.clone());
        // It ends with the daemon's deadline, or with the daemon.
        std::thread::spawn(move || {
            drop(Client::open(&socket).and_then(|mut it| it.call::<DomainSuspend>(&dom)));
        });
    }
    let name = format!("{} guests are stuck", options.guests);
    let longest = ask_all(&name, options, &active, span)?;
    match longest < STUCK {
        true => Ok(()),
        false => Err(failure("a call waited for a stuck guest")),
    }
}

/// The longest time that a client waited of those who ask for so long.
fn ask_all(name: &str, options: &Options, active: &[Domain], span: Duration) -> Result<Duration> {
    let is_over = AtomicBool::new(false);
    let times = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let is_over = &is_over;
                scope.spawn(move || ask(&options.stuck, active, number, is_over))
            })
            .collect();
        std::thread::sleep(span);
        is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for asker in askers {
            all.extend(asker.join().map_err(|_| failure("a client broke"))??);
        }
        Ok::<_, Error>(all)
    })?;
    let times = Times::new(times);
    println!(
        "{name}, {CLIENTS} clients ask: median {:.2?}, 99 % in {:.2?}, longest {:.2?}",
        times.median(),
        times.share(0.99),
        times.longest()
    );
    Ok(times.longest())
}

/// Asks about one domain after the other.
fn ask(
    socket: &Path,
    active: &[Domain],
    number: usize,
    is_over: &AtomicBool,
) -> Result<Vec<Duration>> {
    let mut client = Client::open(socket)?;
    let mut times = Vec::new();
    for (turn, dom) in active.iter().cycle().skip(number).enumerate() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let begin = Instant::now();
        let flags = DomainFlags {
            dom: dom.clone(),
            flags: 0,
        };
        match turn % 8 {
            0 => {
                domains(&mut client, 0)?;
            }
            1 => {
                let wanted = StatsArguments {
                    doms: vec![dom.clone()].into(),
                    ..StatsArguments::default()
                };
                client.call::<ConnectGetAllDomainStats>(&wanted)?;
            }
            2 | 3 => {
                client.call::<DomainGetXMLDesc>(&flags)?;
            }
            4 | 5 => {
                client.call::<DomainGetState>(&flags)?;
            }
            _ => {
                client.call::<DomainGetInfo>(dom)?;
            }
        }
        times.push(begin.elapsed());
    }
    Ok(times)
}

/// Clients that say nothing, say garbage, promise too much, or do not read; others are
/// served, and the daemon is as big as before when they are gone.
fn crowd(socket: &Path, count: usize) -> Result<()> {
    let mut client = Client::open(socket)?;
    let process = Process::new(client.server()?);
    let before = process.resident()?;
    let mut longest = Duration::ZERO;
    let mut crowd = Vec::new();
    for number in 0..count {
        let failed = |error: std::io::Error| Error::file(socket, &error);
        let mut stream = UnixStream::connect(socket).map_err(failed)?;
        let bytes: &[u8] = match number % 5 {
            0 => &[],
            1 => b"GET / HTTP/1.1\r\n\r\n",
            2 => &[0xff; 64],
            3 => &[0, 0, 0, 4],
            _ => &[2, 0, 0, 0, 0x20, 0, 0x80, 0x86],
        };
        // It may have been sent away already.
        let _ = stream.write_all(bytes);
        crowd.push(stream);
        if number % 50 == 0 {
            let begin = Instant::now();
            client.call::<ConnectGetHostname>(&())?;
            longest = longest.max(begin.elapsed());
        }
    }
    let during = process.resident()?;
    drop(crowd);
    std::thread::sleep(Duration::from_millis(500));
    Client::open(socket)?.call::<ConnectGetHostname>(&())?;
    let after = process.resident()?;
    println!(
        "{count} connections of garbage, half packets and silence: another client waited {longest:.2?} at most; \
         resident {before} KiB before, {during} during, {after} after"
    );
    match longest < STUCK {
        true => Ok(()),
        false => Err(failure("a client was not served beside a crowd")),
    }
}

/// The same calls again and again, and a guest that is started and destroyed.
fn growth(socket: &Path, calls: usize) -> Result<()> {
    let mut client = Client::open(socket)?;
    let process = Process::new(client.server()?);
    let inactive = domains(&mut client, 2)?;
    let guest = inactive.first().cloned();
    let guest = guest.ok_or_else(|| failure("the host has no inactive guest"))?;
    let mut measured = Vec::new();
    for round in 0..4 {
        // The first round fills what is kept.
        for number in 0..calls / 4 {
            let dom = guest.clone();
            match number % 4 {
                0 => {
                    client.call::<ConnectGetHostname>(&())?;
                }
                1 => {
                    client.call::<DomainGetInfo>(&dom)?;
                }
                2 => {
                    client.call::<DomainGetState>(&DomainFlags { dom, flags: 0 })?;
                }
                _ => {
                    client.call::<DomainGetXMLDesc>(&DomainFlags { dom, flags: 0 })?;
                }
            }
            if number % 10 == 0 {
                client.call::<DomainCreate>(&guest)?;
                client.call::<DomainDestroy>(&guest)?;
            }
        }
        let resident = process.resident()?;
        println!(
            "round {round} of {} calls: resident {resident} KiB",
            calls / 4
        );
        measured.push(resident);
    }
    let first = measured.get(1).copied().unwrap_or_default();
    let last = measured.last().copied().unwrap_or_default();
    match last.saturating_sub(first) <= GROWTH {
        true => Ok(()),
        false => Err(failure("memory grows with calls")),
    }
}

fn domains(client: &mut Client, flags: u32) -> Result<Vec<Domain>> {
    let wanted = ListAll {
        need_results: 1,
        flags,
    };
    let listed = client.call::<ConnectListAllDomains>(&wanted)?;
    Ok(listed.items.iter().cloned().collect())
}

fn failure(reason: &str) -> Error {
    Error::Document {
        name: "virtxend".to_owned(),
        reason: reason.to_owned(),
    }
}
