//! The terminal in raw mode, joined with a guest's console until `^]`. Whatever
//! ends it, the terminal gets its old settings back.

use crate::error::{Error, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{read, write};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{IsTerminal, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use virtxen_driver::ConsoleStream;

/// What `^]` sends.
const LEAVE: u8 = 0x1d;

/// Joins the terminal with a guest's tty until `^]`, the end of the console or of
/// the input.
///
/// # Errors
/// When standard input is no terminal or the tty cannot be opened.
pub(crate) async fn join(tty: &Path) -> Result<()> {
    let stdin = terminal()?;
    let console = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(tty)
        .map_err(|error| Error::file("open console", tty, error))?;
    let _console_raw = RawMode::new(console.try_clone().map_err(failed)?).ok();
    let _raw = RawMode::new(stdin).map_err(failed)?;
    // Dropping `_keep` ends the thread, also when nobody waits for us any more.
    let (stop, _keep) = std::io::pipe().map_err(failed)?;
    let work = tokio::task::spawn_blocking(move || pump(&console, &stop));
    until_ended(async {
        match work.await {
            Ok(result) => result.map_err(failed),
            Err(_) => Err(Error::Failed(
                "the console ended without a reason".to_owned(),
            )),
        }
    })
    .await
}

/// Joins the terminal with a console that comes as bytes, until `^]`, the end of the
/// console or of the input.
///
/// # Errors
/// When standard input is no terminal; when the console is lost, with the reason.
pub(crate) async fn join_stream(mut console: ConsoleStream) -> Result<()> {
    let _raw = RawMode::new(terminal()?).map_err(failed)?;
    let (stop, _keep) = std::io::pipe().map_err(failed)?;
    let (type_in, mut typed) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || read_keys(&type_in, &stop));
    until_ended(async {
        loop {
            tokio::select! {
                keys = typed.recv() => match keys {
                    Some(keys) => if console.typed.send(keys).await.is_err() {
                        return Ok(());
                    },
                    None => return Ok(()),
                },
                shown = console.shown.recv() => match shown {
                    Some(Ok(bytes)) => {
                        write_all(std::io::stdout().as_fd(), &bytes).map_err(failed)?;
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(()),
                },
            }
        }
    })
    .await
}

fn terminal() -> Result<std::io::Stdin> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(stdin);
    }
    Err(Error::Failed(
        "a console needs a terminal to be shown on".to_owned(),
    ))
}

fn failed(source: std::io::Error) -> Error {
    Error::System {
        what: "cannot use the terminal",
        source,
    }
}

/// Signals that would end the program have to wait until the terminal is as it was.
async fn until_ended(work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    tokio::select! {
        result = work => result,
        _ = terminate.recv() => Err(Error::Interrupted),
        _ = hang_up.recv() => Err(Error::Interrupted),
    }
}

/// Hands on what is typed until `^]`, the end of the input, or until the other end of
/// `stop` is gone.
fn read_keys(typed: &mpsc::Sender<Vec<u8>>, stop: &PipeReader) -> std::io::Result<()> {
    let stdin = std::io::stdin();
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(stop, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            result => result?,
        };
        let [keys, stopped] = fds.map(|fd| !fd.revents().is_empty());
        if stopped {
            return Ok(());
        }
        if keys {
            let count = read(&stdin, &mut buffer[..])?;
            let bytes = buffer.get(..count).unwrap_or_default();
            let end = bytes.iter().position(|byte| *byte == LEAVE);
            let part = bytes.get(..end.unwrap_or(count)).unwrap_or_default();
            let gone = !part.is_empty() && typed.blocking_send(part.to_vec()).is_err();
            if gone || end.is_some() || count == 0 {
                return Ok(());
            }
        }
    }
}

/// Carries bytes both ways until `^]`, an end of either side, or until the other end
/// of `stop` is gone. Waits in a thread of its own: the descriptors are not switched to
/// non-blocking mode, because the shell that started us shares them.
fn pump(console: &File, stop: &PipeReader) -> std::io::Result<()> {
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(console, PollFlags::IN),
            PollFd::new(stop, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            result => result?,
        };
        let [typed, shown, stopped] = fds.map(|fd| !fd.revents().is_empty());
        if stopped {
            return Ok(());
        }
        if typed {
            let count = read(&stdin, &mut buffer[..])?;
            let bytes = buffer.get(..count).unwrap_or_default();
            let end = bytes.iter().position(|byte| *byte == LEAVE);
            write_all(
                console.as_fd(),
                bytes.get(..end.unwrap_or(count)).unwrap_or_default(),
            )?;
            if end.is_some() || count == 0 {
                return Ok(());
            }
        }
        if shown {
            // A pseudo-terminal whose other end is closed reads as an error.
            let count = read(console, &mut buffer[..]).unwrap_or(0);
            if count == 0 {
                return Ok(());
            }
            write_all(stdout.as_fd(), buffer.get(..count).unwrap_or_default())?;
        }
    }
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let count = write(fd, bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// A terminal in raw mode; dropping it restores the old settings.
struct RawMode<F: AsFd> {
    terminal: F,
    before: Termios,
}

impl<F: AsFd> RawMode<F> {
    fn new(terminal: F) -> std::io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&terminal, OptionalActions::Flush, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl<F: AsFd> Drop for RawMode<F> {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that has gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
