//! The proof of a user by SASL: the calls in which the two messages of SCRAM-SHA-256 and
//! their answers travel. What they say is `virtxen_sasl`'s.

use crate::credentials::{Credentials, Known};
use crate::{Client, Error, Result, Uri};
use rustls::crypto::ring;
use std::time::Duration;
use virtxen_rpc::calls::{
    AuthSaslInit, AuthSaslStart, AuthSaslStep, SaslReply, SaslStart, SaslStep,
};
use virtxen_rpc::xdr::ByteChars;
use virtxen_rpc::{RemoteError, code, origin};
use virtxen_sasl::MECHANISM;

/// Bytes of a nonce.
const NONCE: usize = 18;

/// Proves to the daemon who the user is, and sees that the daemon knows the user.
///
/// # Errors
/// When it has another mechanism only, when nobody has the name and the password, when
/// they are wrong, or the daemon does not know them.
pub(crate) async fn prove(
    uri: &Uri,
    client: &Client,
    credentials: &Credentials,
    limit: Duration,
) -> Result<()> {
    let offered = client.call::<AuthSaslInit>((), limit).await?;
    if !offered.split([' ', ',']).any(|name| name == MECHANISM) {
        return Err(failed(
            uri,
            &format!("it offers {offered}, virtxen's client has {MECHANISM}"),
        ));
    }
    let known = credentials.find(uri).await?;
    let wrong = |error: virtxen_sasl::Error| failed(uri, &error.to_string());
    let (mine, opening) =
        virtxen_sasl::Client::new(&known.user, &known.password, &nonce(uri)?).map_err(wrong)?;
    let start = SaslStart {
        mech: MECHANISM.to_owned(),
        nil: 0,
        data: ByteChars(opening),
    };
    let challenge = refused(
        uri,
        &known,
        client.call::<AuthSaslStart>(start, limit).await,
    )?;
    let (mine, proof) = mine.answer(&challenge.data.0).map_err(wrong)?;
    let step = SaslStep {
        nil: 0,
        data: ByteChars(proof),
    };
    let signed = refused(uri, &known, client.call::<AuthSaslStep>(step, limit).await)?;
    mine.check(&signed.data.0).map_err(wrong)?;
    if signed.complete == 0 {
        // Other daemons say that it is done when they are told that it is.
        let step = SaslStep {
            nil: 1,
            data: ByteChars(Vec::new()),
        };
        let done = refused(uri, &known, client.call::<AuthSaslStep>(step, limit).await)?;
        if done.complete == 0 {
            return Err(failed(uri, "it wants to know more than a password"));
        }
    }
    credentials.keep(known);
    Ok(())
}

/// Says whose proof was refused.
fn refused(uri: &Uri, known: &Known, answer: Result<SaslReply>) -> Result<SaslReply> {
    answer.map_err(|error| match error {
        Error::Daemon(error) if error.code == code::AUTH_FAILED => {
            failed(uri, &format!("user '{}': {}", known.user, error.text()))
        }
        error => error,
    })
}

fn nonce(uri: &Uri) -> Result<String> {
    let mut bytes = [0; NONCE];
    let filled = ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| failed(uri, "the kernel has no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn failed(uri: &Uri, reason: &str) -> Error {
    let message = format!("authentication failed: {}: {reason}", uri.place());
    RemoteError::new(code::AUTH_FAILED, origin::RPC, message).into()
}
