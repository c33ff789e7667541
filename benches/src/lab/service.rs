//! A daemon as a service of systemd in dom0, and what it costs: memory of its processes, and
//! processor time of all that it has started.
//!
//! What it is asked is in `scene`.

use crate::daemon::client::Client;
use crate::daemon::process::Process;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than a daemon takes to answer after its start.
const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon.
pub(super) struct Service {
    /// Its name, and that of its service.
    pub(super) name: &'static str,
    socket: &'static str,
    /// What would start it again while the other one is measured.
    units: &'static [&'static str],
}

pub(super) static VIRTXEND: Service = Service {
    name: "virtxend",
    socket: "/run/libvirt/virtxend-sock",
    units: &[
        "virtxend.service",
        "virtxend.socket",
        "virtxend-ro.socket",
        "virtxend-admin.socket",
    ],
};

pub(super) static LIBVIRTD: Service = Service {
    name: "libvirtd",
    socket: "/run/libvirt/libvirt-sock",
    units: &[
        "libvirtd.service",
        "libvirtd.socket",
        "libvirtd-ro.socket",
        "libvirtd-admin.socket",
    ],
};

impl Service {
    /// Starts it, with neither of the two running before.
    pub(super) fn begin(&self) -> Result<()> {
        for service in [&VIRTXEND, &LIBVIRTD] {
            service.end()?;
        }
        // One after a crash too many is not started again for a while.
        let _ = systemctl(&["reset-failed"], &[self.name]);
        systemctl(&["start"], &[self.name])
    }

    pub(super) fn end(&self) -> Result<()> {
        // One of the sockets may be none of this release's.
        for unit in self.units {
            let _ = systemctl(&["--quiet", "stop"], &[unit]);
        }
        Ok(())
    }

    /// A connection, as soon as there is one.
    pub(super) fn open(&self) -> Result<Client> {
        let begin = Instant::now();
        loop {
            match Client::open(Path::new(self.socket)) {
                Err(_) if begin.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                opened => return opened,
            }
        }
    }

    /// Resident memory of its processes, KiB: the daemon and those of the same program.
    pub(super) fn resident(&self) -> Result<u64> {
        let path = self.folder().join("cgroup.procs");
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, &error))?;
        let program = |number: i32| std::fs::read_link(format!("/proc/{number}/exe")).ok();
        let own = program(self.main()?);
        let mut sum = 0;
        for number in text.lines().filter_map(|line| line.parse().ok()) {
            if program(number) == own {
                sum += Process::new(number).resident()?;
            }
        }
        Ok(sum)
    }

    /// Processor time of the service since it began, ended processes included.
    pub(super) fn cpu(&self) -> Result<Duration> {
        let path = self.folder().join("cpu.stat");
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, &error))?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("usage_usec "));
        let number = line.and_then(|number| number.trim().parse().ok());
        let number = number.ok_or_else(|| Error::file(&path, &"no usage_usec"))?;
        Ok(Duration::from_micros(number))
    }

    /// Its first process. The socket cannot tell: systemd has made it.
    fn main(&self) -> Result<i32> {
        let mut show = Command::new("systemctl");
        show.args(["show", "--property=MainPID", "--value", self.name]);
        let output = show.output().map_err(Error::start(&show))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text.trim().parse();
        number.map_err(|_| Error::ended(&show, output.status))
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/sys/fs/cgroup/system.slice/{}.service", self.name))
    }
}

fn systemctl(words: &[&str], units: &[&str]) -> Result<()> {
    let mut systemctl = Command::new("systemctl");
    systemctl.args(words).args(units);
    run(&mut systemctl)
}

/// Runs a program to its end, which is a good one.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let output = command.output().map_err(Error::start(command))?;
    match output.status {
        status if status.success() => Ok(()),
        status => Err(Error::ended(command, status)),
    }
}
