//! Commands in dom0 and files into it and out of it: by ssh over one connection that all
//! share, and a folder that QEMU shows dom0.
//!
//! What is asked of it is up to the caller.

use super::machine;
use super::place::Place;
use super::programs::now;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const ADDRESS: &str = "root@127.0.0.1";

/// The folder that QEMU shows dom0, mounted for as long as something is copied: a machine
/// with it in use cannot be saved.
const MOUNT: &str = "mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share /mnt/share";

/// A running dom0.
pub(super) struct Dom0<'a> {
    place: &'a Place,
}

impl<'a> Dom0<'a> {
    /// That of a lab.
    ///
    /// # Errors
    /// When the lab is down.
    pub(super) fn of(place: &'a Place) -> Result<Self> {
        match machine::pid(place) {
            Some(_) => Ok(Self { place }),
            None => Err(Error::Failed(format!(
                "the lab of {} is down: `cargo xtask lab up` first",
                place.suite.name()
            ))),
        }
    }

    /// Runs a shell's command line with our own input and output.
    pub(super) fn run(&self, line: &str) -> Result<ExitStatus> {
        self.connect()?;
        let mut ssh = self.ssh();
        ssh.arg(ADDRESS).arg(line);
        ssh.status().map_err(no_ssh)
    }

    /// Runs a shell's command line; what it printed, or why it failed.
    pub(super) fn text(&self, line: &str) -> Result<String> {
        self.connect()?;
        let mut ssh = self.ssh();
        ssh.arg(ADDRESS).arg(line).stdin(Stdio::null());
        super::programs::text_of(&mut ssh)
    }

    /// Runs a shell's command line; whether it succeeded, and what it printed.
    pub(super) fn outcome(&self, line: &str) -> Result<(bool, String)> {
        self.connect()?;
        let mut ssh = self.ssh();
        ssh.arg(ADDRESS).arg(line).stdin(Stdio::null());
        let output = ssh.output().map_err(no_ssh)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.success(), text))
    }

    /// The same, where what it says of its progress is shown as it comes.
    pub(super) fn watched(&self, line: &str) -> Result<(bool, String)> {
        self.connect()?;
        let mut ssh = self.ssh();
        ssh.arg(ADDRESS).arg(line).stdin(Stdio::null());
        let output = ssh.stderr(Stdio::inherit()).output().map_err(no_ssh)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.success(), text))
    }

    /// Copies files into dom0.
    pub(super) fn put(&self, files: &[PathBuf], to: &str) -> Result<()> {
        let folder = self.exchange()?;
        let mut copy = Command::new("cp");
        copy.args(["-RLp", "--"]).args(files).arg(folder.path());
        let done = super::programs::text_of(&mut copy).and_then(|_| {
            let from = folder.seen_by_dom0();
            self.text(&format!(
                "{MOUNT} && cp -R --preserve=mode --remove-destination -- {from}/. {to}; code=$?; umount /mnt/share; exit $code",
                to = quoted(to)
            ))
        });
        done.map(drop)
    }

    /// Copies files out of dom0.
    pub(super) fn get(&self, files: &[String], to: &Path) -> Result<()> {
        let folder = self.exchange()?;
        let names: Vec<String> = files.iter().map(|name| quoted(name)).collect();
        self.text(&format!(
            "{MOUNT} && cp -RL -- {names} {into}/; code=$?; umount /mnt/share; exit $code",
            names = names.join(" "),
            into = folder.seen_by_dom0()
        ))?;
        let mut copy = Command::new("cp");
        copy.args(["-R", "--"]).arg(folder.path().join(".")).arg(to);
        super::programs::text_of(&mut copy).map(drop)
    }

    /// Sets dom0's clock, which stood still while the machine was saved.
    pub(super) fn set_clock(&self) -> Result<()> {
        self.text(&format!("date -s @{} >/dev/null", now()))
            .map(drop)
    }

    /// Ends the connection that commands share.
    pub(super) fn hang_up(place: &Place) {
        let mut ssh = Dom0 { place }.ssh();
        ssh.args(["-O", "exit", ADDRESS]);
        // There may be none.
        let _ = quiet(&mut ssh).status();
        let _ = std::fs::remove_file(place.run().join("ssh"));
    }

    /// Makes the connection that commands share, unless it is there. It is a process of its
    /// own that must not hold our output open.
    fn connect(&self) -> Result<()> {
        let mut check = self.ssh();
        check.args(["-O", "check", ADDRESS]);
        if quiet(&mut check).status().map_err(no_ssh)?.success() {
            return Ok(());
        }
        let mut master = self.ssh();
        master.args(["-f", "-N", "-o", "ControlMaster=yes", ADDRESS]);
        let status = quiet(&mut master).status().map_err(no_ssh)?;
        if status.success() {
            return Ok(());
        }
        let log = self.place.run().join("serial.log");
        let log = log.display();
        Err(Error::Failed(format!(
            "dom0 does not answer by ssh; what it says on its console is in {log}"
        )))
    }

    fn ssh(&self) -> Command {
        let run = self.place.run();
        let port = std::fs::read_to_string(run.join("port")).unwrap_or_default();
        let mut ssh = Command::new("ssh");
        ssh.args(["-q", "-p", port.trim(), "-i"])
            .arg(self.place.file("key"))
            .current_dir(run);
        for option in [
            "ControlPath=ssh",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "ConnectTimeout=30",
            "ServerAliveInterval=60",
        ] {
            ssh.args(["-o", option]);
        }
        ssh
    }

    fn exchange(&self) -> Result<Exchange> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{count}", std::process::id());
        let folder = Exchange {
            path: self.place.run().join("share").join(&name),
            name,
        };
        std::fs::create_dir_all(&folder.path).map_err(Error::file(&folder.path))?;
        Ok(folder)
    }
}

/// A folder for one copy, gone with the value.
struct Exchange {
    path: PathBuf,
    name: String,
}

impl Exchange {
    fn path(&self) -> &Path {
        &self.path
    }

    fn seen_by_dom0(&self) -> String {
        format!("/mnt/share/{}", self.name)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A word for a shell.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn quiet(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

fn no_ssh(source: std::io::Error) -> Error {
    Error::Start {
        program: "ssh".to_owned(),
        source,
        advice: "; it is in Debian's openssh-client",
    }
}
