//! `cargo xtask bench`: builds in release, then measures.
//!
//! The measurements themselves are programs of the `benches` crate; here is only
//! what each needs to be built.

use crate::Result;
use crate::peer::{Pair, Programs};
use crate::workspace::{cargo, run};
use std::path::Path;
use std::process::Command;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Measurement {
    /// Documents per second: parse and format, XML to S-expression and back
    Convert,
    /// virtxend beside libvirt's own daemon: start, memory, calls
    Daemon,
    /// A whole `virtxen list` process on a host of 1,000 guests, beside virsh
    List,
    /// Domains by each route, the hypervisor's lists, xm and xl files
    Monitor,
    /// Calls of libvirt's protocol, without sockets and hosts
    Rpc,
}

/// Builds and runs one measurement, passing `options` on to it.
///
/// # Errors
/// When something does not build or the measured program fails; not when a
/// target is missed.
pub fn bench(root: &Path, measurement: Measurement, options: &[String]) -> Result<()> {
    let name = match measurement {
        Measurement::Convert => "convert",
        Measurement::Daemon => return daemon(root, options),
        Measurement::List => "list",
        Measurement::Monitor => "monitor",
        Measurement::Rpc => "rpc",
    };
    if matches!(measurement, Measurement::List | Measurement::Monitor) {
        let mut build = cargo(root);
        build.args(["build", "--release", "--quiet", "--package", "virtxen-cli"]);
        run(&mut build, "")?;
    }
    run(measured(root, name).args(options), "")
}

/// The two daemons have rooms as long as they are measured.
fn daemon(root: &Path, options: &[String]) -> Result<()> {
    let pair = Pair::open(root, Programs::get(root, true)?)?;
    let mut bench = measured(root, "daemon");
    bench.arg("--ours").arg(pair.ours.folder());
    bench.arg("--peer").arg(pair.peer.folder());
    run(bench.arg("--host").arg(pair.host()).args(options), "")
}

fn measured(root: &Path, name: &str) -> Command {
    let mut bench = cargo(root);
    bench
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "virtxen-benches",
        ])
        .args(["--", name]);
    bench
}
