//! How clients prove who they are: the methods, and the proof of one client.
//!
//! The procedures through which a client gives it are in `serve`. Who it is besides
//! is said by its socket: a `peer`.

use crate::error::{self, Error};
use crate::peer::Peer;
use crate::sasl::Proof;
use crate::users::Users;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use virtxen_rpc::RemoteError;
use virtxen_rpc::server::Auth;
use virtxen_rpc::{code, origin};
use virtxen_sasl::MECHANISM;

/// How long a client waits after a proof that was wrong.
const PENALTY: Duration = Duration::from_secs(1);

/// What has to be proved on a socket: the values of `auth_unix_rw` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Nothing: who may connect may go on.
    None,
    /// That it knows a user's password.
    Sasl,
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
            "sasl" => Ok(Self::Sasl),
            "polkit" => Ok(Self::Polkit),
            other => Err(format!(
                "virtxend does not know '{other}', only \"none\", \"sasl\" and \"polkit\""
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
    /// What it says of a user, if it is asked.
    proof: Mutex<Option<Proof>>,
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
            proof: Mutex::new(None),
        }
    }

    /// With those who may come with a password.
    pub(crate) fn with_users(self, users: &Arc<Users>) -> Self {
        let proof = (self.method == Method::Sasl).then(|| Proof::new(Arc::clone(users)));
        Self {
            proof: Mutex::new(proof),
            ..self
        }
    }

    /// What the client is told to prove.
    pub(crate) const fn asks(&self) -> Auth {
        match self.method {
            Method::None => Auth::None,
            Method::Sasl => Auth::Sasl,
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

    /// Which user the client has proved to be.
    pub(crate) fn user(&self) -> Option<String> {
        let proof = self.proof.lock().unwrap_or_else(PoisonError::into_inner);
        proof.as_ref().and_then(Proof::user).map(str::to_owned)
    }

    /// The mechanisms of SASL that there are.
    ///
    /// # Errors
    /// When the client was not asked for it.
    pub(crate) fn mechanisms(&self) -> Result<String, RemoteError> {
        self.expect(Method::Sasl)?;
        Ok(MECHANISM.to_owned())
    }

    /// A step of SASL: what the client is answered.
    ///
    /// # Errors
    /// When the client does not prove who it is; it is told late, so that it cannot try
    /// many passwords.
    pub(crate) async fn sasl(
        &self,
        step: impl FnOnce(&mut Proof) -> error::Result<Vec<u8>>,
    ) -> Result<Vec<u8>, RemoteError> {
        self.expect(Method::Sasl)?;
        let answer = {
            let mut proof = self.proof.lock().unwrap_or_else(PoisonError::into_inner);
            let missing = || Error::Usage("there are no users".to_owned());
            let proof = proof.as_mut().ok_or_else(missing);
            proof.and_then(|proof| {
                let answer = step(proof)?;
                self.done.store(proof.user().is_some(), Ordering::Release);
                Ok(answer)
            })
        };
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                eprintln!("virtxend: {}: {error}", self.peer);
                tokio::time::sleep(PENALTY).await;
                Err(failed("no user has this name and password"))
            }
        }
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
