//! `cargo xtask`: the command line of the developer commands.
//!
//! Only arguments and exit codes; each command is a module of the library.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use xtask::bench::{Measurement, bench};
use xtask::lab::Suite;
use xtask::{Error, Result, generate, root, tidy};

/// Commands for people who work on virtxen.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what virtxen does, on a simulated host: by itself, and through its daemon with virsh
    Tour,
    /// Check the rules of the house: crate arrows, dependencies, file length, module documentation
    Tidy,
    /// Write the files that are made from code: manual page and command pages
    Gen {
        /// Write nothing; say which are stale
        #[arg(long)]
        check: bool,
    },
    /// Write the table of Xen's ABI from the facts of the shelf
    GenAbi {
        /// The file of facts
        #[arg(default_value = "../shared/facts/xen-abi.json")]
        facts: PathBuf,
    },
    /// Throw bytes at the parsers; crashes are kept in fuzz/artifacts
    Fuzz {
        /// A file of fuzz/fuzz_targets, without .rs; all of them if absent
        target: Option<String>,
        /// How long for each target
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Measure in release; prints the targets and whether they are met here
    Bench {
        /// What to measure
        measurement: Measurement,
        /// Options of the measurement: `-- --help` lists them
        #[arg(last = true)]
        options: Vec<String>,
    },
    /// Compare with Xen's own programs: xl, xenstored and the XenStore tools of Debian
    Foreign {
        /// Only checks with this in their name
        only: Option<String>,
    },
    /// Let libvirt's clients (virt-install, virt-manager, …) drive virtxend on a simulated host
    Clients {
        /// Only those with this in their name
        only: Option<String>,
        /// Fail for those that are not installed, instead of leaving them out
        #[arg(long)]
        all: bool,
        /// Print Debian's packages of all of them, and do nothing else
        #[arg(long)]
        packages: bool,
    },
    /// Run libvirt's technology compatibility kit, of a checkout, on virtxend and a simulated host
    Tck {
        /// The folder of libvirt-tck
        checkout: PathBuf,
        /// Scripts or folders of them in the checkout; scripts/domain if there are none
        scripts: Vec<PathBuf>,
        /// The host that virtxend serves
        #[arg(long, default_value = xtask::TCK_HOST)]
        host: String,
    },
    /// Run libvirt's own daemon, on a Xen that is simulated, and virtxend side by side
    Peer {
        /// What to do meanwhile, in a shell: their URIs are in PEER and OURS
        #[arg(default_value = "echo $PEER; echo $OURS; sleep infinity")]
        command: String,
    },
    /// Ask libvirt's own daemon and virtxend the same, and find what is answered differently
    Differ {
        /// Domain documents besides the examples and the shelf's: files, or folders of .xml files
        documents: Vec<PathBuf>,
        /// Without the shelf's documents: half a minute
        #[arg(long)]
        short: bool,
        /// Ask nothing: judge the answers of the last run once more, in target/differ
        #[arg(long)]
        again: bool,
        /// Write docs/differences.md
        #[arg(long)]
        write: bool,
    },
    /// Build the Debian package with both programs, and look at it: target/dist
    Dist {
        /// From debug builds, to try what is in packaging/
        #[arg(long)]
        debug: bool,
    },
    /// Put virtxend under load, among stuck guests and clients that misbehave
    Soak {
        /// In a minute, with debug builds
        #[arg(long)]
        short: bool,
    },
    /// Boot a real Xen in an emulated machine, and test virtxen on it: docs/lab.md
    Lab {
        /// The release of Debian, and with it of Xen
        #[arg(long, value_enum, default_value = "bookworm", global = true)]
        suite: Suite,
        #[command(subcommand)]
        command: xtask::lab::Command,
    },
    /// Let virt-xml-validate judge documents, such as those that tests wrote to VIRTXEN_XML_OUT
    CheckXml {
        /// Files, or folders of .xml files
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Tour => xtask::tour(&root()),
        Command::Tidy => check_tidy(),
        Command::Gen { check: false } => generate::write(&root()),
        Command::Gen { check: true } => generate::check(&root()),
        Command::GenAbi { facts } => xtask::abi::write(&root(), &facts),
        Command::Fuzz { target, seconds } => xtask::fuzz(&root(), target.as_deref(), seconds),
        Command::Bench {
            measurement,
            options,
        } => bench(&root(), measurement, &options),
        Command::Foreign { only } => xtask::foreign(&root(), only.as_deref()),
        Command::Clients { packages: true, .. } => {
            xtask::clients::packages();
            Ok(())
        }
        Command::Clients { only, all, .. } => {
            xtask::clients::clients(&root(), only.as_deref(), all)
        }
        Command::Tck {
            checkout,
            scripts,
            host,
        } => xtask::tck(&root(), &checkout, &scripts, &host),
        Command::Differ {
            documents,
            short,
            again,
            write,
        } => {
            let questions = xtask::Questions {
                documents,
                short,
                again,
                write,
            };
            xtask::differ(&root(), &questions)
        }
        Command::Soak { short } => xtask::soak(&root(), short),
        Command::Peer { command } => xtask::peer(&root(), &command),
        Command::Lab { suite, command } => xtask::lab::lab(&root(), suite, command),
        Command::Dist { debug } => xtask::dist(&root(), debug).map(drop),
        Command::CheckXml { paths } => {
            xtask::check_xml(&paths).map(|count| println!("{count} documents are valid"))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check_tidy() -> Result<()> {
    let findings = tidy::check(&root())?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Error::Failed(format!("{count} findings"))),
    }
}
