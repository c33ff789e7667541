//! How the process that calls libxl comes to be: a program with one end of a socket as
//! its descriptor 0, or any stream on which somebody serves the protocol.

use crate::{Error, Result};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};

/// How the process that calls libxl comes to be.
pub enum Launch {
    /// A program that serves the protocol on its descriptor 0.
    Program {
        /// Its file.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<OsString>,
    },
    /// A stream on which somebody serves the protocol: what this returns is connected
    /// to whom it has started, in this process or elsewhere.
    Stream(Box<dyn Fn() -> io::Result<UnixStream> + Send + Sync>),
}

/// The other side, as far as it was started here.
pub(crate) enum Other {
    Process(Box<Child>),
    Stream,
}

impl Launch {
    /// Starts it. The stream does not block.
    pub(crate) fn start(&self) -> Result<(UnixStream, Other)> {
        let started = match self {
            Self::Program { program, arguments } => start(program, arguments),
            Self::Stream(connect) => connect().map(|stream| (stream, Other::Stream)),
        };
        let started = started.and_then(|(stream, other)| {
            stream.set_nonblocking(true)?;
            Ok((stream, other))
        });
        started.map_err(|error| Error::Start {
            program: match self {
                Self::Program { program, .. } => program.display().to_string(),
                Self::Stream(_) => "a stream".to_owned(),
            },
            source: Arc::new(error),
        })
    }
}

fn start(program: &PathBuf, arguments: &[OsString]) -> io::Result<(UnixStream, Other)> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(program);
    command.args(arguments);
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null());
    // Ctrl-C in a terminal is for who asked: he aborts what he began.
    command.process_group(0);
    let child = command.spawn()?;
    Ok((ours, Other::Process(Box::new(child))))
}

impl Other {
    /// Waits until it has ended by itself.
    pub(crate) async fn wait(self) {
        if let Self::Process(mut child) = self {
            let _ = child.wait().await;
        }
    }

    /// Waits for it, ends it after a while, and says how it ended.
    pub(crate) async fn end(self, wait: Duration) -> String {
        let Self::Process(mut child) = self else {
            return "it closed its stream".to_owned();
        };
        let status = match tokio::time::timeout(wait, child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                let _ = child.start_kill();
                child.wait().await
            }
        };
        status.map_or_else(|error| error.to_string(), text_of)
    }
}

fn text_of(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => status.to_string(),
    }
}
