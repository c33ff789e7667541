//! `cargo xtask clients`: programs that know nothing of virtxen drive virtxend on a
//! simulated host as they drive libvirt's daemon.
//!
//! What each is asked to do, and what has to come of it, is a script of `xtask/clients`.

use crate::others::Others;
use crate::virtxend::{Virtxend, build, built};
use crate::{Error, Result};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A client and how it is looked at.
struct Client {
    /// Its name, and that of its script.
    name: &'static str,
    /// The program without which there is nothing to do.
    program: &'static str,
    /// Debian's packages of all that the script runs.
    packages: &'static [&'static str],
    /// The simulated host.
    host: &'static str,
}

/// Longest that a script may take, in seconds.
const LIMIT: &str = "240";

const CLIENTS: &[Client] = &[
    Client {
        name: "virt-install",
        program: "virt-install",
        packages: &["virtinst", "libvirt-daemon", "libvirt-clients"],
        host: "sim:?guests=1",
    },
    Client {
        name: "virt-install-pvh",
        program: "virt-install",
        packages: &["virtinst", "libvirt-clients"],
        host: "sim:?release=4.17&guests=1",
    },
    Client {
        name: "libvirt-dbus",
        program: "libvirt-dbus",
        packages: &[
            "libvirt-dbus",
            "dbus",
            "python3-dbus",
            "python3-gi",
            "python3-pytest",
        ],
        host: "sim:?guests=3",
    },
    Client {
        name: "exporter",
        program: "prometheus-libvirt-exporter",
        packages: &["prometheus-libvirt-exporter"],
        host: "sim:?guests=6",
    },
    Client {
        name: "collectd",
        program: "collectd",
        packages: &["collectd-core"],
        host: "sim:?guests=2",
    },
    Client {
        name: "ansible",
        program: "ansible-playbook",
        packages: &["ansible-core", "python3-libvirt"],
        host: "sim:?guests=2",
    },
    Client {
        name: "virt-manager",
        program: "virt-manager",
        packages: &["virt-manager", "dbus", "xvfb", "xdotool"],
        host: "sim:?guests=4",
    },
];

/// Prints the packages of Debian that the clients need.
pub fn packages() {
    let mut names: Vec<&str> = CLIENTS.iter().flat_map(|it| it.packages).copied().collect();
    names.sort_unstable();
    names.dedup();
    println!("{}", names.join(" "));
}

/// Runs the clients whose name has `only` in it. One that is not installed is skipped
/// and said, or an error with `all`.
///
/// # Errors
/// When a client does not find what it should.
pub fn clients(root: &Path, only: Option<&str>, all: bool) -> Result<()> {
    build(root, false)?;
    let keep = root.join("target/clients");
    std::fs::create_dir_all(&keep).map_err(Error::file(&keep))?;
    let mut failed = 0;
    let chosen = |client: &&Client| only.is_none_or(|only| client.name.contains(only));
    for client in CLIENTS.iter().filter(chosen) {
        let (name, begin) = (client.name, Instant::now());
        if !is_installed(client.program) {
            let word = if all { "MISSING" } else { "skipped" };
            failed += usize::from(all);
            println!(
                "{word}  {name}: Debian has it in {}",
                client.packages.join(" ")
            );
            continue;
        }
        let seconds = |begin: Instant| begin.elapsed().as_secs_f32();
        match play(root, &keep, client) {
            Ok(note) => println!("works    {name}: {note} ({:.1} s)", seconds(begin)),
            Err(error) => {
                failed += 1;
                println!("FAILS    {name}: {error}");
            }
        }
    }
    match failed {
        0 => Ok(()),
        count => Err(Error::Failed(format!("{count} clients failed"))),
    }
}

/// Runs a client's script; its last line.
fn play(root: &Path, keep: &Path, client: &Client) -> Result<String> {
    let folder = std::env::temp_dir().join(format!("virtxen-others-{}", std::process::id()));
    let others = match client.packages.contains(&"libvirt-daemon") {
        true => Some(Others::start(&folder)?),
        false => None,
    };
    let program = built(root, false, "virtxend");
    let beside = others.as_ref().map(Others::folder);
    let daemon = Virtxend::start(&program, client.host, beside)?;
    let script = root
        .join("xtask/clients")
        .join(format!("{}.py", client.name));
    // With a group of its own, so that what it leaves behind ends with it.
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=5", LIMIT, "/usr/bin/python3"])
        .arg(script)
        .current_dir(root)
        .env("VIRTXEN_URI", daemon.uri())
        .env("VIRTXEN_SOCKET", daemon.socket())
        .env("VIRTXEN_WORK", daemon.folder())
        .env("VIRTXEN_KEEP", keep)
        .env("VIRTXEN_DAEMON", &program)
        .env("HOME", daemon.folder())
        .env("PATH", programs())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null());
    let output = command.output().map_err(|source| Error::Start {
        program: "timeout".to_owned(),
        source,
        advice: "",
    })?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(said.lines().last().unwrap_or_default().to_owned());
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    let log = daemon.log();
    let status = output.status;
    Err(Error::Failed(format!("{status}\n{said}{complaints}{log}")))
}

fn is_installed(program: &str) -> bool {
    std::env::split_paths(&programs()).any(|folder| folder.join(program).exists())
}

/// Where programs are: also where Debian puts daemons.
fn programs() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    std::env::join_paths(folders).unwrap_or(path)
}
