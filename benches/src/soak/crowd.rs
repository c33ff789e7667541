//! Clients that say nothing, say garbage, promise too much, hang up in the midst, do not
//! read, or send as much as they may: others are served, and memory stays bounded.

use super::{Report, STUCK};
use crate::daemon::client::Client;
use crate::daemon::process::Process;
use crate::{Error, Result};
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use virtxen_rpc::calls::{
    ConnectGetCapabilities, ConnectGetHostname, ConnectListAllDomains, DomainDefineXML, ListAll,
};

/// Memory that a daemon may keep of such clients when they are gone, KiB: allocators give
/// not everything back.
const LEFT: u64 = 32 << 10;

/// Kinds of connections that there are.
const KINDS: usize = 6;

/// Memory for each of the connections that are there at once, KiB, after as many have come
/// and gone twice: what is not used again shows.
const EACH: u64 = 24;

/// Clients that do not read, and calls that each of them tries to make.
const SLOW: usize = 50;
const UNREAD: usize = 2000;

/// Memory that answers for them may take, KiB: each has a bounded queue.
const QUEUED: u64 = 64 << 10;

/// Documents of nearly as much text as the protocol takes.
const LARGE: usize = 20;
const LARGE_TEXT: usize = (4 << 20) - 1024;

pub(super) fn crowd(socket: &Path, count: usize, report: &mut Report) -> Result<()> {
    let mut others = Others::open(socket)?;
    // What the program itself loads when the first ones come is no memory for each.
    gather(socket, KINDS, &mut others)?;
    let before = others.resident()?;
    for _ in 0..2 {
        gather(socket, count, &mut others)?;
    }
    println!("twice {count} connections of garbage, half packets, half-open sockets and silence");
    let after = others.resident()?;
    let each = after.saturating_sub(before) / u64::try_from(count.max(1)).unwrap_or(1);
    let words = format!("memory for each {each} KiB, {EACH} at most");
    report.bound(&words, each <= EACH);
    others.report(report, after, after)
}

/// Lets so many come at once, and leave.
fn gather(socket: &Path, count: usize, others: &mut Others) -> Result<()> {
    let mut crowd = Vec::new();
    for number in 0..count {
        let failed = |error: std::io::Error| Error::file(socket, &error);
        let mut stream = UnixStream::connect(socket).map_err(failed)?;
        let bytes: &[u8] = match number % KINDS {
            0 => &[],
            1 => b"GET / HTTP/1.1\r\n\r\n",
            2 => &[0xff; 64],
            3 => &[0, 0, 0, 4],
            _ => &[2, 0, 0, 0, 0x20, 0, 0x80, 0x86],
        };
        // It may have been sent away already.
        let _ = stream.write_all(bytes);
        if number % 6 == 5 {
            let _ = stream.shutdown(Shutdown::Write);
        }
        crowd.push(stream);
        if number % 50 == 0 {
            others.ask()?;
        }
    }
    drop(crowd);
    std::thread::sleep(Duration::from_millis(500));
    Ok(())
}

/// Clients that make calls with long answers and read none.
pub(super) fn slow_readers(socket: &Path, report: &mut Report) -> Result<()> {
    let mut others = Others::open(socket)?;
    let before = others.resident()?;
    let mut crowd = Vec::new();
    for _ in 0..SLOW {
        let mut client = Client::open(socket)?;
        let list = ListAll {
            need_results: 1,
            flags: 0,
        };
        for _ in 0..UNREAD / 2 {
            let sent = client.send::<ConnectGetCapabilities>(&())?
                && client.send::<ConnectListAllDomains>(&list)?;
            if !sent {
                break;
            }
        }
        crowd.push(client);
        others.ask()?;
    }
    let during = others.resident()?;
    println!("{SLOW} clients make {UNREAD} calls each and read no answer");
    let taken = during.saturating_sub(before);
    let words = format!("memory for them {taken} KiB, {QUEUED} at most");
    report.bound(&words, taken <= QUEUED);
    drop(crowd);
    others.report(report, before, during)
}

/// Calls of nearly as many bytes as are allowed.
pub(super) fn large_payloads(socket: &Path, report: &mut Report) -> Result<()> {
    let mut others = Others::open(socket)?;
    let before = others.resident()?;
    let document = format!("<domain>{}</domain>", " ".repeat(LARGE_TEXT));
    let mut client = Client::open(socket)?;
    for _ in 0..LARGE {
        // It is no domain: the answer is an error, and comes.
        let begin = Instant::now();
        if client.call::<DomainDefineXML>(&document).is_ok() {
            report.bound("a document without a name is refused", false);
        }
        others.longest = others.longest.max(begin.elapsed());
        others.ask()?;
    }
    let during = others.resident()?;
    println!("{LARGE} documents of {} KiB", document.len() >> 10);
    drop(client);
    others.report(report, before, during)
}

/// Another client, and the daemon's memory.
struct Others {
    client: Client,
    process: Process,
    longest: Duration,
}

impl Others {
    fn open(socket: &Path) -> Result<Self> {
        let client = Client::open(socket)?;
        let process = Process::new(client.server()?);
        Ok(Self {
            client,
            process,
            longest: Duration::ZERO,
        })
    }

    fn ask(&mut self) -> Result<()> {
        let begin = Instant::now();
        self.client.call::<ConnectGetHostname>(&())?;
        self.longest = self.longest.max(begin.elapsed());
        Ok(())
    }

    fn resident(&self) -> Result<u64> {
        self.process.resident()
    }

    /// When the crowd has gone.
    fn report(mut self, report: &mut Report, before: u64, during: u64) -> Result<()> {
        std::thread::sleep(Duration::from_millis(500));
        self.ask()?;
        let after = self.resident()?;
        let longest = self.longest;
        let words = format!("another client waited {longest:.2?}, {STUCK:.0?} at most");
        report.bound(&words, longest < STUCK);
        let left = after.saturating_sub(before);
        let words = format!(
            "resident {before} KiB before, {during} during, {after} after: {left} more, {LEFT} at most"
        );
        report.bound(&words, left <= LEFT);
        Ok(())
    }
}
