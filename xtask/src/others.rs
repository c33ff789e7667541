//! A libvirtd with the drivers for networks, storage, devices, secrets, interfaces and
//! filters, in the place of libvirt's daemons for those: what a host has beside virtxend.
//!
//! It has folders of the system and a network of its own, and needs root for that. What
//! clients do with it is elsewhere.

use crate::{Error, Result};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for its socket.
const PATIENCE: Duration = Duration::from_secs(20);

const SCHEMES: [&str; 6] = [
    "network",
    "storage",
    "nodedev",
    "secret",
    "interface",
    "nwfilter",
];

/// Folders over which it gets empty ones.
const FOLDERS: &str = "/run /var/lib/libvirt /etc/libvirt /var/cache/libvirt /var/log/libvirt";

/// libvirtd; it ends with the value, and so do its folders.
pub(crate) struct Others {
    process: Child,
    folder: PathBuf,
}

impl Others {
    /// Starts it with its sockets in a folder that it makes.
    ///
    /// # Errors
    /// When it is not installed, or does not listen.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let drivers = drivers()?;
        for scheme in SCHEMES {
            let name = format!("libvirt_driver_{scheme}.so");
            link(&drivers.join(&name), &folder.join(&name))?;
            for suffix in ["", "-ro"] {
                let socket = format!("libvirt-sock{suffix}");
                let name = format!("virt{scheme}d-sock{suffix}");
                link(Path::new(&socket), &folder.join(name))?;
            }
        }
        let conf = folder.join("conf");
        let text = format!(
            "auth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\n\
             unix_sock_group = \"root\"\nunix_sock_dir = \"{}\"\n",
            folder.display()
        );
        std::fs::write(&conf, text).map_err(Error::file(&conf))?;
        let script = format!(
            "for f in {FOLDERS}; do mkdir -p $f; mount -t tmpfs none $f; done; \
             exec libvirtd -f \"$0\""
        );
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--net", "sh", "-ec", &script])
            .arg(&conf)
            .env("LIBVIRT_DRIVER_DIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().map_err(|source| Error::Start {
            program: "unshare".to_owned(),
            source,
            advice: "; it is in Debian's util-linux",
        })?;
        let mut others = Self {
            process,
            folder: folder.to_owned(),
        };
        others.wait()?;
        Ok(others)
    }

    fn wait(&mut self) -> Result<()> {
        let begin = Instant::now();
        let socket = self.folder.join("libvirt-sock-ro");
        while UnixStream::connect(&socket).is_err() {
            let ended = matches!(self.process.try_wait(), Ok(Some(_)));
            if ended || begin.elapsed() > PATIENCE {
                let reason = "libvirtd for networks and storage does not listen; it needs root";
                return Err(Error::Failed(reason.to_owned()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Makes a network that is there until this ends.
    ///
    /// # Errors
    /// When libvirtd or virsh says no.
    pub(crate) fn create_network(&self, document: &str) -> Result<()> {
        let file = self.folder.join("network.xml");
        std::fs::write(&file, document).map_err(Error::file(&file))?;
        let socket = self.folder.join("libvirt-sock");
        let mut virsh = Command::new("virsh");
        virsh
            .arg("-c")
            .arg(format!(
                "network+unix:///system?socket={}",
                socket.display()
            ))
            .args(["--quiet", "net-create"])
            .arg(&file)
            .stdout(Stdio::null());
        crate::workspace::run(&mut virsh, "; it is in Debian's libvirt-clients")
    }

    /// Where its sockets are: virtxend's `--others`.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        // It has ended by itself when this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn link(to: &Path, at: &Path) -> Result<()> {
    std::os::unix::fs::symlink(to, at).map_err(Error::file(at))
}

fn drivers() -> Result<PathBuf> {
    let folders = [
        format!("/usr/lib/{}-linux-gnu/libvirt", std::env::consts::ARCH),
        "/usr/lib64/libvirt".to_owned(),
    ];
    let mut folders = folders
        .iter()
        .map(|it| Path::new(it).join("connection-driver"));
    folders
        .find(|folder| folder.join("libvirt_driver_storage.so").exists())
        .ok_or_else(|| {
            let reason = "libvirtd is not installed (Debian: libvirt-daemon)";
            Error::Failed(reason.to_owned())
        })
}
