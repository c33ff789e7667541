//! A flood of events, for clients that listen to them and some that do not read: those who
//! read get every one, and nobody else is held up.

use super::{Report, STUCK, active, failure};
use crate::Result;
use crate::daemon::client::Client;
use crate::daemon::process::Process;
use std::path::Path;
use std::time::{Duration, Instant};
use virtxen_rpc::calls::{
    ConnectDomainEventRegister, ConnectGetHostname, DomainResume, DomainSuspend,
};

/// Clients that listen and read, and such that listen and do not.
const READERS: usize = 10;
const OTHERS: usize = 10;

/// Memory that the events may take, KiB.
const QUEUED: u64 = 16 << 10;

pub(super) fn flood(socket: &Path, pauses: usize, report: &mut Report) -> Result<()> {
    let mut client = Client::open(socket)?;
    let process = Process::new(client.server()?);
    let guest = active(&mut client)?.into_iter().next();
    let guest = guest.ok_or_else(|| failure("the host has no active guest"))?;
    let mut readers = Vec::new();
    let mut others = Vec::new();
    for number in 0..READERS + OTHERS {
        let mut listener = Client::open(socket)?;
        listener.call::<ConnectDomainEventRegister>(&())?;
        match number < READERS {
            true => readers.push(listener),
            false => others.push(listener),
        }
    }
    let before = process.resident()?;
    let mut longest = Duration::ZERO;
    for _ in 0..pauses {
        let begin = Instant::now();
        client.call::<DomainSuspend>(&guest)?;
        client.call::<DomainResume>(&guest)?;
        longest = longest.max(begin.elapsed());
    }
    // Each is two events.
    let wanted = 2 * pauses;
    let mut fewest = usize::MAX;
    for reader in &mut readers {
        let begin = Instant::now();
        while reader.events() < wanted && begin.elapsed() < STUCK {
            reader.call::<ConnectGetHostname>(&())?;
        }
        fewest = fewest.min(reader.events());
    }
    let taken = process.resident()?.saturating_sub(before);
    println!("{wanted} events for {READERS} clients that read and {OTHERS} that do not");
    let words = format!("the fewest that one got are {fewest}, {wanted} at least");
    report.bound(&words, fewest >= wanted);
    let words = format!("who made them waited {longest:.2?}, {STUCK:.0?} at most");
    report.bound(&words, longest < STUCK);
    let words = format!("memory for them {taken} KiB, {QUEUED} at most");
    report.bound(&words, taken <= QUEUED);
    drop(others);
    Ok(())
}
