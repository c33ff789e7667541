//! What can go wrong in a proof.

/// Result of a step.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a proof is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A message is not one of SCRAM.
    #[error("SCRAM: {0}")]
    Message(&'static str),
    /// The client wants something that is not here.
    #[error("SCRAM: {0} is not supported")]
    Unsupported(&'static str),
    /// The password is not that of the user, or there is no such user.
    #[error("wrong name or password")]
    WrongPassword,
    /// The server does not know the password either.
    #[error("the server did not prove that it knows the password")]
    WrongServer,
    /// The server says no.
    #[error("the server says: {0}")]
    Refused(String),
    /// What is kept of a password is not understood.
    #[error(
        "a verifier is SCRAM-SHA-256$ITERATIONS:SALT$STORED-KEY:SERVER-KEY, the last three in base64"
    )]
    Verifier,
}
