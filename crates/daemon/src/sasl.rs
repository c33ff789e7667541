//! The proof of one client by SASL: which step it is at.
//!
//! What is computed is `virtxen_sasl`'s, who may come is in `users`.

use crate::error::Result;
use crate::users::{self, Users};
use std::sync::Arc;
use virtxen_sasl::{Challenged, Error, MECHANISM, Opening};

/// Wrong proofs after which a client is not listened to any more.
const FAILURES: u32 = 5;

/// Where a client is with its proof.
#[derive(Debug)]
pub(crate) struct Proof {
    users: Arc<Users>,
    step: Step,
    failures: u32,
}

#[derive(Debug)]
enum Step {
    Nothing,
    Challenged(Challenged, String),
    Proved(String),
}

impl Proof {
    /// A client that has not said anything yet.
    pub(crate) fn new(users: Arc<Users>) -> Self {
        Self {
            users,
            step: Step::Nothing,
            failures: 0,
        }
    }

    /// Who the client is, when it has proved it.
    pub(crate) fn user(&self) -> Option<&str> {
        match &self.step {
            Step::Proved(user) => Some(user),
            Step::Nothing | Step::Challenged(..) => None,
        }
    }

    /// The first step: the mechanism that the client chose, and what it says. A
    /// client may start again after a proof that was wrong.
    ///
    /// # Errors
    /// When it is none, or the users cannot be read.
    pub(crate) fn start(&mut self, mechanism: &str, message: &[u8]) -> Result<Vec<u8>> {
        self.step = Step::Nothing;
        if self.failures >= FAILURES {
            return Err(Error::Unsupported("to try it so often").into());
        }
        // What does not come to a proof counts as well.
        self.failures = self.failures.saturating_add(1);
        if mechanism != MECHANISM {
            return Err(Error::Unsupported("a mechanism that was not offered").into());
        }
        let opening = Opening::parse(message)?;
        let user = opening.user().to_owned();
        let kept = self.users.verifier(&user)?;
        let (challenged, challenge) = opening.challenge(&kept, &users::nonce()?)?;
        self.step = Step::Challenged(challenged, user);
        Ok(challenge)
    }

    /// The second step, which ends the proof.
    ///
    /// # Errors
    /// When it is wrong, or there was no first step.
    pub(crate) fn finish(&mut self, message: &[u8]) -> Result<Vec<u8>> {
        let step = std::mem::replace(&mut self.step, Step::Nothing);
        let Step::Challenged(challenged, user) = step else {
            return Err(Error::Message("there was no first step").into());
        };
        let signature = challenged.check(message)?;
        self.step = Step::Proved(user);
        Ok(signature)
    }
}
