//! How clients prove who they are: the methods, and the proof of one client.
//!
//! The procedures through which a client gives it are in `serve`. Who it is besides
//! is said by its socket: a `peer`.

use crate::peer::Peer;
use std::sync::atomic::{AtomicBool, Ordering};
use virtxen_rpc::RemoteError;
use virtxen_rpc::server::Auth;
use virtxen_rpc::{code, origin};

/// What has to be proved on a socket: the values of `auth_unix_rw` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Nothing: who may connect may go on.
    None,
    /// That it is allowed by polkit.
    Polkit,
}

impl Method {
    /// Reads a method's name.
    ///
    /// # Errors
    /// Says which names there are.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name {
            "none" => Ok(Self::None),
            "polkit" => Ok(Self::Polkit),
            other => Err(format!(
                "virtxend does not know '{other}' yet, only \"none\" and \"polkit\""
            )),
        }
    }
}

/// The proof that one client gives.
#[derive(Debug)]
pub(crate) struct Login {
    method: Method,
    peer: Peer,
    done: AtomicBool,
}

impl Login {
    /// A client that has just come through a socket with this method.
    pub(crate) fn new(method: Method, peer: Peer) -> Self {
        // libvirt's daemons ask polkit nothing about root.
        let method = match (method, &peer) {
            (Method::Polkit, Peer::Unix { uid: 0, .. }) => Method::None,
            _ => method,
        };
        Self {
            done: AtomicBool::new(method == Method::None),
            method,
            peer,
        }
    }

    /// What the client is told to prove.
    pub(crate) const fn asks(&self) -> Auth {
        match self.method {
            Method::None => Auth::None,
            Method::Polkit => Auth::Polkit,
        }
    }

    /// Who the client is by its socket.
    pub(crate) const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether nothing is left to prove.
    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Asks polkit about the client.
    ///
    /// # Errors
    /// When it does not allow it, or cannot be asked.
    pub(crate) async fn polkit(&self) -> Result<(), RemoteError> {
        self.expect(Method::Polkit)?;
        let message = format!("polkit cannot be asked about {} yet", self.peer());
        Err(failed(&message))
    }

    /// A client may only try what its socket asks for, and once.
    fn expect(&self, method: Method) -> Result<(), RemoteError> {
        if self.method != method || self.is_done() {
            return Err(failed("this proof was not asked for"));
        }
        Ok(())
    }
}

/// The error of a client that has not proved who it is.
fn failed(message: &str) -> RemoteError {
    let message = format!("authentication failed: {message}");
    RemoteError::new(code::AUTH_FAILED, origin::RPC, message)
}
