//! Monitoring and what comes with it: each route to many domains, reading the
//! hypervisor's answer, the languages of xm and xl, a folder of xm files.
//!
//! Which numbers come from where is in the files of this folder.

mod decode;
mod folder;
mod language;
mod routes;

use crate::Result;
use std::path::PathBuf;
use std::time::Duration;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Domains of the simulated host, one measurement each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 1000, 10_000])]
    guests: Vec<u32>,
    /// Xen release of the host
    #[arg(long, default_value = "4.1")]
    release: String,
    /// Xen release of the host whose XenStore lists more domains than fit in one
    /// of its packets
    #[arg(long, default_value = "4.17")]
    newer_release: String,
    /// How often each is asked; the median counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Entries of the hypervisor's answer
    #[arg(long, default_value_t = 10_000)]
    entries: usize,
    /// Files of the folder
    #[arg(long, default_value_t = 1000)]
    files: usize,
    /// Folder of the guests in the files
    #[arg(long, default_value = "examples")]
    examples: PathBuf,
    /// The program, built in release; else the one beside this
    #[arg(long)]
    virtxen: Option<PathBuf>,
    /// How long conversions and reading are repeated
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    seconds: f64,
}

impl Options {
    fn span(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or_default()
    }
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    routes::measure(options)?;
    println!();
    decode::measure(options)?;
    println!();
    language::measure(options)?;
    println!();
    folder::measure(options)
}
