//! virtxend under load: stuck guests, clients that misbehave, many calls.
//!
//! `cargo xtask soak` starts the daemons. Every figure is printed with its bound. What
//! depends on how busy the machine is only says so; what fails is a call that waits for
//! a stuck guest, a client that is not served, an event that is lost, memory that grows.

mod crowd;
mod events;
mod growth;
mod stuck;

use crate::daemon::client::Client;
use crate::measure::verdict;
use crate::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{ConnectListAllDomains, ListAll};

/// No answer to a question takes so long, even on a busy machine; one that waits for a
/// stuck guest takes as long as the driver waits for it, a minute.
const STUCK: Duration = Duration::from_secs(5);

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A daemon whose guests never pause, shut down or take a device
    #[arg(long)]
    stuck: PathBuf,
    /// A daemon whose XenD answers nobody any more when it is to pause a guest
    #[arg(long)]
    stalled: PathBuf,
    /// A daemon whose host is another process
    #[arg(long)]
    apart: PathBuf,
    /// Guests that are stuck
    #[arg(long, default_value_t = 30)]
    guests: usize,
    /// Seconds of each part with stuck guests
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections that misbehave
    #[arg(long, default_value_t = 4900)]
    connections: usize,
    /// Times that a guest is paused and resumed before those who listen
    #[arg(long, default_value_t = 1000)]
    pauses: usize,
    /// Calls, and a tenth as many starts
    #[arg(long, default_value_t = 100_000)]
    calls: usize,
}

/// What was found.
#[derive(Default)]
struct Report {
    failed: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut report = Report::default();
    load();
    stuck::stuck(options, &mut report)?;
    stuck::stalled(options, &mut report)?;
    load();
    crowd::crowd(&options.apart, options.connections, &mut report)?;
    crowd::slow_readers(&options.apart, &mut report)?;
    crowd::large_payloads(&options.apart, &mut report)?;
    events::flood(&options.apart, options.pauses, &mut report)?;
    growth::growth(&options.apart, options.calls, &mut report)?;
    load();
    match report.failed.as_slice() {
        [] => Ok(()),
        failed => Err(Error::Document {
            name: "virtxend".to_owned(),
            reason: failed.join("; "),
        }),
    }
}

impl Report {
    /// A figure that has to be within its bound.
    fn bound(&mut self, figure: &str, is_kept: bool) {
        println!("  {figure}: {}", if is_kept { "kept" } else { "FAILED" });
        if !is_kept {
            self.failed.push(figure.to_owned());
        }
    }

    /// A figure that is aimed at, on a machine that does nothing else.
    fn target(&self, figure: &str, is_met: bool) {
        println!("  {figure}: {}", verdict(is_met));
    }
}

/// How busy the machine is.
fn load() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = load.split(' ').next().unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("the machine's load is {minute} on {cpus} processors");
}

fn domains(client: &mut Client, flags: u32) -> Result<Vec<Domain>> {
    let wanted = ListAll {
        need_results: 1,
        flags,
    };
    let listed = client.call::<ConnectListAllDomains>(&wanted)?;
    Ok(listed.items.iter().cloned().collect())
}

/// The active guests of a host.
fn active(client: &mut Client) -> Result<Vec<Domain>> {
    let mut active = domains(client, 1)?;
    active.retain(|dom| dom.id > 0);
    Ok(active)
}

/// Some guest of a host that is not active.
fn inactive(client: &mut Client) -> Result<Domain> {
    let found = domains(client, 2)?.into_iter().next();
    found.ok_or_else(|| failure("the host has no inactive guest"))
}

fn failure(reason: &str) -> Error {
    Error::Document {
        name: "virtxend".to_owned(),
        reason: reason.to_owned(),
    }
}
