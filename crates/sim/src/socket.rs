//! UNIX sockets that appear when they can be connected to, and not before.
//!
//! Programs wait for the file and connect at once. What is said on a connection
//! is XenD's or xenstored's part.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// Rest after a failed accept (no more file descriptors).
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// A socket that listens; its file goes when it is dropped, unless another server
/// has put its own there.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    file: Option<u64>,
}

/// Listens at `path`. A socket file whose server is gone is replaced; any other
/// file there stays and is an error.
///
/// # Errors
/// When the socket cannot be made, above all when somebody serves it.
pub(crate) async fn listen(path: &Path) -> io::Result<Socket> {
    remove_abandoned(path).await?;
    let unseen = unseen(path);
    let listener = UnixListener::bind(&unseen)?;
    let linked = std::fs::hard_link(&unseen, path);
    let file = number(&unseen);
    std::fs::remove_file(&unseen)?;
    linked.map(|()| Socket {
        listener,
        path: path.to_owned(),
        file,
    })
}

impl Socket {
    /// The next client.
    pub(crate) async fn accept(&self) -> UnixStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(_) => tokio::time::sleep(ACCEPT_REST).await,
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.file.is_some() && number(&self.path) == self.file {
            // Who takes it away meanwhile does what is to be done.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The number that the file system gave to a file.
fn number(path: &Path) -> Option<u64> {
    Some(std::fs::symlink_metadata(path).ok()?.ino())
}

/// Where the socket is until it listens: beside its place.
fn unseen(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{}", std::process::id()));
    name.into()
}

async fn remove_abandoned(path: &Path) -> io::Result<()> {
    let in_use = |reason: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
    match std::fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            return in_use("there is a file that is no socket");
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    match UnixStream::connect(path).await {
        Ok(_) => in_use("somebody already serves this socket"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_abandoned_sockets_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = listen(&path).await.unwrap();
        assert!(UnixStream::connect(&path).await.is_ok());
        assert!(listen(&path).await.is_err());
        drop(listener);
        assert!(!path.exists());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        drop(listen(&path).await.unwrap());
        let replaced = listen(&path).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let other = listen(&path).await.unwrap();
        drop(replaced);
        assert!(path.exists());
        drop(other);
        let file = folder.path().join("notes");
        std::fs::write(&file, "kept").unwrap();
        assert!(listen(&file).await.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
