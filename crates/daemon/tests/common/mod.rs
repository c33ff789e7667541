//! virtxend on a simulated host, as a process with a socket of its own, and virsh.
//! What they are asked to do is in the tests.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod client;
pub(crate) mod pki;

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that ends with its value.
pub(crate) struct Daemon {
    folder: tempfile::TempDir,
    pub(crate) process: Child,
}

impl Daemon {
    /// Starts the daemon for `host` and waits until it answers.
    pub(crate) fn start(host: &str) -> Self {
        Self::start_with(host, |_, _| {})
    }

    /// As [`Daemon::start`], with more words or another environment; the folder is
    /// the one of its socket.
    pub(crate) fn start_with(host: &str, change: impl FnOnce(&mut Command, &Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_virtxend"));
        command
            .args(["--connect", host, "--socket"])
            .arg(folder.path().join("sock"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        change(&mut command, folder.path());
        let process = command.spawn().unwrap();
        let mut daemon = Self { folder, process };
        daemon.wait_until("the socket answers", |daemon| {
            UnixStream::connect(daemon.socket_for(true)).is_ok()
        });
        daemon
    }

    /// One that was started otherwise, without a socket in its folder.
    pub(crate) fn of(process: Child) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            process,
        }
    }

    /// As [`Daemon::start`], with the text of its settings and what was said on
    /// standard error in the file `log` of its folder.
    pub(crate) fn start_set(host: &str, settings: &str, words: &[&str]) -> Self {
        Self::start_with(host, |command, folder| {
            let file = folder.join("virtxend.conf");
            std::fs::write(&file, settings).unwrap();
            let log = std::fs::File::create(folder.join("log")).unwrap();
            command.arg("--config").arg(file).args(words).stderr(log);
        })
    }

    /// Waits until the daemon has said something on standard error.
    pub(crate) fn said(&self, words: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let log = std::fs::read_to_string(self.folder().join("log")).unwrap();
            if log.contains(words) {
                return;
            }
            assert!(Instant::now() < end, "no '{words}' in:\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_for(false)
    }

    fn socket_for(&self, read_only: bool) -> PathBuf {
        let name = if read_only { "sock-ro" } else { "sock" };
        self.folder.path().join(name)
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn wait_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < end, "waited too long until {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The environment and first words of a virsh that talks to the daemon.
    pub(crate) fn virsh(&self, read_only: bool) -> Command {
        let socket = self.socket_for(read_only);
        self.virsh_at(&format!("xen+unix:///system?socket={}", socket.display()))
    }

    /// A virsh that goes to a URI.
    pub(crate) fn virsh_at(&self, uri: &str) -> Command {
        let mut command = Command::new("virsh");
        command
            .args(["-c", uri])
            .env("LC_ALL", "C")
            .env("HOME", self.folder.path())
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .stdin(Stdio::null());
        command
    }

    /// What virsh answers to the words of a command.
    pub(crate) fn ask(&self, read_only: bool, words: &str) -> Answer {
        let mut command = self.virsh(read_only);
        Answer::of(words, &command.args(words.split(' ')).output().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves the host's XenD until the process ends.
pub(crate) fn serve(host: &str, socket: &Path) {
    let sim = virtxen_connect::simulated::host(host).unwrap();
    let path = socket.to_owned();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
            .block_on(sim.serve_unix(&path, std::future::pending()))
            .unwrap();
    });
    let end = Instant::now() + PATIENCE;
    while !socket.exists() {
        assert!(Instant::now() < end, "the host does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that nobody has; somebody else may be faster.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What virsh printed.
pub(crate) struct Answer {
    words: String,
    pub(crate) succeeded: bool,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn of(words: &str, output: &Output) -> Self {
        let [out, errors] =
            [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        Self {
            words: words.to_owned(),
            succeeded: output.status.success(),
            text: format!("{out}{errors}"),
        }
    }

    /// Each line is there, in this order, whatever the space between words.
    pub(crate) fn has(&self, lines: &[&str]) {
        let said: Vec<String> = self.text.lines().map(squeeze).collect();
        let mut rest = said.iter();
        for line in lines {
            assert!(
                rest.any(|said| *said == squeeze(line)),
                "virsh {}: no '{line}' (in this order) in:\n{}",
                self.words,
                self.text
            );
        }
    }
}

fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether virsh is there; says so when it is not.
pub(crate) fn has_virsh() -> bool {
    let found = Command::new("virsh").arg("--version").output().is_ok();
    if !found {
        println!("skipped: virsh is not installed");
    }
    found
}
