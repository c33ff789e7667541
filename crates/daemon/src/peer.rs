//! Who is at the other end of a socket, as far as the socket knows.
//!
//! What it has proved besides is in `auth`.

use std::fmt;
use std::net::SocketAddr;
use tokio::net::UnixStream;

/// The other end of a client's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A process on this machine, when it connected.
    Unix {
        /// Its number; none when it is not to be seen from here.
        pid: Option<i32>,
        /// When that started, in the kernel's ticks: numbers are used again.
        start: Option<u64>,
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
    },
    /// A machine, perhaps this one.
    Net {
        /// Where it is.
        address: SocketAddr,
        /// The name in its certificate, if it had to have one.
        name: Option<String>,
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
            start: credentials.pid().and_then(started),
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
            Self::Net {
                address,
                name: Some(name),
            } => write!(formatter, "{name} at {address}"),
            Self::Net { address, .. } => write!(formatter, "a client at {address}"),
        }
    }
}

/// When a process started.
fn started(pid: i32) -> Option<u64> {
    start_time(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The 22nd field of `/proc/…/stat`. The second, the program's name, may have spaces
/// and brackets in it.
fn start_time(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 0 0";
        assert_eq!(start_time(stat), Some(4711));
        assert_eq!(start_time("7 (short) S 1"), None);
    }
}
