//! `cargo xtask soak`: virtxend under load and among stuck guests.
//!
//! What is done to it is in the `benches` crate; here it is started, on a host in its
//! own process and on one in another, so that only its own memory is measured.

use crate::virtxend::{Virtxend, build, built};
use crate::workspace::{cargo, run};
use crate::{Error, Result};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// No guest can be paused, shut down or given a device: XenD takes the order and never
/// answers.
const STUCK: &str =
    "sim:?guests=300&fault=hang,op=pause&fault=hang,op=shutdown&fault=hang,op=device_create";

/// Whoever pauses a guest there has made XenD answer nobody any more.
const STALLED: &str = "sim:?guests=300&fault=stall,op=pause";

/// A host whose guests start and end at once.
const APART: &str = "sim:?guests=6&build=0ms&connect=0ms&shutdown=0ms";

/// A simulated host in a process of its own.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        // It has ended by itself when this fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs everything, in less than a minute if `short`.
///
/// # Errors
/// When a call waits for a stuck guest, a client is not served, an event or a change that was
/// acknowledged is lost, or memory grows.
pub fn soak(root: &Path, short: bool) -> Result<()> {
    build(root, !short)?;
    let program = |name: &str| built(root, !short, name);
    let stuck = Virtxend::start(&program("virtxend"), STUCK, None)?;
    let stalled = Virtxend::start(&program("virtxend"), STALLED, None)?;
    let xend = stuck.folder().join("xend");
    let mut sim = Command::new(program("virtxen"));
    sim.args(["--quiet", "--connect", APART, "sim", "--socket"])
        .arg(&xend)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let _host = Host(sim.spawn().map_err(|source| Error::Start {
        program: "virtxen sim".to_owned(),
        source,
        advice: "",
    })?);
    for _ in 0..500 {
        if xend.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let host = format!("xend+unix://{}", xend.display());
    let apart = Virtxend::start(&program("virtxend"), &host, None)?;
    let mut soak = cargo(root);
    soak.args(["run", "--quiet", "--package", "virtxen-benches"]);
    if !short {
        soak.arg("--release");
    }
    soak.args(["--", "soak", "--stuck"]).arg(stuck.socket());
    soak.arg("--stalled").arg(stalled.socket());
    soak.arg("--apart").arg(apart.socket());
    if short {
        soak.args(["--seconds", "4", "--connections", "500", "--calls", "4000"]);
        soak.args(["--pauses", "100"]);
        return run(&mut soak, "");
    }
    run(&mut soak, "")?;
    killed(root)
}

/// Daemons that are killed in the midst of so many calls on each route: the same test as
/// among those of the daemon, for longer.
fn killed(root: &Path) -> Result<()> {
    const CALLS: &str = "1000";
    let mut test = cargo(root);
    test.args(["test", "--quiet", "--package", "virtxen-daemon"]);
    test.args(["--test", "killed", "--", "--nocapture"]);
    test.env("VIRTXEN_KILLED_CALLS", CALLS);
    run(&mut test, "")
}
