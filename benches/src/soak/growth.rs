//! The same calls again and again, and a guest that is started and destroyed: memory has
//! to stay what it is.

use super::{Report, inactive};
use crate::Result;
use crate::daemon::client::Client;
use crate::daemon::process::Process;
use std::path::Path;
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{
    ConnectGetHostname, DomainCreate, DomainDestroy, DomainFlags, DomainGetInfo, DomainGetState,
    DomainGetXMLDesc,
};

/// Memory that a daemon may grow by while it does the same again and again, KiB.
const GROWTH: u64 = 1024;

/// Parts into which the calls are divided. The first fills what is kept.
const ROUNDS: usize = 4;

pub(super) fn growth(socket: &Path, calls: usize, report: &mut Report) -> Result<()> {
    let mut client = Client::open(socket)?;
    let process = Process::new(client.server()?);
    let guest = inactive(&mut client)?;
    let mut measured = Vec::new();
    for _ in 0..ROUNDS {
        for number in 0..calls / ROUNDS {
            call(&mut client, &guest, number)?;
            if number % 10 == 0 {
                client.call::<DomainCreate>(&guest)?;
                client.call::<DomainDestroy>(&guest)?;
            }
        }
        measured.push(process.resident()?);
    }
    let starts = calls / 10;
    println!("{calls} calls and {starts} starts and ends of a guest: resident {measured:?} KiB");
    let first = measured.get(1).copied().unwrap_or_default();
    let last = measured.last().copied().unwrap_or_default();
    let growth = last.saturating_sub(first);
    let words =
        format!("growth from the second quarter to the last {growth} KiB, {GROWTH} at most");
    report.bound(&words, growth <= GROWTH);
    Ok(())
}

fn call(client: &mut Client, guest: &Domain, number: usize) -> Result<()> {
    let dom = guest.clone();
    let flags = DomainFlags {
        dom: dom.clone(),
        flags: 0,
    };
    match number % 4 {
        0 => client.call::<ConnectGetHostname>(&()).map(|_| ()),
        1 => client.call::<DomainGetInfo>(&dom).map(|_| ()),
        2 => client.call::<DomainGetState>(&flags).map(|_| ()),
        _ => client.call::<DomainGetXMLDesc>(&flags).map(|_| ()),
    }
}
