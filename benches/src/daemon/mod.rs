//! virtxend and libvirt's own daemon, asked the same by the same client, in turns.
//!
//! `cargo xtask bench daemon` makes a room for each (`room`). The simulated host is part
//! of virtxend's process, with its Xen, its xenstored and its XenD; libvirtd's Xen is
//! another process and its xenstored a third: memory and processor time of those are in
//! virtxend's numbers and not in libvirtd's.

mod calls;
pub(crate) mod client;
pub(crate) mod process;
mod room;

use crate::measure::{Times, verdict};
use crate::{Error, Result};
use calls::{CALLS, LIST_ALL, Measured, Scene};
use room::Room;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The room of virtxend
    #[arg(long)]
    ours: PathBuf,
    /// The room of libvirtd
    #[arg(long)]
    peer: Option<PathBuf>,
    /// The host of virtxend
    #[arg(long)]
    host: String,
    /// How often each daemon is started
    #[arg(long, default_value_t = 9)]
    starts: usize,
    /// How long each call is repeated
    #[arg(long, default_value_t = 0.5, value_name = "SECONDS")]
    seconds: f64,
    /// Defined domains at the end
    #[arg(long, default_value_t = 3000)]
    domains: usize,
}

/// What is aimed at: a number of its own, and a share of the peer's.
struct Target {
    most: Option<f64>,
    share: Option<f64>,
}

const fn target(most: Option<f64>, share: Option<f64>) -> Target {
    Target { most, share }
}

const READY: Target = target(Some(20.0), Some(0.25));
const IDLE: Target = target(Some(10.0), Some(0.5));
const CPU: Target = target(None, Some(1.0 / 3.0));
const LIST: Target = target(None, Some(1.0 / 3.0));
const DEFINE: Target = target(None, Some(1.0));
const NONE: Target = target(None, None);

/// Rows that are printed, and whether the targets are met.
#[derive(Default)]
struct Report {
    missed: Vec<String>,
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    let ours = Room::new(&options.ours, format!("ours '{}'", options.host));
    let peer = options.peer.as_deref();
    let peer = peer.map(|folder| Room::new(folder, "peer".to_owned()));
    let rooms: Vec<&Room> = std::iter::once(&ours).chain(&peer).collect();
    let mut report = Report::default();
    println!(
        "{:<38}{:>12}{:>12}{:>8}",
        "measure", "virtxend", "libvirtd", "ratio"
    );
    starts(&rooms, options.starts, &mut report)?;
    let span = Duration::try_from_secs_f64(options.seconds).unwrap_or_default();
    let mut scenes = Vec::new();
    for room in &rooms {
        scenes.push(Scene::new(room)?);
    }
    report.row(
        "resident when idle, MB",
        &all(&mut scenes, Scene::resident)?,
        &IDLE,
    );
    report.row("threads", &all(&mut scenes, Scene::threads)?, &NONE);
    report.call(&mut scenes, "list of 1", &LIST_ALL, span, &NONE)?;
    report.defines(&mut scenes, 300)?;
    let alone = rooms.iter().map(|room| calls::files_alone(room, 300));
    report.measured(
        "  files of 300, without a daemon",
        &alone.collect::<Result<Vec<_>>>()?,
        &NONE,
        &NONE,
    );
    report.call(&mut scenes, "list of 301", &LIST_ALL, span, &LIST)?;
    for call in CALLS {
        report.call(&mut scenes, call.name, call, span, &NONE)?;
    }
    let resident = all(&mut scenes, Scene::resident)?;
    report.row("resident after 300 defines, MB", &resident, &NONE);
    for clients in [1, 20] {
        let rates = all(&mut scenes, |scene| scene.rate(clients, span * 4))?;
        report.row(
            &format!("info calls a second, {clients} clients"),
            &rates,
            &NONE,
        );
    }
    report.row("virsh list --all, process, ms", &virsh(&rooms)?, &NONE);
    report.defines(&mut scenes, options.domains)?;
    let name = format!("list of {}", options.domains + 1);
    report.call(&mut scenes, &name, &LIST_ALL, span, &NONE)?;
    let resident = all(&mut scenes, Scene::resident)?;
    report.row("resident at the end, MB", &resident, &NONE);
    for room in &rooms {
        room.end()?;
    }
    report.end();
    Ok(())
}

