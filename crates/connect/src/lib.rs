//! From a URI to a host: the one place outside tests that names both the real host
//! and the simulated one.
//!
//! What is done with the host is the driver's, how its channels work `host`'s.
#![forbid(unsafe_code)]

pub mod simulated;
mod uri;
mod worker;

pub use uri::{Uri, VARIABLE};
pub use virtxen_host::Folders;
pub use worker::call_libxl;

use simulated::Folder;
use std::path::PathBuf;
use std::sync::Arc;
use virtxen_host::{Address, Deadlines, Host, Opening, Trace};

/// What to do where there is no Xen.
const NO_XEN: &str = "\nName the host with --connect or VIRTXEN_DEFAULT_URI: \
     xend+unix:///path, xend+tcp://host:port. To try virtxen without Xen: --connect sim:";

/// Result of opening a host.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a host was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URI is not one, or names what does not exist.
    #[error("{0}")]
    Usage(String),
    /// No host could be reached: what was looked for and what to do.
    #[error("{0}")]
    NoHost(String),
    /// A folder for the files of a simulated host could not be made.
    #[error("failed to make folder '{}': {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// A host that was reached. What it needs on the disk goes when this is dropped.
pub struct Opened {
    /// The host.
    pub host: Arc<dyn Host>,
    /// libvirt's folders that belong to it; `None` for a host on another machine.
    pub folders: Option<Folders>,
    _folder: Option<Folder>,
}

/// Opens the host of a URI. Each request of its channels is told to `trace`.
///
/// # Errors
/// When the host cannot be reached: what was looked for and what to do.
pub async fn open(uri: &Uri, trace: Option<Trace>) -> Result<Opened> {
    open_with(uri, None, trace).await
}

/// As [`open`], with other folders than the host's own: `/` on this machine, some that
/// go with a simulated host.
///
/// # Errors
/// As [`open`].
pub async fn open_with(
    uri: &Uri,
    folders: Option<Folders>,
    trace: Option<Trace>,
) -> Result<Opened> {
    let (address, xm_dir) = match uri {
        Uri::Sim(uri) => return simulated::open(uri, folders, trace).await,
        Uri::Xen { xm_dir } => (Address::Local, xm_dir.clone()),
        Uri::XenStore(path) => (Address::XenStore(path.clone()), None),
        Uri::XendUnix { socket, xm_dir } => (Address::XendUnix(socket.clone()), xm_dir.clone()),
        Uri::XendTcp { host, port } => {
            let (host, port) = (host.clone(), *port);
            (Address::XendTcp { host, port }, None)
        }
    };
    let folders = folders.or_else(|| uri.is_local().then(Folders::default));
    let opening = Opening {
        folders: folders.clone(),
        deadlines: Deadlines::default(),
        trace,
        xm_folder: xm_dir,
        libxl: worker::program(),
    };
    let host = virtxen_host::open_with(&address, opening)
        .await
        .map_err(|error| {
            let mut message = format!("Failed to connect to {uri}\n{error}");
            if matches!(uri, Uri::Xen { .. }) {
                message.push_str(NO_XEN);
            }
            Error::NoHost(message)
        })?;
    Ok(Opened {
        host: Arc::from(host),
        folders,
        _folder: None,
    })
}
