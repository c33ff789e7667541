//! Programs of ours and of Xen, started so that they meet. Each check has its own
//! servers, which end with it. What is compared is in the checks.

use super::packages::Tools;
use crate::workspace::run;
use crate::{Error, Result};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a server's socket, or for what a program is to print.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines that are shown of two texts from where they differ.
const SHOWN: usize = 4;

/// Seconds that a foreign program may take.
const LIMIT: &str = "20";

/// Everything that checks run.
pub(crate) struct Rig {
    root: PathBuf,
    virtxen: PathBuf,
    front: PathBuf,
    tools: Tools,
    folder: PathBuf,
}

/// A server, ended when it is dropped.
pub(crate) struct Server {
    process: Child,
    /// Its sockets.
    pub(crate) xenstore: PathBuf,
    pub(crate) hypercalls: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended by itself when this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // What is left in the folder for temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Rig {
    /// Builds what is ours.
    pub(crate) fn build(root: &Path, tools: Tools) -> Result<Self> {
        crate::virtxend::build(root, false)?;
        let built = root.join("target/foreign");
        std::fs::create_dir_all(&built).map_err(Error::file(&built))?;
        let front = built.join("xen.so");
        let mut compile = Command::new("cc");
        compile
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
            .arg(&front)
            .arg(root.join("xtask/foreign/xen.c"))
            .args(["-ldl", "-lpthread"]);
        run(&mut compile, "; a C compiler is in Debian's gcc")?;
        // Paths of sockets are short, those of workspaces may not be.
        let name = format!("virtxen-foreign-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        Ok(Self {
            virtxen: root.join("target/debug/virtxen"),
            root: root.to_owned(),
            front,
            tools,
            folder,
        })
    }

    /// Release of Xen whose tools these are.
    pub(crate) fn release(&self) -> &str {
        &self.tools.release
    }

    /// The folder of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What stands before Xen's libraries.
    pub(crate) fn front(&self) -> &Path {
        &self.front
    }

    /// A path for a check's own file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A simulated host of a release, with its xenstored and its hypervisor.
    pub(crate) fn simulated(&self, release: &str, guests: u32) -> Result<Server> {
        let (xenstore, hypercalls) = (self.path("xenstore"), self.path("hypercalls"));
        let uri = format!("sim:?release={release}&guests={guests}&connect=0ms");
        let mut command = self.ours(&uri, &["sim", "--xenstore"]);
        command.arg(&xenstore).arg("--hypercalls").arg(&hypercalls);
        let process = spawn(&mut command)?;
        let server = Server {
            process,
            xenstore,
            hypercalls,
        };
        self.wait("a socket of virtxen sim", || {
            answers(&server.hypercalls) && answers(&server.xenstore)
        })?;
        Ok(server)
    }

    /// Xen's own xenstored, on the hypervisor of a simulated host.
    pub(crate) fn xenstored(&self, simulated: &Server) -> Result<Server> {
        let folder = self.path("xenstored");
        let socket = folder.join("socket");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let mut command = self.foreign("xenstored", simulated);
        command
            .args(["-N", "-F"])
            .arg(folder.join("pid"))
            .env("XENSTORED_RUNDIR", &folder)
            .env("XENSTORED_ROOTDIR", &folder)
            .env_remove("XENSTORED_PATH")
            .stderr(Stdio::null());
        let server = Server {
            process: spawn(&mut command)?,
            xenstore: socket.clone(),
            hypercalls: simulated.hypercalls.clone(),
        };
        self.wait("the socket of xenstored", || answers(&socket))?;
        Ok(server)
    }

    /// Waits until something is so.
    pub(crate) fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
        let begin = Instant::now();
        while !is_so() {
            if begin.elapsed() > PATIENCE {
                return Err(Error::Failed(format!("{what} did not come")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// A program of Xen that meets a server.
    pub(super) fn foreign(&self, program: &str, server: &Server) -> Command {
        let found = self.tools.programs.iter().map(|it| it.join(program));
        let found = found.into_iter().find(|path| path.exists());
        let mut command = Command::new("env");
        command
            .arg(assignment("LD_LIBRARY_PATH", &list(&self.tools.libraries)))
            .arg(assignment("LD_PRELOAD", self.front.as_os_str()))
            .arg(found.unwrap_or_else(|| program.into()))
            .env("XENSTORED_PATH", &server.xenstore)
            .env("VIRTXEN_HYPERCALLS", &server.hypercalls)
            .stdin(Stdio::null());
        command
    }

    /// What a program of Xen prints.
    pub(crate) fn ask(&self, server: &Server, words: &[&str]) -> Result<String> {
        let (program, arguments) = words.split_first().unwrap_or((&"", &[]));
        let inner = self.foreign(program, server);
        let mut command = Command::new("timeout");
        command
            .arg(LIMIT)
            .arg(inner.get_program())
            .args(inner.get_args())
            .args(arguments)
            .stdin(Stdio::null());
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        printed(&mut command, words)
    }

    /// virtxen on the host of a URI.
    pub(super) fn ours(&self, uri: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.virtxen);
        command
            .args(["--quiet", "--connect", uri])
            .args(words)
            .stdin(Stdio::null());
        command
    }

    /// What virtxen prints that is connected to a server's xenstored.
    pub(super) fn ours_on(&self, server: &Server, words: &[&str]) -> Result<String> {
        printed(&mut self.ours(&uri(server), words), words)
    }

    /// The JSON that virtxen prints for the host of a URI.
    pub(super) fn json(&self, uri: &str, words: &[&str]) -> Result<Value> {
        let text = printed(self.ours(uri, words).arg("--json"), words)?;
        serde_json::from_str(&text).map_err(|error| Error::Output {
            program: "virtxen",
            reason: format!("{error}: {text}"),
        })
    }
}

/// The URI of a server's xenstored.
pub(super) fn uri(server: &Server) -> String {
    format!("xen:///system?xenstore={}", server.xenstore.display())
}

fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// Two texts that have to be the same; the count of lines, or what differs.
pub(super) fn same(theirs: &str, ours: &str) -> Result<usize> {
    if theirs == ours {
        return Ok(ours.lines().count());
    }
    let equal = theirs.lines().zip(ours.lines());
    let equal = equal.take_while(|(theirs, ours)| theirs == ours).count();
    let rest = |text: &str| -> String {
        let lines = text.lines().skip(equal).take(SHOWN);
        lines.map(|line| format!("\n    {line}")).collect()
    };
    Err(Error::Failed(format!(
        "after {equal} lines\n  Xen:{}\n  virtxen:{}",
        rest(theirs),
        rest(ours)
    )))
}

fn spawn(command: &mut Command) -> Result<Child> {
    command.stdin(Stdio::null());
    command.spawn().map_err(|source| Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
        advice: "",
    })
}

/// What a program prints; all that it said if it failed.
pub(super) fn printed(command: &mut Command, words: &[&str]) -> Result<String> {
    let output = command.output().map_err(|source| Error::Start {
        program: words.join(" "),
        source,
        advice: "",
    })?;
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(Error::Failed(format!(
        "{} ended with {status}: {}{}",
        words.join(" "),
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr).trim_end()
    )))
}

fn list(folders: &[PathBuf]) -> OsString {
    std::env::join_paths(folders).unwrap_or_default()
}

fn assignment(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut text = OsString::from(name);
    text.push("=");
    text.push(value);
    text
}