/// Starts and ends the daemons in turns; the last ones stay.
fn starts(rooms: &[&Room], count: usize, report: &mut Report) -> Result<()> {
    let mut times = vec![Vec::new(); rooms.len()];
    for number in 0..count.max(1) {
        for (room, times) in rooms.iter().zip(&mut times) {
            if number > 0 {
                room.end()?;
            }
            times.push(room.start()?);
        }
    }
    let medians: Vec<f64> = times
        .into_iter()
        .map(|times| milliseconds(Times::new(times).median()))
        .collect();
    report.row("start to first open, ms", &medians, &READY);
    Ok(())
}

/// A number of each daemon.
fn all<'a>(
    scenes: &mut [Scene<'a>],
    number: impl Fn(&mut Scene<'a>) -> Result<f64>,
) -> Result<Vec<f64>> {
    scenes.iter_mut().map(number).collect()
}

/// A whole process of virsh with each daemon, in turns.
fn virsh(rooms: &[&Room]) -> Result<Vec<f64>> {
    const RUNS: usize = 20;
    let mut times = vec![Vec::new(); rooms.len()];
    for _ in 0..RUNS {
        for (room, times) in rooms.iter().zip(&mut times) {
            let mut virsh = Command::new("virsh");
            virsh.args(["-c", &room.uri(), "list", "--all"]);
            virsh.stdin(Stdio::null()).stdout(Stdio::null());
            let begin = Instant::now();
            let status = virsh.status().map_err(Error::start(&virsh))?;
            if !status.success() {
                return Err(Error::ended(&virsh, status));
            }
            times.push(begin.elapsed());
        }
    }
    let medians = times.into_iter().map(|times| Times::new(times).median());
    Ok(medians.map(milliseconds).collect())
}

impl Report {
    /// A line: ours, the peer's, their ratio, and whether a target is met.
    fn row(&mut self, name: &str, values: &[f64], target: &Target) {
        let ours = values.first().copied().unwrap_or_default();
        let theirs = values.get(1).copied();
        let ratio = theirs.map(|theirs| ours / theirs);
        let or_none = |value: Option<f64>| value.map_or("–".to_owned(), |it| format!("{it:.2}"));
        let mut verdicts = Vec::new();
        if let Some(most) = target.most {
            verdicts.push((format!("≤ {most}"), ours <= most));
        }
        if let (Some(share), Some(ratio)) = (target.share, ratio) {
            verdicts.push((format!("ratio ≤ {share:.2}"), ratio <= share));
        }
        let words: Vec<String> = verdicts
            .iter()
            .map(|(words, is_met)| format!("{words}: {}", verdict(*is_met)))
            .collect();
        println!(
            "{name:<38}{ours:>12.2}{:>12}{:>8}  {}",
            or_none(theirs),
            or_none(ratio),
            words.join(", ")
        );
        let missed = verdicts.iter().filter(|(_, is_met)| !is_met);
        self.missed
            .extend(missed.map(|(words, _)| format!("{name} {words}")));
    }

    /// The time of a call, and what it costs the daemon.
    fn call(
        &mut self,
        scenes: &mut [Scene<'_>],
        name: &str,
        call: &calls::NamedCall,
        span: Duration,
        target: &Target,
    ) -> Result<()> {
        let mut measured = Vec::new();
        for scene in scenes {
            measured.push(scene.repeat(call, span)?);
        }
        self.measured(name, &measured, target, &CPU);
        Ok(())
    }

    /// Defines domains until there are so many.
    fn defines(&mut self, scenes: &mut [Scene<'_>], count: usize) -> Result<()> {
        let mut measured = Vec::new();
        for scene in scenes {
            measured.push(scene.define_up_to(count)?);
        }
        let name = format!("defineXML, up to {count}");
        self.measured(&name, &measured, &DEFINE, &CPU);
        Ok(())
    }

    fn measured(&mut self, name: &str, measured: &[Measured], time: &Target, cpu_time: &Target) {
        let times: Vec<f64> = measured.iter().map(|it| microseconds(it.median)).collect();
        self.row(&format!("{name}, µs"), &times, time);
        let cpu: Vec<f64> = measured.iter().map(|it| microseconds(it.cpu)).collect();
        self.row("  processor time, µs", &cpu, cpu_time);
    }

    fn end(&self) {
        match self.missed.as_slice() {
            [] => println!("all targets are met"),
            missed => println!("not met: {}", missed.join("; ")),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
