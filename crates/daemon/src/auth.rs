//! How clients prove who they are: the methods, and the proof of one client.
//!
//! The procedures through which a client gives it are in `serve`. Who it is besides
//! is said by its socket: a `peer`.

use crate::access::{Polkit, Process, Verdict};
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

/// polkit's actions for those who may do all and those who only read.
const MANAGE: &str = "org.libvirt.unix.manage";
const MONITOR: &str = "org.libvirt.unix.monitor";

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
                let (who, error) = (self.peer.to_string(), error.to_string());
                tracing::warn!(parent: &crate::calls::span(), who, error, "a proof is wrong");
                tokio::time::sleep(PENALTY).await;
                Err(failed("no user has this name and password"))
            }
        }
    }

    /// Whether the client is root, about whom polkit is not asked.
    pub(crate) const fn is_root(&self) -> bool {
        matches!(self.peer, Peer::Unix { uid: 0, .. })
    }

    /// The process that polkit can be asked about.
    ///
    /// # Errors
    /// When the client is none, or is not to be seen from here.
    pub(crate) fn process(&self) -> Result<Process, String> {
        match self.peer {
            Peer::Unix {
                pid: Some(pid),
                start: Some(start),
                uid,
                ..
            } => Ok(Process { pid, start, uid }),
            _ => Err(format!(
                "polkit cannot be asked about {}, whose process is not to be seen",
                self.peer
            )),
        }
    }

    /// Asks polkit about the client, and polkit perhaps the user.
    ///
    /// # Errors
    /// When it does not allow it, or cannot be asked. Clients test for the codes: they
    /// start a program that can ask the user, and try again.
    pub(crate) async fn polkit(&self, polkit: &Polkit, read_only: bool) -> Result<(), RemoteError> {
        self.expect(Method::Polkit)?;
        let action = if read_only { MONITOR } else { MANAGE };
        let unavailable = |origin, why: &str| {
            let message = format!("authentication unavailable: {why}");
            RemoteError::new(code::AUTH_UNAVAILABLE, origin, message)
        };
        let process = self
            .process()
            .map_err(|why| unavailable(origin::AUTH, &why))?;
        let verdict = polkit.check(process, action, &[], true).await;
        match verdict.map_err(|why| unavailable(origin::AUTH, &why))? {
            Verdict::Allowed => {
                self.done.store(true, Ordering::Release);
                Ok(())
            }
            Verdict::Denied => {
                let message = format!("authentication failed: access denied by policy ({action})");
                Err(RemoteError::new(code::AUTH_FAILED, origin::POLKIT, message))
            }
            Verdict::Dismissed => {
                let message = "authentication cancelled: user cancelled authentication process";
                Err(RemoteError::new(
                    code::AUTH_CANCELLED,
                    origin::POLKIT,
                    message,
                ))
            }
            Verdict::NoAgent => {
                let why = format!("no polkit agent available to authenticate action '{action}'");
                Err(unavailable(origin::POLKIT, &why))
            }
        }
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
