//! The terminal in raw mode, joined with a guest's console until `^]`. Whatever
//! ends it, the terminal gets its old settings back.

use crate::error::{Error, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{read, write};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::fs::File;
use std::io::{IsTerminal, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use tokio::signal::unix::{Signal, SignalKind, signal};
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

/// The whole terminal; dropping it gives back what was there.
pub(crate) struct Screen {
    _raw: RawMode<std::io::Stdin>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn enter() -> Result<Self> {
        if !std::io::stdout().is_terminal() {
            return Err(Error::Failed(
                "this needs a terminal to be shown on; --batch prints text".to_owned(),
            ));
        }
        let screen = Self {
            _raw: RawMode::new(terminal()?).map_err(failed)?,
        };
        // Another screen, without cursor.
        write_all(std::io::stdout().as_fd(), b"\x1b[?1049h\x1b[?25l").map_err(failed)?;
        Ok(screen)
    }

    /// Lines and columns.
    pub(crate) fn size(&self) -> (usize, usize) {
        let size = tcgetwinsize(std::io::stdout()).ok();
        let size = size.filter(|size| size.ws_row > 0 && size.ws_col > 0);
        size.map_or((24, 80), |size| {
            (usize::from(size.ws_row), usize::from(size.ws_col))
        })
    }

    /// Shows a text from the top, as much of it as there is room for.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn show(&mut self, text: &str, height: usize, width: usize) -> Result<()> {
        let mut bytes = String::from("\x1b[H");
        for (number, line) in text.lines().take(height).enumerate() {
            if number > 0 {
                bytes.push_str("\r\n");
            }
            bytes.push_str(&cut(line, width));
            bytes.push_str("\x1b[K");
        }
        bytes.push_str("\x1b[J");
        write_all(std::io::stdout().as_fd(), bytes.as_bytes()).map_err(failed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that has gone.
        let _ = write_all(std::io::stdout().as_fd(), b"\x1b[?25h\x1b[?1049l");
    }
}

/// The first characters of a line; colours take no room.
fn cut(line: &str, width: usize) -> String {
    let (mut cut, mut room, mut coloured) = (String::new(), width, false);
    for character in line.chars() {
        match (coloured, character) {
            (false, '\x1b') => coloured = true,
            (true, 'm') => coloured = false,
            (true, _) => {}
            (false, _) if room == 0 => continue,
            (false, _) => room -= 1,
        }
        cut.push(character);
    }
    cut
}

/// What is typed, key by key.
pub(crate) struct Keys {
    typed: mpsc::Receiver<Vec<u8>>,
    terminate: Signal,
    hang_up: Signal,
    _keep: std::io::PipeWriter,
}

impl Keys {
    /// Begins to read the terminal.
    ///
    /// # Errors
    /// When the system has no pipe or no signals for us.
    pub(crate) fn read() -> Result<Self> {
        let (stop, keep) = std::io::pipe().map_err(failed)?;
        let (type_in, typed) = mpsc::channel(16);
        tokio::task::spawn_blocking(move || read_keys(&type_in, &stop));
        Ok(Self {
            typed,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            hang_up: signal(SignalKind::hangup()).map_err(failed)?,
            _keep: keep,
        })
    }

    /// The bytes of the next key; `None` at the end of the input or when the program is
    /// to end.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        tokio::select! {
            key = self.typed.recv() => key,
            _ = self.terminate.recv() => None,
            _ = self.hang_up.recv() => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_room() {
        assert_eq!(cut("\x1b[32mrunning\x1b[0m on", 4), "\x1b[32mrunn\x1b[0m");
        assert_eq!(cut("ab", 4), "ab");
    }
}
