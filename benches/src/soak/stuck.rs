//! Guests that never do what they are told, and a XenD that answers nobody, while others
//! ask about all guests.

use super::{Options, Report, STUCK, active, domains, failure};
use crate::daemon::client::Client;
use crate::measure::Times;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{
    ConnectGetAllDomainStats, DomainAttachDevice, DomainFlags, DomainGetInfo, DomainGetState,
    DomainGetXMLDesc, DomainShutdown, DomainSuspend, DomainXml, StatsArguments,
};

/// Clients that ask at the same time.
const CLIENTS: usize = 20;

/// What 99 % of the answers are to come in.
const SOON: Duration = Duration::from_millis(5);

/// Time for orders to reach XenD, and a stalled XenD to be noticed.
const BEGIN: Duration = Duration::from_secs(1);

/// What clients ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    List,
    Statistics,
    Document,
    State,
    Info,
}

use Question::{Document, Info, List, State, Statistics};

/// One round of each client.
const ROUND: [Question; 8] = [
    List, Statistics, Document, Document, State, State, Info, Info,
];

const NAMES: [(Question, &str); 5] = [
    (List, "list"),
    (Statistics, "statistics"),
    (Document, "document"),
    (State, "state"),
    (Info, "info"),
];

/// Everybody asks about all guests, at first while all are well, then while some never
/// pause, shut down or take a device.
pub(super) fn stuck(options: &Options, report: &mut Report) -> Result<()> {
    let active = active(&mut Client::open(&options.stuck)?)?;
    ask_all(
        report,
        "all guests are well",
        &options.stuck,
        &active,
        options.seconds,
    )?;
    let orders = Orders::default();
    for (number, dom) in active.iter().take(options.guests).enumerate() {
        orders.give(&options.stuck, dom, number % 3);
    }
    std::thread::sleep(BEGIN);
    let name = format!("{} guests are stuck", options.guests);
    ask_all(report, &name, &options.stuck, &active, options.seconds)?;
    orders.none_ended(report);
    Ok(())
}

/// The same while XenD answers nobody at all.
pub(super) fn stalled(options: &Options, report: &mut Report) -> Result<()> {
    let mut client = Client::open(&options.stalled)?;
    let active = active(&mut client)?;
    for dom in &active {
        // Somebody has looked at all of them lately.
        let dom = dom.clone();
        client.call::<DomainGetXMLDesc>(&DomainFlags { dom, flags: 0 })?;
    }
    let orders = Orders::default();
    if let Some(dom) = active.first() {
        orders.give(&options.stalled, dom, 0);
    }
    std::thread::sleep(BEGIN);
    ask_all(
        report,
        "XenD has stalled",
        &options.stalled,
        &active,
        options.seconds,
    )?;
    orders.none_ended(report);
    Ok(())
}

/// Orders that never end.
#[derive(Default)]
struct Orders {
    given: AtomicUsize,
    ended: Arc<AtomicUsize>,
}

impl Orders {
    /// The call ends with the daemon's deadline, or with the daemon.
    fn give(&self, socket: &Path, dom: &Domain, kind: usize) {
        self.given.fetch_add(1, Ordering::Relaxed);
        let (socket, dom) = (socket.to_owned(), dom.clone());
        let ended = Arc::clone(&self.ended);
        std::thread::spawn(move || {
            let order = |client: &mut Client| match kind {
                0 => client.call::<DomainSuspend>(&dom),
                1 => client.call::<DomainShutdown>(&dom),
                _ => client.call::<DomainAttachDevice>(&DomainXml {
                    dom: dom.clone(),
                    xml: "<interface type='bridge'><source bridge='xenbr0'/></interface>"
                        .to_owned(),
                }),
            };
            drop(Client::open(&socket).and_then(|mut client| order(&mut client)));
            ended.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// Else nobody was stuck, and nothing was shown.
    fn none_ended(&self, report: &mut Report) {
        let (given, ended) = (
            self.given.load(Ordering::Relaxed),
            self.ended.load(Ordering::Relaxed),
        );
        report.bound(
            &format!("{ended} of {given} orders ended, 0 at most"),
            ended == 0,
        );
    }
}

/// Many clients ask for so long.
fn ask_all(
    report: &mut Report,
    name: &str,
    socket: &Path,
    active: &[Domain],
    seconds: u64,
) -> Result<()> {
    let is_over = AtomicBool::new(false);
    let times = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let is_over = &is_over;
                scope.spawn(move || ask(socket, active, number, is_over))
            })
            .collect();
        std::thread::sleep(Duration::from_secs(seconds));
        is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for asker in askers {
            all.extend(asker.join().map_err(|_| failure("a client broke"))??);
        }
        Ok::<_, Error>(all)
    })?;
    println!("{name}, {CLIENTS} clients make {} calls", times.len());
    for (question, name) in NAMES {
        let of_kind = times.iter().filter(|(kind, _)| *kind == question);
        let of_kind = Times::new(of_kind.map(|(_, time)| *time).collect());
        let (median, most) = (of_kind.median(), of_kind.share(0.99));
        let words = format!("{name}: median {median:.2?}, 99 % in {most:.2?}, target {SOON:.0?}");
        report.target(&words, most <= SOON);
    }
    let longest = Times::new(times.into_iter().map(|(_, time)| time).collect()).longest();
    let words = format!("longest wait {longest:.2?}, {STUCK:.0?} at most");
    report.bound(&words, longest < STUCK);
    Ok(())
}

/// Asks about one domain after the other.
fn ask(
    socket: &Path,
    active: &[Domain],
    number: usize,
    is_over: &AtomicBool,
) -> Result<Vec<(Question, Duration)>> {
    let mut client = Client::open(socket)?;
    let mut times = Vec::new();
    let questions = ROUND.into_iter().cycle();
    for (dom, question) in active.iter().cycle().skip(number).zip(questions) {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let begin = Instant::now();
        let dom = dom.clone();
        match question {
            List => domains(&mut client, 0).map(|_| ())?,
            Statistics => {
                let wanted = StatsArguments {
                    doms: vec![dom].into(),
                    ..StatsArguments::default()
                };
                client.call::<ConnectGetAllDomainStats>(&wanted)?;
            }
            Document => {
                let wanted = DomainFlags { dom, flags: 0 };
                client.call::<DomainGetXMLDesc>(&wanted).map(|_| ())?;
            }
            State => {
                let wanted = DomainFlags { dom, flags: 0 };
                client.call::<DomainGetState>(&wanted).map(|_| ())?;
            }
            Info => client.call::<DomainGetInfo>(&dom).map(|_| ())?,
        }
        times.push((question, begin.elapsed()));
    }
    Ok(times)
}
