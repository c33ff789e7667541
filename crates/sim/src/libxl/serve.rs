//! The process that calls libxl, as a thread of this one: the protocol's server in front
//! of the simulated library.

use super::Done;
use crate::state::SimHost;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use virtxen_libxl::{Call, Failure, FailureKind, Library, Operation, Outcome, Toolstack};

impl SimHost {
    /// Starts what calls libxl on a release from 4.5 on, and returns the stream on which
    /// it serves its protocol. Must be called inside a tokio runtime, by which the
    /// time of operations passes.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] on a host with XenD; the machine's.
    pub fn connect_libxl(&self) -> io::Result<UnixStream> {
        let Some(release) = self.options().without_xend else {
            let words = format!("Xen {} has XenD", self.xen());
            return Err(io::Error::new(io::ErrorKind::NotFound, words));
        };
        let (ours, theirs) = UnixStream::pair()?;
        let library = Simulated {
            host: self.clone(),
            runtime: Handle::current(),
            minor: release.minor.into(),
            stream: theirs.try_clone()?,
        };
        let thread = std::thread::Builder::new().name("simulated libxl".to_owned());
        // What is wrong with a stream is for its other end to notice.
        thread.spawn(move || drop(virtxen_libxl::serve(&theirs, Arc::new(library))))?;
        Ok(ours)
    }
}

struct Simulated {
    host: SimHost,
    runtime: Handle,
    minor: u32,
    /// Closed when the process is to die.
    stream: UnixStream,
}

impl Toolstack for Simulated {
    fn library(&self) -> Library {
        Library {
            minor: self.minor,
            file: "the simulated libxl".to_owned(),
        }
    }

    fn perform(
        &self,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
        call: &Call,
    ) -> Result<Outcome, Failure> {
        let aborted = Arc::new(Notify::new());
        let abort = Arc::clone(&aborted);
        call.on_abort(move || {
            abort.notify_one();
            true
        });
        let done = self.runtime.block_on(async {
            tokio::select! {
                done = self.host.libxl(operation, descriptors) => done,
                () = aborted.notified() => Done::Ended(Err(FailureKind::Aborted.into())),
            }
        });
        match done {
            Done::Ended(result) => result,
            Done::Death => {
                let _ = self.stream.shutdown(Shutdown::Both);
                Err(Failure::request("the process has died"))
            }
        }
    }
}
