//! QEMU's monitor: one command, one answer, over its socket in JSON (QMP).
//!
//! Which commands the lab gives is in `machine`.

use crate::{Error, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Saving the machine takes seconds on a slow disk.
const PATIENCE: Duration = Duration::from_secs(300);

/// Gives a command as it is typed at QEMU's prompt.
///
/// # Errors
/// When QEMU is not there, or what it answers is an error.
pub(super) fn ask(run: &Path, command: &str) -> Result<String> {
    let mut session = Session::open(run)?;
    let words = json!({ "command-line": command });
    let answer = session.execute("human-monitor-command", &words)?;
    let text = answer.as_str().unwrap_or_default().trim().to_owned();
    if text.starts_with("Error") {
        return Err(failed(&text));
    }
    Ok(text)
}

/// Ends QEMU, and waits until it has closed its socket.
pub(super) fn quit(run: &Path) -> Result<()> {
    let mut session = Session::open(run)?;
    session.send("quit", &json!({}))?;
    let mut rest = String::new();
    while matches!(session.input.read_line(&mut rest), Ok(1..)) {
        rest.clear();
    }
    Ok(())
}

struct Session {
    input: BufReader<UnixStream>,
    output: UnixStream,
}

impl Session {
    fn open(run: &Path) -> Result<Self> {
        // The path of a socket is at most 107 bytes long, that of a cache folder may not be.
        let folder = File::open(run).map_err(Error::file(run))?;
        let path = format!("/proc/self/fd/{}/qmp", folder.as_raw_fd());
        let no_monitor = |error| failed(&format!("it cannot be reached: {error}"));
        let output = UnixStream::connect(path).map_err(no_monitor)?;
        output
            .set_read_timeout(Some(PATIENCE))
            .map_err(no_monitor)?;
        let input = output.try_clone().map_err(no_monitor)?;
        let mut session = Self {
            input: BufReader::new(input),
            output,
        };
        session.message()?;
        session.execute("qmp_capabilities", &json!({}))?;
        Ok(session)
    }

    fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        self.send(command, arguments)?;
        loop {
            let mut message = self.message()?;
            if let Some(error) = message.get("error") {
                let why = error.get("desc").and_then(Value::as_str);
                return Err(failed(why.unwrap_or("no reason given")));
            }
            if let Some(answer) = message.get_mut("return") {
                return Ok(answer.take());
            }
        }
    }

    fn send(&mut self, command: &str, arguments: &Value) -> Result<()> {
        let message = json!({ "execute": command, "arguments": arguments });
        writeln!(self.output, "{message}").map_err(|error| failed(&error.to_string()))
    }

    fn message(&mut self) -> Result<Value> {
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(0) => Err(failed("QEMU ended")),
            Ok(_) => serde_json::from_str(&line).map_err(|error| failed(&error.to_string())),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

fn failed(why: &str) -> Error {
    Error::Failed(format!("QEMU's monitor: {why}"))
}
