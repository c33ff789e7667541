//! The console of a guest: a pseudo-terminal of the machine that the simulator
//! runs on, with something behind it that greets and echoes.
//!
//! It is opened when somebody asks for it and ends with the domain.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// A console that somebody has asked for.
#[derive(Debug)]
pub(crate) struct Terminal {
    path: PathBuf,
    ended: Arc<AtomicBool>,
    /// Open as long as the guest is, so that its side never hangs up.
    _guest_side: OwnedFd,
}

/// How often the guest's end looks whether the domain still is.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

impl Terminal {
    /// Opens a console for the guest of this name.
    ///
    /// # Errors
    /// The machine's, when it has no terminal left.
    pub(crate) fn open(guest: &str) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let host_side = openpt(flags)?;
        grantpt(&host_side)?;
        unlockpt(&host_side)?;
        let name = ptsname(&host_side, Vec::new())?;
        let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let guest_side = open(&path, flags, Mode::empty())?;
        let mut modes = tcgetattr(&guest_side)?;
        modes.make_raw();
        tcsetattr(&guest_side, OptionalActions::Now, &modes)?;
        fcntl_setfl(&host_side, OFlags::RDWR | OFlags::NONBLOCK)?;
        let ended = Arc::new(AtomicBool::new(false));
        let login = Login {
            guest: guest.to_owned(),
            typed: String::new(),
        };
        let stop = Arc::clone(&ended);
        std::thread::Builder::new()
            .name("guest console".to_owned())
            .spawn(move || serve(&host_side, login, &stop))?;
        Ok(Self {
            path,
            ended,
            _guest_side: guest_side,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// Answers what is typed until the guest is gone.
fn serve(side: &OwnedFd, mut login: Login, ended: &AtomicBool) {
    say(side, &login.greeting());
    let mut typed = [0; 256];
    while !ended.load(Ordering::Relaxed) {
        let mut ready = [PollFd::from_borrowed_fd(side.as_fd(), PollFlags::IN)];
        match poll(&mut ready, Some(&LOOK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        match rustix::io::read(side, &mut typed) {
            Ok(0) => return,
            Ok(count) => say(side, &login.answer(typed.get(..count).unwrap_or_default())),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Writes what fits; a console that nobody reads loses the rest, as real ones do.
fn say(side: &OwnedFd, text: &str) {
    let _ = rustix::io::write(side, text.as_bytes());
}

/// A prompt that echoes.
struct Login {
    guest: String,
    typed: String,
}

impl Login {
    fn greeting(&self) -> String {
        format!(
            "\r\nThis is {0}, a simulated guest.\r\n\r\n{0} login: ",
            self.guest
        )
    }

    fn answer(&mut self, typed: &[u8]) -> String {
        const LONGEST: usize = 200;
        let mut out = String::new();
        for byte in typed {
            match byte {
                b'\r' | b'\n' => {
                    let name = std::mem::take(&mut self.typed);
                    if !name.is_empty() {
                        out.push_str(&format!("\r\nNobody is called {name} here."));
                    }
                    out.push_str(&format!("\r\n{} login: ", self.guest));
                }
                0x08 | 0x7f if self.typed.pop().is_some() => out.push_str("\x08 \x08"),
                b' '..=b'~' if self.typed.len() < LONGEST => {
                    self.typed.push(char::from(*byte));
                    out.push(char::from(*byte));
                }
                _ => {}
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn read_until(console: &mut std::fs::File, end: &str) -> String {
        let mut text = String::new();
        let mut bytes = [0; 64];
        while !text.ends_with(end) {
            let count = console.read(&mut bytes).unwrap();
            text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        text
    }

    #[test]
    fn a_console_greets_echoes_and_ends() {
        let terminal = Terminal::open("web").unwrap();
        let mut console = std::fs::File::options()
            .read(true)
            .write(true)
            .open(terminal.path())
            .unwrap();
        assert!(read_until(&mut console, "web login: ").contains("simulated"));
        console.write_all(b"ann\x7f\x7fmy\r").unwrap();
        let answer = read_until(&mut console, "web login: ");
        assert!(answer.contains("Nobody is called amy here."), "{answer:?}");
        let ended = Arc::clone(&terminal.ended);
        drop(terminal);
        assert!(ended.load(Ordering::Relaxed));
    }
}
