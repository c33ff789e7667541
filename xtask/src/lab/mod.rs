//! `cargo xtask lab`: a real Xen with a Debian in dom0, in a machine that QEMU emulates, and
//! tests of virtxen on it.
//!
//! `build`, `packages`, `image` and `guests` make it, `machine`, `monitor` and `dom0` run it,
//! `tests`, `bench` and `migrate` use it. What is in it is in the folder `lab`; docs/lab.md says how to use it.

mod bench;
mod build;
mod cpio;
mod dom0;
mod guests;
mod image;
mod initramfs;
mod machine;
mod migrate;
mod monitor;
mod ours;
mod packages;
mod place;
mod programs;
mod report;
mod suite;
mod tests;
mod vmlinux;

use crate::{Error, Result};
use clap::Subcommand;
use dom0::Dom0;
use place::Place;
use programs::say;
use std::path::{Path, PathBuf};
pub use suite::Suite;

/// What to do with the lab.
#[derive(Subcommand)]
pub enum Command {
    /// Make the lab, or what is out of date of it; as root
    Build,
    /// Start it, and make it if needed: from the state after boot, if there is one
    Up {
        /// Boot, and save that state anew
        #[arg(long)]
        cold: bool,
        /// The port of 127.0.0.1 that leads to dom0's ssh; any if absent
        #[arg(long)]
        port: Option<u16>,
    },
    /// Run a shell's command line in dom0
    Run {
        /// The words of the line
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        line: Vec<String>,
    },
    /// Copy files into dom0
    Put {
        /// Files and folders of this machine, then where they go
        #[arg(required = true, num_args = 2..)]
        paths: Vec<PathBuf>,
    },
    /// Copy files out of dom0
    Get {
        /// Files and folders of dom0, then where they go
        #[arg(required = true, num_args = 2..)]
        paths: Vec<String>,
    },
    /// Build virtxen and virtxend, and put them and their units into dom0
    Install {
        /// Debug builds, which are slow there
        #[arg(long)]
        debug: bool,
    },
    /// Save the state of the machine, guests included
    Snapshot {
        /// Its name
        #[arg(default_value = "mine")]
        name: String,
    },
    /// Take the machine back to a state that was saved
    Restore {
        /// Its name
        #[arg(default_value = machine::READY)]
        name: String,
    },
    /// Test virtxen on it, as it is built now; brings it up if needed
    Test {
        /// Only tests of these names; of a word that is none, those that have it in theirs
        names: Vec<String>,
        /// Only those that a change has to pass before it lands
        #[arg(long)]
        smoke: bool,
        /// Debug builds, which are slow there
        #[arg(long)]
        debug: bool,
        /// The programs that are in dom0 already
        #[arg(long)]
        installed: bool,
        /// Write the table of docs/lab.md
        #[arg(long)]
        write: bool,
        /// Name the tests, and do nothing else
        #[arg(long)]
        list: bool,
    },
    /// Move a guest from this lab to that of another suite, by virsh, in all ways
    Migrate(migrate::Options),
    /// Measure virtxend beside libvirt's own daemon and xl, in dom0
    Bench {
        /// The programs that are in dom0 already
        #[arg(long)]
        installed: bool,
        /// Write the table of docs/lab.md
        #[arg(long)]
        write: bool,
        /// Options of the measurement: --help names them
        #[arg(last = true)]
        options: Vec<String>,
    },
    /// Test on all suites, one after the other, and write the table of docs/lab.md
    Matrix,
    /// Say what there is
    Status,
    /// Print what Xen and dom0 said on the console
    Log,
    /// End the machine; what dom0 wrote since it was up is forgotten
    Down,
    /// Take the lab away, which is ended first
    Clean,
}

/// Does it with the lab of a suite.
///
/// # Errors
/// When it cannot be done; exit codes of commands in dom0 end the program with the same.
pub fn lab(root: &Path, suite: Suite, command: Command) -> Result<()> {
    match command {
        Command::Build => build::build(&Place::locked(root, suite)?),
        Command::Up { cold, port } => up(root, suite, cold, port),
        Command::Down => machine::down(&Place::locked(root, suite)?),
        Command::Clean => clean(&Place::locked(root, suite)?),
        Command::Status => status(&Place::of(root, suite)?),
        Command::Log => log(&Place::of(root, suite)?),
        Command::Snapshot { name } => machine::snapshot(&Place::locked(root, suite)?, &name),
        Command::Restore { name } => machine::restore(&Place::locked(root, suite)?, &name),
        Command::Install { debug } => {
            let place = Place::of(root, suite)?;
            ours::put(root, &place, !debug)?;
            put_tests(&place)
        }
        Command::Test { list: true, .. } => {
            for test in tests::chosen(&[], false) {
                println!("{:<12} {}", test.name, test.what);
            }
            Ok(())
        }
        Command::Test {
            names,
            smoke,
            debug,
            installed,
            write,
            ..
        } => {
            let ours = match (installed, debug) {
                (true, _) => Ours::There,
                (_, true) => Ours::Debug,
                _ => Ours::Release,
            };
            test(root, suite, &tests::chosen(&names, smoke), ours, write)
        }
        Command::Matrix => matrix(root),
        Command::Migrate(options) => move_between(root, suite, &options),
        Command::Bench {
            installed,
            write,
            options,
        } => {
            let ours = if installed {
                Ours::There
            } else {
                Ours::Release
            };
            let place = ready(root, suite, ours)?;
            bench::run(root, &place, &options, write)
        }
        Command::Run { line } => run(&Place::of(root, suite)?, &line),
        Command::Put { mut paths } => {
            let to = paths.pop().unwrap_or_default();
            Dom0::of(&Place::of(root, suite)?)?.put(&paths, &to.to_string_lossy())
        }
        Command::Get { mut paths } => {
            let to = paths.pop().unwrap_or_default();
            Dom0::of(&Place::of(root, suite)?)?.get(&paths, Path::new(&to))
        }
    }
}

