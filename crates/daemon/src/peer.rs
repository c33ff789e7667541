//! Who is at the other end of a socket, as far as the socket knows.
//!
//! What it has proved besides is in `auth`.

use std::fmt;
use tokio::net::UnixStream;

/// The other end of a client's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A process on this machine, when it connected.
    Unix {
        /// Its number; none when it is not to be seen from here.
        pid: Option<i32>,
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
    },
}

impl Peer {
    /// The process at the other end.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub(crate) fn unix(stream: &UnixStream) -> std::io::Result<Self> {
        let credentials = stream.peer_cred()?;
        Ok(Self::Unix {
            pid: credentials.pid(),
            uid: credentials.uid(),
            gid: credentials.gid(),
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix {
                pid: Some(pid),
                uid,
                ..
            } => write!(formatter, "process {pid} of user {uid}"),
            Self::Unix { uid, .. } => write!(formatter, "a process of user {uid}"),
        }
    }
}
