//! `virtxen list` on a host of many guests, whole process, beside virsh.
//!
//! The two take turns, so that a busy machine slows both. virsh lists the one
//! guest of libvirt's test driver, which lives in its own process as our
//! simulated host does; the difference in guests is in virsh's favour. The
//! simulated host starts with the process and makes a guest's configuration only
//! for who looks at it, which a list does not: making guests is not measured.

use crate::measure::{Times, verdict};
use crate::{Error, Result, program};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The whole process must not take longer.
const TARGET: Duration = Duration::from_millis(30);

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The program, built in release; else the one beside this
    #[arg(long)]
    virtxen: Option<PathBuf>,
    /// Guests of the simulated host
    #[arg(long, default_value_t = 1000)]
    guests: u32,
    /// How often each program runs
    #[arg(long, default_value_t = 40)]
    runs: u32,
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    let uri = format!("sim:?guests={}", options.guests);
    let virtxen = program(options.virtxen.as_deref())?;
    let mut ours = Command::new(&virtxen);
    ours.args(["-c", &uri, "list"]);
    let mut theirs = Command::new("virsh");
    theirs.args(["-c", "test:///default", "list"]);

    print_mix(&virtxen, &uri)?;
    println!("each program runs {} times", options.runs);
    let has_virsh = lines(&mut theirs).is_ok();
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        our_times.push(time(&mut ours)?);
        if has_virsh {
            their_times.push(time(&mut theirs)?);
        }
    }
    let ours = Times::new(our_times);
    report(&format!("virtxen -c '{uri}' list"), &ours);
    if has_virsh {
        let theirs = Times::new(their_times);
        report("virsh -c test:///default list", &theirs);
        let ratio = ours.median().as_secs_f64() / theirs.median().as_secs_f64();
        println!("ratio of the medians, virtxen to virsh: {ratio:.2}");
    } else {
        println!("virsh is not here (Debian: libvirt-clients), nothing to compare with");
    }
    let met = verdict(ours.median() <= TARGET);
    println!(
        "target, {} ms for the whole process: {met}",
        TARGET.as_millis()
    );
    Ok(())
}

/// Says what is on the host that is listed.
fn print_mix(virtxen: &Path, uri: &str) -> Result<()> {
    let count = |filter: &[&str]| {
        let mut list = Command::new(virtxen);
        list.args(["-q", "-c", uri, "list", "--name"]).args(filter);
        lines(&mut list)
    };
    println!(
        "{uri}: {} domains are listed, Domain-0 and {} paused ones among them; {} are inactive",
        count(&[])?,
        count(&["--state-paused"])?,
        count(&["--inactive"])?
    );
    Ok(())
}

fn report(name: &str, times: &Times) {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{name:<40} median {:6.1} ms   fastest {:6.1} ms",
        ms(times.median()),
        ms(times.fastest())
    );
}

fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(Error::start(command))?;
    let elapsed = start.elapsed();
    if status.success() {
        return Ok(elapsed);
    }
    Err(Error::ended(command, status))
}

fn lines(command: &mut Command) -> Result<usize> {
    let output = command.output().map_err(Error::start(command))?;
    if !output.status.success() {
        return Err(Error::ended(command, output.status));
    }
    Ok(output.stdout.iter().filter(|byte| **byte == b'\n').count())
}