fn up(root: &Path, suite: Suite, cold: bool, port: Option<u16>) -> Result<()> {
    let place = Place::locked(root, suite)?;
    if machine::pid(&place).is_some() {
        let is_old = !build::is_built(&place)?;
        let note = "; its sources have changed since: `down` and `up` make it anew";
        say(&format!("already up{}", if is_old { note } else { "" }));
        return Ok(());
    }
    build::build(&place)?;
    machine::up(&place, cold, port)
}

/// Which of our programs are tested.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ours {
    Release,
    Debug,
    There,
}

fn test(
    root: &Path,
    suite: Suite,
    tests: &[&'static tests::Test],
    ours: Ours,
    write: bool,
) -> Result<()> {
    if tests.is_empty() {
        let message = "no test has such a name; --list names all";
        return Err(Error::Failed(message.to_owned()));
    }
    let place = ready(root, suite, ours)?;
    let dom0 = Dom0::of(&place)?;
    let outcomes = tests::run(&dom0, tests)?;
    if write {
        tests::write(root, suite, &outcomes)?;
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    println!(
        "{} tests on Xen {}, {failed} failed",
        outcomes.len(),
        suite.xen()
    );
    if failed == 0 {
        Ok(())
    } else {
        Err(Error::Failed(format!("{failed} tests failed")))
    }
}

fn move_between(root: &Path, suite: Suite, options: &migrate::Options) -> Result<()> {
    if suite == options.to {
        let message = "--suite and --to name the same lab";
        return Err(Error::Failed(message.to_owned()));
    }
    let ours = match options.installed {
        true => Ours::There,
        false => Ours::Release,
    };
    let (from, to) = (ready(root, suite, ours)?, ready(root, options.to, ours)?);
    migrate::run(&from, &to, &options.names)
}

/// The lab of a suite, up, with our programs and the guests of tests in it.
fn ready(root: &Path, suite: Suite, ours: Ours) -> Result<Place> {
    up(root, suite, false, None)?;
    let place = Place::of(root, suite)?;
    if ours != Ours::There {
        ours::put(root, &place, ours == Ours::Release)?;
    }
    put_tests(&place)?;
    Ok(place)
}

/// The guests' documents, and what tests have in common.
fn put_tests(place: &Place) -> Result<()> {
    Dom0::of(place)?.put(&[place.sources.join("tests/.")], "/srv/lab")
}

/// Two labs at once would only take each other's processors.
fn matrix(root: &Path) -> Result<()> {
    let mut failed = Vec::new();
    for suite in Suite::ALL {
        let done = test(root, suite, &tests::chosen(&[], false), Ours::Release, true);
        if let Err(error) = done {
            println!("{}: {error}", suite.name());
            failed.push(suite.name());
        }
        machine::down(&Place::locked(root, suite)?)?;
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!("failed on {}", failed.join(", "))))
}

/// One word is a line for dom0's shell; several are a program and its arguments.
fn run(place: &Place, line: &[String]) -> Result<()> {
    let line = match line {
        [line] => line.clone(),
        words => {
            let words: Vec<String> = words.iter().map(|word| dom0::quoted(word)).collect();
            words.join(" ")
        }
    };
    let status = Dom0::of(place)?.run(&line)?;
    match status.code() {
        Some(0) => Ok(()),
        code => std::process::exit(code.unwrap_or(255)),
    }
}

fn status(place: &Place) -> Result<()> {
    println!("suite: {} (Xen {})", place.suite.name(), place.suite.xen());
    println!("folder: {}", place.folder().display());
    let built = if build::is_built(place)? { "yes" } else { "no" };
    println!("built: {built}");
    if place.run().join("disk.qcow2").exists() {
        println!("saved: {}", machine::states(place)?.join(" "));
    }
    match machine::pid(place) {
        Some(pid) => println!("machine: up, process {pid}"),
        None => println!("machine: down"),
    }
    Ok(())
}

fn log(place: &Place) -> Result<()> {
    let path = place.run().join("serial.log");
    let bytes = std::fs::read(&path).map_err(Error::file(&path))?;
    print!("{}", String::from_utf8_lossy(&bytes));
    Ok(())
}

fn clean(place: &Place) -> Result<()> {
    machine::down(place)?;
    packages::remove(&place.folder())?;
    say("the packages and the tools stay, for the next one");
    Ok(())
}
