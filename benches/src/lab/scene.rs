//! What a daemon is asked on a real Xen, and how long it takes; the same by `xl`, where it has
//! words for it.
//!
//! What the numbers are compared with is in `table`.

use super::service::{Service, run};
use super::table::{Table, Unit};
use crate::daemon::client::Client;
use crate::measure::Times;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{
    ConnectListAllDomains, DomainCreate, DomainDefineXML, DomainDestroy, DomainFlags,
    DomainGetInfo, DomainGetState, DomainGetXMLDesc, DomainLookupByName, DomainUndefine, ListAll,
};

/// Name of the guest that is measured.
const GUEST: &str = "measured";

/// Longer than a guest takes to boot.
const PATIENCE: Duration = Duration::from_secs(300);

/// A daemon, a client of it, and a guest.
pub(super) struct Scene<'a> {
    service: &'a Service,
    client: Client,
    document: String,
    guest: Option<Domain>,
}

/// A call that reads, by name.
type Read = (&'static str, fn(&mut Client, &Domain) -> Result<()>);

const READS: &[Read] = &[
    ("list", |client, _| {
        let all = ListAll {
            need_results: 1,
            flags: 0,
        };
        client.call::<ConnectListAllDomains>(&all).map(drop)
    }),
    ("look-up by name", |client, guest| {
        client.call::<DomainLookupByName>(&guest.name).map(drop)
    }),
    ("state", |client, guest| {
        client.call::<DomainGetState>(&flags(guest)).map(drop)
    }),
    ("info", |client, guest| {
        client.call::<DomainGetInfo>(guest).map(drop)
    }),
    ("dumpxml", |client, guest| {
        client.call::<DomainGetXMLDesc>(&flags(guest)).map(drop)
    }),
];

impl<'a> Scene<'a> {
    /// A daemon that has been started.
    pub(super) fn new(service: &'a Service, document: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(document);
        let text = text.map_err(|error| Error::file(document, &error))?;
        let client = service.open()?;
        Ok(Self {
            service,
            client,
            document: named(&text, GUEST),
            guest: None,
        })
    }

    /// Memory, and what it does when it is asked nothing.
    pub(super) fn idle(&mut self, when: &str, span: Duration, table: &mut Table) -> Result<()> {
        std::thread::sleep(span);
        let before = self.service.cpu()?;
        std::thread::sleep(span);
        let used = self.service.cpu()?.saturating_sub(before);
        let share = used.as_secs_f64() / span.as_secs_f64() * 1e3;
        let name = format!("{when}: processor time a second");
        table.put(&name, self.service.name, share, Unit::Milliseconds);
        let resident = self.service.resident()? as f64 / 1024.0;
        let name = format!("{when}: resident");
        table.put(&name, self.service.name, resident, Unit::MiB);
        Ok(())
    }

    /// Defines new guests, and forgets them again; the last one stays.
    pub(super) fn define(&mut self, rounds: usize, table: &mut Table) -> Result<()> {
        let mut others = Vec::new();
        let mut tally = Tally::begin(self.service)?;
        for number in 0..rounds.max(1) {
            let document = named(&self.document, &format!("{GUEST}-{number}"));
            let client = &mut self.client;
            others.push(tally.time(|| client.call::<DomainDefineXML>(&document))?);
        }
        tally.end("define", table)?;
        for guest in others {
            self.client.call::<DomainUndefine>(&guest)?;
        }
        let guest = self.client.call::<DomainDefineXML>(&self.document)?;
        self.guest = Some(guest);
        Ok(())
    }

    /// Starts and ends the guest so often.
    pub(super) fn lives(&mut self, rounds: usize, table: &mut Table) -> Result<()> {
        let guest = self.guest()?;
        let mut starts = Tally::begin(self.service)?;
        let mut ends = Tally::begin(self.service)?;
        for _ in 0..rounds.max(1) {
            let client = &mut self.client;
            starts.time(|| client.call::<DomainCreate>(&guest))?;
            settle();
            ends.time(|| client.call::<DomainDestroy>(&guest))?;
            settle();
        }
        starts.end_with("start", "start and destroy", table)?;
        ends.times("destroy", table);
        Ok(())
    }

    /// Starts the guest, and waits until it does nothing any more.
    pub(super) fn start_and_wait(&mut self) -> Result<()> {
        let log = PathBuf::from(format!("/var/log/xen/console/guest-{GUEST}.log"));
        let _ = std::fs::write(&log, "");
        let guest = self.guest()?;
        self.client.call::<DomainCreate>(&guest)?;
        let begin = Instant::now();
        while !is_ready(&log) {
            if begin.elapsed() > PATIENCE {
                self.leave()?;
                return Err(Error::file(&log, &"the guest is not ready"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        settle();
        Ok(())
    }

    /// Asks of the guest that runs.
    pub(super) fn reads(&mut self, span: Duration, table: &mut Table) -> Result<()> {
        let guest = self.guest()?;
        for (name, read) in READS {
            read(&mut self.client, &guest)?;
            let mut tally = Tally::begin(self.service)?;
            while tally.times.len() < 3 || tally.begin.elapsed() < span {
                let client = &mut self.client;
                tally.time(|| read(client, &guest))?;
            }
            tally.end(name, table)?;
        }
        Ok(())
    }

    /// Ends the guest and forgets it.
    pub(super) fn leave(&mut self) -> Result<()> {
        let guest = self.guest()?;
        self.client.call::<DomainDestroy>(&guest)?;
        self.client.call::<DomainUndefine>(&guest)?;
        self.guest = None;
        Ok(())
    }

    fn guest(&self) -> Result<Domain> {
        let missing = || Error::Document {
            name: GUEST.to_owned(),
            reason: "it is not defined".to_owned(),
        };
        self.guest.clone().ok_or_else(missing)
    }
}

/// The same guest's start and end by `xl`, its processes included.
pub(super) fn xl(config: &Path, rounds: usize, table: &mut Table) -> Result<()> {
    let name = format!("name=\"{GUEST}\"");
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let begin = Instant::now();
        run(Command::new("xl")
            .args(["create", "-q"])
            .arg(config)
            .arg(&name))?;
        starts.push(begin.elapsed());
        settle();
        let begin = Instant::now();
        run(Command::new("xl").args(["destroy", GUEST]))?;
        ends.push(begin.elapsed());
        settle();
    }
    for (what, times) in [("start", starts), ("destroy", ends)] {
        let median = milliseconds(Times::new(times).median());
        table.put(what, "xl", median, Unit::Milliseconds);
    }
    Ok(())
}

/// Times of one kind of call, and the processor time meanwhile.
struct Tally<'a> {
    service: &'a Service,
    begin: Instant,
    before: Duration,
    times: Vec<Duration>,
}

impl<'a> Tally<'a> {
    fn begin(service: &'a Service) -> Result<Self> {
        Ok(Self {
            service,
            before: service.cpu()?,
            begin: Instant::now(),
            times: Vec::new(),
        })
    }

    fn time<T>(&mut self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let begin = Instant::now();
        let answer = call()?;
        self.times.push(begin.elapsed());
        Ok(answer)
    }

    fn end(self, name: &str, table: &mut Table) -> Result<()> {
        self.end_with(name, name, table)
    }

    /// The processor time is that of `whole`.
    fn end_with(self, name: &str, whole: &str, table: &mut Table) -> Result<()> {
        let used = self.service.cpu()?.saturating_sub(self.before);
        let count = u32::try_from(self.times.len().max(1)).unwrap_or(u32::MAX);
        let used = milliseconds(used / count);
        let daemon = self.service.name;
        let what = format!("{whole}: processor time");
        self.times(name, table);
        table.put(&what, daemon, used, Unit::Milliseconds);
        Ok(())
    }

    fn times(self, name: &str, table: &mut Table) {
        let median = milliseconds(Times::new(self.times).median());
        table.put(name, self.service.name, median, Unit::Milliseconds);
    }
}

fn flags(guest: &Domain) -> DomainFlags {
    DomainFlags {
        dom: guest.clone(),
        flags: 0,
    }
}

/// A document with another name in it.
fn named(document: &str, name: &str) -> String {
    let parts = document.split_once("<name>").and_then(|(before, rest)| {
        let (_, after) = rest.split_once("</name>")?;
        Some((before, after))
    });
    match parts {
        Some((before, after)) => format!("{before}<name>{name}</name>{after}"),
        None => document.to_owned(),
    }
}

fn is_ready(log: &Path) -> bool {
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).contains("lab: ready")
}

/// What a call has left to do in the background is not the next one's.
fn settle() {
    std::thread::sleep(Duration::from_secs(1));
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_gets_another_name() {
        let text = "<domain><name>pv</name><memory>1</memory></domain>";
        let wanted = "<domain><name>x</name><memory>1</memory></domain>";
        assert_eq!(named(text, "x"), wanted);
    }
}
