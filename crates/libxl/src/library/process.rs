//! The process that calls libxl: its main function.

use super::loaded::Loaded;
use crate::{FrameError, refuse, serve};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

/// Serves the protocol on descriptor 0 with the library of the Xen that runs, or with
/// that file, until the other side closes it.
///
/// # Errors
/// When descriptor 0 is no such stream, or says what nobody means.
pub fn run(library: Option<&Path>) -> Result<(), FrameError> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // What libxl starts gets an empty input, not the stream: else the other side would
    // not see the end of this process while a child of it lives.
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing).map_err(io::Error::from)?;
    match Loaded::open(library) {
        Ok(loaded) => serve(&stream, Arc::new(loaded)),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            refuse(&stream, &format!("{error}{}", cause.unwrap_or_default()))
        }
    }
}
