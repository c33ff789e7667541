//! Measurements, each printed with its target and whether it is met here.
//!
//! Run by `cargo xtask bench`, which builds everything in release first. Nothing
//! here asserts a number: that would make a test of how busy a machine is.
#![forbid(unsafe_code)]

mod convert;
mod daemon;
mod documents;
mod lab;
mod list;
mod measure;
mod monitor;
mod rpc;
mod soak;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

/// Measure virtxen.
#[derive(Parser)]
enum Measurement {
    /// Documents per second: parse and format, XML to S-expression and back
    Convert(convert::Options),
    /// virtxend beside libvirt's own daemon; `cargo xtask bench daemon` makes their rooms
    Daemon(daemon::Options),
    /// virtxend beside libvirt's own daemon in dom0; `cargo xtask lab bench` runs it there
    Lab(lab::Options),
    /// Time of a whole `virtxen list` process, beside virsh
    List(list::Options),
    /// Domains by each route, the hypervisor's lists, xm and xl files
    Monitor(monitor::Options),
    /// Calls of libvirt's protocol, without sockets and hosts
    Rpc(rpc::Options),
    /// virtxend under load; `cargo xtask soak` starts what it needs
    Soak(soak::Options),
}

fn main() -> ExitCode {
    let done = match Measurement::parse() {
        Measurement::Convert(options) => convert::measure(&options),
        Measurement::Daemon(options) => daemon::measure(&options),
        Measurement::Lab(options) => lab::measure(&options),
        Measurement::List(options) => list::measure(&options),
        Measurement::Monitor(options) => monitor::measure(&options),
        Measurement::Rpc(options) => rpc::measure(&options),
        Measurement::Soak(options) => soak::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The program `virtxen`: where `given` says, else beside this one, where one build
/// leaves both.
fn program(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let own = std::env::current_exe();
    let own = own.map_err(|error| Error::file(Path::new("virtxen-benches"), &error))?;
    Ok(own.with_file_name(format!("virtxen{}", std::env::consts::EXE_SUFFIX)))
}

type Result<T> = std::result::Result<T, Error>;

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot run {program}: {source}")]
    Start {
        program: String,
        source: std::io::Error,
    },
    #[error("{program} ended with {status}")]
    Ended { program: String, status: ExitStatus },
    #[error("{name}: {reason}")]
    Document { name: String, reason: String },
}

impl Error {
    fn file(path: &Path, reason: &dyn std::fmt::Display) -> Self {
        Self::Document {
            name: path.display().to_string(),
            reason: reason.to_string(),
        }
    }

    fn start(command: &Command) -> impl FnOnce(std::io::Error) -> Self {
        let program = command.get_program().display().to_string();
        move |source| Self::Start { program, source }
    }

    fn ended(command: &Command, status: ExitStatus) -> Self {
        Self::Ended {
            program: command.get_program().display().to_string(),
            status,
        }
    }
}
