//! `cargo xtask lab bench`: virtxend, libvirt's own daemon and `xl` on the real Xen of a lab.
//!
//! The measurement is a program of the `benches` crate, which runs in dom0; here is only how it
//! gets there, and where its table goes.

use super::dom0::{Dom0, quoted};
use super::ours::put_programs;
use super::place::Place;
use super::programs::say;
use super::report;
use crate::virtxend::built;
use crate::workspace::{cargo, run as finish};
use crate::{Error, Result};
use std::path::Path;

const PROGRAM: &str = "virtxen-benches";

/// Measures in a lab that is up, with our programs in it.
pub(super) fn run(root: &Path, place: &Place, options: &[String], write: bool) -> Result<()> {
    let dom0 = Dom0::of(place)?;
    let mut build = cargo(root);
    build.args(["build", "--release", "--package", PROGRAM]);
    finish(&mut build, "")?;
    put_programs(place, &dom0, &[built(root, true, PROGRAM)])?;
    say("measuring, which takes minutes");
    let options: Vec<String> = options.iter().map(|word| quoted(word)).collect();
    let line = format!(
        ". /srv/lab/steps.sh; calm >/dev/null 2>&1; {PROGRAM} lab {}",
        options.join(" ")
    );
    let (is_done, text) = dom0.watched(&line)?;
    print!("{text}");
    if !is_done {
        return Err(Error::Failed("nothing was measured".to_owned()));
    }
    if write {
        let note = format!(
            "Xen {} of {}:\n\n{text}",
            place.suite.xen(),
            place.suite.name()
        );
        report::replace(root, "measured", "bench --write", |_| note)?;
    }
    Ok(())
}
