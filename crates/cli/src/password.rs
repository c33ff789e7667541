//! Asking a person at the terminal for a name or a password. Who wants to know is
//! `virtxen_remote`.

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::io::{Error, ErrorKind, IsTerminal, Read, Result};
use std::sync::Arc;
use virtxen_remote::{Ask, Question};

/// Bytes of an answer.
const LENGTH_MAX: usize = 1024;
/// What a terminal sends for Ctrl-C, Ctrl-D and Ctrl-U.
const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const CLEAR: u8 = 0x15;
/// What it sends for the key that takes a letter back.
const BACKSPACE: [u8; 2] = [0x08, 0x7f];

/// Asks on the terminal; nobody where standard input is none.
pub(crate) fn asker() -> Option<Ask> {
    let is_terminal = std::io::stdin().is_terminal();
    is_terminal.then(|| -> Ask { Arc::new(answer) })
}

fn answer(question: &Question) -> Result<String> {
    eprint!("{question}");
    match question {
        Question::Password(..) => {
            let answer = hidden();
            eprintln!();
            answer
        }
        _ => shown(),
    }
}

fn shown() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A line that is not shown while it is typed.
fn hidden() -> Result<String> {
    let _quiet = Quiet::new()?;
    let mut input = std::io::stdin().lock();
    typed(|| {
        let mut byte = [0];
        input.read_exact(&mut byte).map(|()| byte[0])
    })
}

/// Reads keys up to the end of a line.
fn typed(mut key: impl FnMut() -> Result<u8>) -> Result<String> {
    let given_up = || Error::new(ErrorKind::Interrupted, "it was not typed");
    let mut bytes = Vec::new();
    loop {
        match key()? {
            b'\n' | b'\r' => break,
            INTERRUPT => return Err(given_up()),
            END if bytes.is_empty() => return Err(given_up()),
            CLEAR => bytes.clear(),
            byte if BACKSPACE.contains(&byte) => take_letter(&mut bytes),
            _ if bytes.len() >= LENGTH_MAX => return Err(Error::other("it is too long")),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::other("it is no UTF-8"))
}

/// Takes the last letter away, all its bytes.
fn take_letter(bytes: &mut Vec<u8>) {
    while bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

/// The terminal shows nothing and hands over each key, Ctrl-C too, until this is dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn new() -> Result<Self> {
        let terminal = std::io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Flush, &modes)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_keys(keys: &str) -> Result<String> {
        let mut keys = keys.bytes();
        typed(|| keys.next().ok_or_else(|| ErrorKind::UnexpectedEof.into()))
    }

    #[test]
    fn keys_make_a_line() {
        assert_eq!(type_keys("secret\n").unwrap(), "secret");
        assert_eq!(type_keys("séx\x7f\x7fecret\r").unwrap(), "secret");
        assert_eq!(type_keys("wrong\x15right\n").unwrap(), "right");
        assert_eq!(type_keys("\n").unwrap(), "");
        for keys in ["half", "x\x03\n", "\x04"] {
            assert!(type_keys(keys).is_err(), "{keys:?}");
        }
    }
}
