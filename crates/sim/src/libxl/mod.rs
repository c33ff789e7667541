//! libxl of a release from 4.5 on, as the process that calls it answers: operations
//! in, outcomes or libxl's own log lines out.
//!
//! It acts on the same state as XenD does on older releases; what is different is that
//! nobody ends a guest that has shut down. Messages and descriptors on a socket are
//! the protocol's, in `virtxen_libxl`.

mod config;
mod create;
mod device;
mod domain;
mod log;
mod pci;
mod plug;
mod save;
mod serve;
mod stream;

pub(crate) mod emulator;
pub(crate) mod store;

pub(crate) use config::Kept;

use crate::fault::FaultKind;
use crate::state::{Key, SimHost, State};
use log::Wrong;
use std::os::fd::OwnedFd;
use virtxen_libxl::{Failure, Operation, Outcome};

/// What comes of an operation.
type Answer = Result<Outcome, Failure>;

/// How an operation went on, seen from the process that was asked for it.
#[derive(Debug)]
pub(crate) enum Done {
    /// It ended.
    Ended(Result<Outcome, Failure>),
    /// The process dies of it.
    Death,
}

impl SimHost {
    /// Does what libxl is asked for. The descriptor of a stream is `files`' first.
    pub(crate) async fn libxl(&self, operation: Operation, files: Vec<OwnedFd>) -> Done {
        let op = operation.name();
        let struck = self.xend().faults().strike(op);
        for fault in struck {
            match fault {
                FaultKind::Slow(delay) => tokio::time::sleep(delay).await,
                FaultKind::Hang | FaultKind::Stall => std::future::pending::<()>().await,
                FaultKind::Cut(_) | FaultKind::Garbage(_) | FaultKind::Death => return Done::Death,
                FaultKind::Fail(text) => {
                    return Done::Ended(Err(Wrong::failed(text).of(op)));
                }
            }
        }
        Done::Ended(self.do_libxl(operation, files).await)
    }

    async fn do_libxl(&self, operation: Operation, files: Vec<OwnedFd>) -> Answer {
        use Operation as Op;
        match operation {
            Op::Create { config, document } => create::create(self, &config, document).await,
            Op::Restore {
                config,
                document,
                stream_version,
            } => {
                let stream = first(files, "restore")?;
                create::restore(self, &config, document, stream, stream_version).await
            }
            Op::Save { domid, live, .. } => {
                save::save(self, domid, live, first(files, "save")?).await
            }
            Op::Attach {
                domid,
                device,
                config,
            } => plug::attach(self, domid, device, &config).await,
            Op::Detach {
                domid,
                device,
                config,
                force,
            } => plug::detach(self, domid, device, &config, force).await,
            other => domain::perform(self, other),
        }
    }
}

fn first(files: Vec<OwnedFd>, operation: &str) -> Result<OwnedFd, Failure> {
    let missing = || Failure::request(format!("no descriptor came with '{operation}'"));
    files.into_iter().next().ok_or_else(missing)
}

/// The domain of a number.
fn find(state: &State, domid: u32, function: &str) -> Result<Key, Failure> {
    let missing = || {
        let line = format!("Domain {domid}:Domain does not exist");
        Failure::call(function, log::NO_DOMAIN, vec![log::error(line)])
    };
    state.by_domid(domid).ok_or_else(missing)
}
