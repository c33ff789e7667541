//! `cargo xtask bench`: builds in release, then measures.
//!
//! The measurements themselves are programs of the `benches` crate; here is only
//! what each needs to be built.

use crate::Result;
use crate::workspace::{cargo, run};
use std::path::Path;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Measurement {
    /// Documents per second: parse and format, XML to S-expression and back
    Convert,
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
        Measurement::List => "list",
        Measurement::Monitor => "monitor",
        Measurement::Rpc => "rpc",
    };
    if matches!(measurement, Measurement::List | Measurement::Monitor) {
        let mut build = cargo(root);
        build.args(["build", "--release", "--quiet", "--package", "virtxen-cli"]);
        run(&mut build, "")?;
    }
    let mut bench = cargo(root);
    bench
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "virtxen-benches",
        ])
        .args(["--", name])
        .args(options);
    run(&mut bench, "")
}
