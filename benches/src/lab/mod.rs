//! virtxend and libvirt's own daemon on a real Xen, asked the same by the same client, one
//! after the other; starting a guest beside `xl create`.
//!
//! `cargo xtask lab bench` has this run in dom0. What is asked is in `scene`, how a daemon is
//! started and what it costs in `service`.

mod scene;
mod service;
mod table;

use crate::Result;
use scene::{Scene, xl};
use service::{LIBVIRTD, Service, VIRTXEND};
use std::path::PathBuf;
use std::time::Duration;
use table::Table;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A guest's document, whose console says `lab: ready`
    #[arg(long, default_value = "/srv/lab/pv.xml")]
    document: PathBuf,
    /// The same guest for `xl create`
    #[arg(long, default_value = "/srv/lab/pv.cfg")]
    config: PathBuf,
    /// How long each call is repeated
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    seconds: f64,
    /// How often a guest is defined, and started and ended
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    let mut table = Table::default();
    for service in [&VIRTXEND, &LIBVIRTD] {
        service.begin()?;
        let done = ask(service, options, &mut table);
        service.end()?;
        done?;
    }
    xl(&options.config, options.rounds, &mut table)?;
    print!("{table}");
    Ok(())
}

/// All that is asked of one daemon, by which the guest has gone again.
fn ask(service: &Service, options: &Options, table: &mut Table) -> Result<()> {
    let span = Duration::try_from_secs_f64(options.seconds).unwrap_or_default();
    let mut scene = Scene::new(service, &options.document)?;
    scene.idle("idle, no guest", span, table)?;
    scene.define(options.rounds, table)?;
    scene.lives(options.rounds, table)?;
    scene.start_and_wait()?;
    let done = scene.reads(span, table);
    let done = done.and_then(|()| scene.idle("idle, one guest", span, table));
    scene.leave()?;
    done
}
