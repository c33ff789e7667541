//! Asking a person, or a file, for a password.
//!
//! What is done with it is in `users`.

use crate::error::{Error, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal, Read};

/// Bytes of a password.
const LENGTH_MAX: u64 = 1024;

/// The terminal does not show what is typed until this is dropped.
struct Hidden {
    before: Termios,
}

/// Asks for a password on standard input: twice if it is a terminal, else its first
/// line is taken.
///
/// # Errors
/// When there is none, or the two are not the same.
pub(crate) fn ask(user: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return line();
    }
    let _hidden = Hidden::new();
    let first = typed(&format!("password of {user}: "))?;
    if typed("once more: ")? == first {
        return Ok(first);
    }
    Err(Error::Usage("the two passwords differ".to_owned()))
}

fn typed(prompt: &str) -> Result<String> {
    eprint!("{prompt}");
    let typed = line();
    eprintln!();
    typed
}

fn line() -> Result<String> {
    let mut line = String::new();
    let mut input = std::io::stdin().lock().take(LENGTH_MAX);
    let read = input.read_line(&mut line);
    read.map_err(|cause| Error::Usage(format!("cannot read the password: {cause}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

impl Hidden {
    fn new() -> Option<Self> {
        let terminal = std::io::stdin();
        let before = tcgetattr(&terminal).ok()?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &modes).ok()?;
        Some(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}
