//! `cargo xtask foreign`: Xen's own programs and virtxen look at the same thing and
//! have to see the same.
//!
//! Debian's xenstored, xl and XenStore tools run unchanged where there is no Xen, with
//! `xtask/foreign/xen.c` in front of their libraries. `packages` gets them, `rig` runs
//! them, `simulated` and `real` are the checks. Nothing is installed.

pub(crate) mod packages;
mod real;
pub(crate) mod rig;
mod simulated;

use crate::{Error, Result};
use rig::Rig;
use std::path::Path;
use std::time::Instant;

/// A check: what was compared, or how it differs.
type Check = fn(&Rig) -> Result<String>;

/// The checks by name, in their order.
const CHECKS: &[(&str, Check)] = &[
    ("test-xenstore on the simulated xenstored", simulated::tests),
    ("xenstore-ls on the simulated xenstored", simulated::tree),
    ("xl list on the simulated host", simulated::list),
    ("xl info on the simulated host", simulated::info),
    ("xl vcpu-list on the simulated host", simulated::vcpus),
    ("xl pause, vcpu-pin, rename", simulated::changes),
    ("test-xenstore on Xen's xenstored", real::tests),
    ("both xenstoreds, request by request", real::requests),
    ("xenstore-ls on Xen's xenstored", real::tree),
    ("xl list on Xen's xenstored", real::list),
    ("xenstore-watch on Xen's xenstored", real::watch),
    ("Xen's xenstored, restarted", real::restart),
];

/// Runs the checks whose name has `only` in it. Where Debian's packages cannot be
/// had it says so, and that is no failure.
///
/// # Errors
/// When a check finds a difference, and when something of ours does not build.
pub fn foreign(root: &Path, only: Option<&str>) -> Result<()> {
    let tools = match packages::tools(&root.join("target/foreign"), &[]) {
        Ok(tools) => tools,
        Err(error) => {
            println!("skipped: Debian's Xen tools cannot be had here: {error}");
            return Ok(());
        }
    };
    let rig = Rig::build(root, tools)?;
    let mut failed = 0;
    let chosen = |name: &str| only.is_none_or(|only| name.contains(only));
    for (name, check) in CHECKS.iter().filter(|(name, _)| chosen(name)) {
        let begin = Instant::now();
        match check(&rig) {
            Ok(note) => println!(
                "same     {name}: {note} ({:.1} s)",
                begin.elapsed().as_secs_f32()
            ),
            Err(error) => {
                failed += 1;
                println!("DIFFERS  {name}: {error}");
            }
        }
    }
    match failed {
        0 => Ok(()),
        count => Err(Error::Failed(format!("{count} checks failed"))),
    }
}
