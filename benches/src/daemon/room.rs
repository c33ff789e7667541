//! A daemon in the room that `cargo xtask` made for it: started, ended, connected to.
//!
//! A room has a folder: `commands` takes lines for its shell, `done` has a line for each
//! that was done, `run/libvirt-sock` is the daemon's.

use super::client::Client;
use super::process::Process;
use crate::{Error, Result};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer than a daemon takes to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Room {
    folder: PathBuf,
    start: String,
}

impl Room {
    /// `start` is the line that starts the daemon.
    pub(super) fn new(folder: &Path, start: String) -> Self {
        Self {
            folder: folder.to_owned(),
            start,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("run/libvirt-sock")
    }

    pub(super) fn uri(&self) -> String {
        format!("xen+unix:///system?socket={}", self.socket().display())
    }

    /// Starts the daemon; how long until a client had opened a connection.
    pub(super) fn start(&self) -> Result<Duration> {
        let begin = Instant::now();
        self.command(&self.start)?;
        loop {
            if Client::open(&self.socket()).is_ok() {
                return Ok(begin.elapsed());
            }
            self.pause(begin, "the daemon does not answer")?;
        }
    }

    /// Ends the daemon and waits until it has ended.
    pub(super) fn end(&self) -> Result<()> {
        let before = self.done();
        self.command("end TERM")?;
        let begin = Instant::now();
        while self.done() == before {
            self.pause(begin, "the daemon does not end")?;
        }
        let _ = std::fs::remove_file(self.socket());
        Ok(())
    }

    /// A connection, and the process that serves it.
    pub(super) fn open(&self) -> Result<(Client, Process)> {
        let client = Client::open(&self.socket())?;
        let process = Process::new(client.server()?);
        Ok((client, process))
    }

    fn command(&self, line: &str) -> Result<()> {
        let path = self.folder.join("commands");
        let pipe = OpenOptions::new().write(true).open(&path);
        let written = pipe.and_then(|mut pipe| pipe.write_all(format!("{line}\n").as_bytes()));
        written.map_err(|error| Error::file(&path, &error))
    }

    fn done(&self) -> usize {
        let text = std::fs::read_to_string(self.folder.join("done"));
        let ends = |text: String| text.lines().filter(|line| line.starts_with("end")).count();
        text.map_or(0, ends)
    }

    fn pause(&self, begin: Instant, what: &str) -> Result<()> {
        if begin.elapsed() > PATIENCE {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            return Err(Error::file(&self.folder, &format!("{what}\n{log}")));
        }
        std::thread::sleep(Duration::from_micros(200));
        Ok(())
    }
}
