//! A place in which a daemon may believe that it has the machine to itself: files of
//! its own, processes of its own. What runs there is said in `xtask/peer/inside.sh`.

use crate::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a room, a daemon or a command in it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A room; what runs in it ends with it.
pub(crate) struct Room {
    folder: PathBuf,
    disk: PathBuf,
    shell: Child,
    commands: File,
}

impl Room {
    /// Makes a room in `folder`, which it shares with the world; `change` adds to the
    /// environment. `tree` is laid over the machine's root.
    pub(super) fn open(
        folder: &Path,
        root: &Path,
        tree: &Path,
        change: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let name = folder.file_name().unwrap_or_default();
        // Files that a daemon keeps are on a disk, where `fsync` has to do something.
        let disk = root.join("target/peer").join(name);
        let _ = std::fs::remove_dir_all(&disk);
        std::fs::create_dir_all(&disk).map_err(Error::file(&disk))?;
        let pipe = folder.join("commands");
        run_quiet(Command::new("mkfifo").arg(&pipe))?;
        // Opened for both, so that it waits for nobody.
        let commands = OpenOptions::new().read(true).write(true).open(&pipe);
        let commands = commands.map_err(Error::file(&pipe))?;
        let log = folder.join("log");
        let log = File::create(&log).map_err(Error::file(&log))?;
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--pid", "--fork", "--kill-child"]);
        if !is_root() {
            unshare.arg("--map-root-user");
        }
        unshare
            .arg("sh")
            .arg(root.join("xtask/peer/room.sh"))
            .args([folder, tree, root, &disk])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        change(&mut unshare);
        let shell = unshare.spawn().map_err(|source| Error::Start {
            program: "unshare".to_owned(),
            source,
            advice: "; it is in Debian's util-linux",
        })?;
        let mut room = Self {
            folder: folder.to_owned(),
            disk,
            shell,
            commands,
        };
        room.become_ready()?;
        Ok(room)
    }

    /// Its folder outside.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts libvirt's daemon and waits until it listens.
    pub(crate) fn peer(&self) -> Result<()> {
        self.command("peer")?;
        self.wait_for_socket("libvirtd")
    }

    /// Starts virtxend on a host and waits until it listens.
    pub(crate) fn ours(&self, host: &str) -> Result<()> {
        self.command(&format!("ours '{host}'"))?;
        self.wait_for_socket("virtxend")
    }

    /// What clients connect to.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("run/libvirt-sock")
    }

    /// The same for libvirt's clients.
    pub(crate) fn uri(&self) -> String {
        format!("xen+unix:///system?socket={}", self.socket().display())
    }

    /// What the daemon has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A line for the shell in the room, which does one after the other.
    pub(crate) fn command(&self, line: &str) -> Result<()> {
        let text = format!("{line}\n");
        let written = (&self.commands).write_all(text.as_bytes());
        written.map_err(Error::file(self.folder.join("commands")))
    }

    fn become_ready(&mut self) -> Result<()> {
        let ready = self.folder.join("ready");
        let begin = Instant::now();
        while !ready.exists() {
            let ended = matches!(self.shell.try_wait(), Ok(Some(_)));
            if ended || begin.elapsed() > PATIENCE {
                let log = self.log();
                let last = log.lines().last().unwrap_or("it says nothing");
                return Err(Error::Failed(format!("no room for a daemon: {last}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn wait_for_socket(&self, name: &str) -> Result<()> {
        let begin = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            if begin.elapsed() > PATIENCE {
                let log = self.log();
                return Err(Error::Failed(format!("{name} does not listen:\n{log}")));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Everything in the room is below the shell and dies with it.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
        let _ = std::fs::remove_dir_all(&self.disk);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn run_quiet(command: &mut Command) -> Result<()> {
    crate::workspace::run(command.stdout(Stdio::null()), "")
}
