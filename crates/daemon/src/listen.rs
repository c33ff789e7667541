//! The sockets of the daemon: made with their modes, accepted from, taken away at
//! the end. What a client may do is said in its settings.

use crate::auth::Method;
use crate::error::{Error, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// What the clients of a socket get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Whether they only read.
    pub(crate) read_only: bool,
    /// What they have to prove.
    pub(crate) auth: Method,
}

/// A socket that clients connect to; its file goes with it.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// What its clients get.
    pub(crate) service: Service,
}

impl Socket {
    /// Listens on `path`. A file of a daemon that is gone is replaced, one of a daemon
    /// that answers is not.
    ///
    /// # Errors
    /// Names the path and what is in the way.
    pub(crate) fn bind(
        path: &Path,
        mode: u32,
        group: Option<u32>,
        service: Service,
    ) -> Result<Self> {
        let failed = |cause| Error::Listen {
            path: path.to_owned(),
            cause,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(failed(std::io::ErrorKind::AddrInUse.into()));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::os::unix::fs::chown(path, None, group).map_err(failed)?;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            service,
        })
    }

    /// The next client.
    ///
    /// # Errors
    /// When the kernel has no room for it.
    pub(crate) async fn accept(&self) -> std::io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

/// The number of a group in `/etc/group`.
///
/// # Errors
/// When the file cannot be read or does not have it.
pub(crate) fn group(name: &str) -> Result<u32> {
    const GROUPS: &str = "/etc/group";
    let missing = |why: String| Error::Usage(format!("group '{name}' of the sockets: {why}"));
    let groups = std::fs::read_to_string(GROUPS).map_err(|error| missing(error.to_string()))?;
    let id = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        fields.nth(1).filter(|_| found)?.parse().ok()
    });
    id.ok_or_else(|| missing(format!("it is not in {GROUPS}")))
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Gone already, or not ours to take away any more.
        let _ = std::fs::remove_file(&self.path);
    }
}
