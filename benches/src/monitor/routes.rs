//! Listing a simulated host and looking at one of its domains, by each route that
//! a host can have.
//!
//! The host lives in this process, so each time is that of both ends together;
//! what differs between routes is what they ask for. Requests are counted in a
//! run of their own, which also makes the host's guests.

use super::Options;
use crate::measure::Times;
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use virtxen_connect::simulated;
use virtxen_host::{Arch, Channels, Deadlines, Host, Trace, XenHost};
use virtxen_sim::SimHost;

/// A way to monitor domains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Hypercalls,
    XenStore,
    Xend,
}

impl Route {
    fn name(self) -> &'static str {
        match self {
            Self::Hypercalls => "hypercalls",
            Self::XenStore => "XenStore",
            Self::Xend => "XenD",
        }
    }
}

/// Channels, as traces name them.
const CHANNELS: [&str; 3] = ["hypercall", "XenStore", "XenD"];

/// Requests on each of [`CHANNELS`].
type Counts = [usize; CHANNELS.len()];

/// What is asked.
#[derive(Clone, Copy)]
enum Question {
    /// All active domains.
    List,
    /// One domain by its name.
    Info,
}

/// The questions of one connection, in their order.
const QUESTIONS: [(Question, &str); 3] = [
    (Question::List, "list, first"),
    (Question::List, "list again"),
    (Question::Info, "info of one"),
];

pub(super) fn measure(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().map_err(|source| {
        let program = "a runtime".to_owned();
        Error::Start { program, source }
    })?;
    println!(
        "{:>7}  {:<22}{:<12}{:>11}{:>10}{:>7}{:>12}{:>8}",
        "domains", "route, release", "what", "hypercalls", "XenStore", "XenD", "median ms", "ratio"
    );
    for guests in &options.guests {
        let mut yardstick = [None; QUESTIONS.len()];
        for (route, release) in [
            (Route::Hypercalls, &options.release),
            (Route::XenStore, &options.release),
            (Route::XenStore, &options.newer_release),
            (Route::Xend, &options.release),
        ] {
            let sim = host(*guests, release)?;
            let figures = runtime.block_on(figures(&sim, route, options.runs));
            let route = format!("{}, {release}", route.name());
            print_figures(*guests, &route, figures, &mut yardstick);
        }
    }
    println!("ratio: to the time of hypercalls; both ends are in this process");
    Ok(())
}

/// Requests and median time for each question.
type Figures = [(Counts, Duration); QUESTIONS.len()];

/// One line for each question, or what went wrong.
fn print_figures(
    guests: u32,
    route: &str,
    figures: virtxen_host::Result<Figures>,
    yardstick: &mut [Option<f64>; QUESTIONS.len()],
) {
    let figures = match figures {
        Ok(figures) => figures,
        Err(error) => {
            println!("{guests:>7}  {route:<22}cannot: {error}");
            return;
        }
    };
    let lines = QUESTIONS.iter().zip(figures).zip(yardstick);
    for (((_, what), (counts, time)), yardstick) in lines {
        let ms = time.as_secs_f64() * 1e3;
        let ratio = ms / *yardstick.get_or_insert(ms);
        let [hypercalls, xenstore, xend] = counts;
        println!(
            "{guests:>7}  {route:<22}{what:<12}{hypercalls:>11}{xenstore:>10}{xend:>7}{ms:>12.3}{ratio:>8.2}"
        );
    }
}

/// A host of so many running guests, with Domain-0 among them.
fn host(domains: u32, release: &str) -> Result<SimHost> {
    let uri = format!("sim:?release={release}&guests={domains}&connect=0ms");
    simulated::host(&uri).map_err(|error| Error::Document {
        name: uri,
        reason: error.to_string(),
    })
}

async fn figures(sim: &SimHost, route: Route, runs: usize) -> virtxen_host::Result<Figures> {
    // The first look makes the guests of the host.
    let domains = open(sim, route, None).await?.domains().await?;
    let middle = domains.get(domains.len() / 2);
    let name = middle.map_or("Domain-0", |domain| &domain.name);
    let counts = count(sim, route, name).await?;
    let mut times = [const { Vec::new() }; QUESTIONS.len()];
    for _ in 0..runs.max(1) {
        let host = open(sim, route, None).await?;
        for ((question, _), times) in QUESTIONS.iter().zip(&mut times) {
            let start = Instant::now();
            ask(&host, *question, name).await?;
            times.push(start.elapsed());
        }
    }
    let mut figures = counts.map(|counts| (counts, Duration::ZERO));
    for ((_, median), times) in figures.iter_mut().zip(times) {
        *median = Times::new(times).median();
    }
    Ok(figures)
}

/// The requests of each question, counted by the trace of the host.
async fn count(
    sim: &SimHost,
    route: Route,
    name: &str,
) -> virtxen_host::Result<[Counts; QUESTIONS.len()]> {
    let counter: Arc<[AtomicUsize; CHANNELS.len()]> = Arc::default();
    let sink = Arc::clone(&counter);
    let trace = Trace::new(move |request| {
        let at = CHANNELS.iter().position(|name| *name == request.channel);
        if let Some(count) = at.and_then(|at| sink.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let host = open(sim, route, Some(trace)).await?;
    let mut counts = [Counts::default(); QUESTIONS.len()];
    for ((question, _), counts) in QUESTIONS.iter().zip(&mut counts) {
        counter
            .iter()
            .for_each(|count| count.store(0, Ordering::Relaxed));
        ask(&host, *question, name).await?;
        for (count, counted) in counts.iter_mut().zip(&*counter) {
            *count = counted.load(Ordering::Relaxed);
        }
    }
    Ok(counts)
}

async fn ask(host: &XenHost, question: Question, name: &str) -> virtxen_host::Result<()> {
    match question {
        Question::List => host.domains().await.map(drop),
        Question::Info => host.domain(name).await.map(drop),
    }
}

/// The host with the channels of one route, and no other.
async fn open(sim: &SimHost, route: Route, trace: Option<Trace>) -> virtxen_host::Result<XenHost> {
    let mut channels = Channels::new(Deadlines::default(), trace).machine(simulated::machine());
    if route == Route::Hypercalls {
        channels = channels.hypercalls(simulated::hypercalls(sim), Some(Arch::X86_64));
    }
    if route == Route::Xend {
        channels = channels.xend(Ok(simulated::xend(sim)));
    } else {
        channels = channels.xenstore(simulated::xenstore(sim).await);
    }
    channels.simulated().open().await
}
