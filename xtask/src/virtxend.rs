//! virtxend on a simulated host, for as long as clients of it run.
//!
//! What the clients do is in the modules of the commands.

use crate::workspace::{cargo, run};
use crate::{Error, Result};
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for its socket.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon and the folder of its socket; both go with the value.
pub(crate) struct Virtxend {
    process: Child,
    folder: PathBuf,
}

impl Virtxend {
    /// Starts a daemon that was built on the host of a URI; libvirt's other daemons have
    /// their sockets in `others`.
    ///
    /// # Errors
    /// When it does not listen.
    pub(crate) fn start(program: &Path, host: &str, others: Option<&Path>) -> Result<Self> {
        // Paths of sockets are short, those of workspaces may not be.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("virtxen-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let log = folder.join("log");
        let log = File::create(&log).map_err(Error::file(&log))?;
        let mut command = Command::new(program);
        command
            .args(["--connect", host, "--socket"])
            .arg(folder.join("sock"))
            .arg("--others")
            .arg(others.unwrap_or(&folder))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let process = command.spawn().map_err(|source| Error::Start {
            program: program.display().to_string(),
            source,
            advice: "",
        })?;
        let daemon = Self { process, folder };
        daemon.wait()?;
        Ok(daemon)
    }

    fn wait(&self) -> Result<()> {
        let begin = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            if begin.elapsed() > PATIENCE {
                let log = self.log();
                return Err(Error::Failed(format!("virtxend does not listen: {log}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Its socket for those who may do everything.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("sock")
    }

    /// Its folder, for files that go with it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its URI for libvirt's clients.
    pub(crate) fn uri(&self) -> String {
        format!("xen+unix:///system?socket={}", self.socket().display())
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Virtxend {
    fn drop(&mut self) {
        // It has ended by itself when this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Builds both programs of ours, at once so that they share what they are made of.
pub(crate) fn build(root: &Path, release: bool) -> Result<()> {
    let mut build = cargo(root);
    build
        .args(["build", "--package", "virtxen-cli"])
        .args(["--package", "virtxen-daemon"])
        .args(if release {
            &["--release"][..]
        } else {
            &["--quiet"]
        });
    run(&mut build, "")
}

/// Where cargo puts a program of ours.
pub(crate) fn built(root: &Path, release: bool, program: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), |target| root.join(target));
    let kind = if release { "release" } else { "debug" };
    target.join(kind).join(program)
}
