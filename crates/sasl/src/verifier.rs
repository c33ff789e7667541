//! What a server keeps of a password: enough to check a proof, not enough to make
//! one.
//!
//! Where it is kept is the server's business.

use crate::message::{decode, decode_key, encode};
use crate::{Error, Key, MECHANISM, hash, hmac};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// Rounds beyond which clients take a server for an attack.
const ITERATIONS_MAX: u32 = 65_536;

/// What is kept of a password. Its text is the form of RFC 5803.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: NonZeroU32,
    pub(crate) stored_key: Key,
    pub(crate) server_key: Key,
}

impl Verifier {
    /// Makes it from a password, random bytes and how many rounds of PBKDF2 a client
    /// has to compute; those of RFC 7677 are at least 4,096, and beyond 65,536 clients
    /// refuse.
    #[must_use]
    pub fn new(password: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let salted = salted(password, salt, iterations);
        Self {
            salt: salt.to_vec(),
            iterations,
            stored_key: hash(&hmac(&salted, CLIENT_KEY)),
            server_key: hmac(&salted, SERVER_KEY),
        }
    }

    /// One that no password fits, for names that nobody has: it looks to a client as
    /// that of a user does, and always the same for the same name and secret.
    #[must_use]
    pub fn nobody(name: &str, secret: &[u8], salt: usize, iterations: NonZeroU32) -> Self {
        let mut bytes = hmac(secret, name.as_bytes()).to_vec();
        bytes.truncate(salt);
        let keys = hmac(secret, &bytes);
        Self {
            salt: bytes,
            iterations,
            stored_key: keys,
            server_key: hash(&keys),
        }
    }
}

pub(crate) const CLIENT_KEY: &[u8] = b"Client Key";
pub(crate) const SERVER_KEY: &[u8] = b"Server Key";

/// The password after all rounds.
pub(crate) fn salted(password: &str, salt: &[u8], iterations: NonZeroU32) -> Key {
    let mut salted = Key::default();
    let algorithm = ring::pbkdf2::PBKDF2_HMAC_SHA256;
    ring::pbkdf2::derive(
        algorithm,
        iterations,
        salt,
        password.as_bytes(),
        &mut salted,
    );
    salted
}

/// A number of rounds that is neither none nor an attack.
pub(crate) fn iterations(text: &str) -> Option<NonZeroU32> {
    let iterations: NonZeroU32 = text.parse().ok()?;
    (iterations.get() <= ITERATIONS_MAX).then_some(iterations)
}

impl fmt::Display for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored, server] =
            [&self.salt[..], &self.stored_key, &self.server_key].map(encode);
        let iterations = self.iterations;
        write!(
            formatter,
            "{MECHANISM}${iterations}:{salt}${stored}:{server}"
        )
    }
}

/// The keys are not shown by chance.
impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl FromStr for Verifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = (|| {
            let rest = text.strip_prefix(MECHANISM)?.strip_prefix('$')?;
            let (cost, keys) = rest.split_once('$')?;
            let (rounds, salt) = cost.split_once(':')?;
            let (stored, server) = keys.split_once(':')?;
            Some(Self {
                salt: decode(salt).ok().filter(|salt| !salt.is_empty())?,
                iterations: iterations(rounds)?,
                stored_key: decode_key(stored).ok()?,
                server_key: decode_key(server).ok()?,
            })
        })();
        parsed.ok_or(Error::Verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let rounds = NonZeroU32::new(4096).unwrap();
        let kept = Verifier::new("pencil", b"salt", rounds);
        assert_eq!(kept.to_string().parse(), Ok(kept.clone()));
        assert_ne!(Verifier::new("pencils", b"salt", rounds), kept);
        let nobody = |name| Verifier::nobody(name, b"secret", 16, rounds);
        assert_eq!(nobody("eve"), nobody("eve"));
        assert_ne!(nobody("eve").salt, nobody("mallory").salt);
        assert_eq!(nobody("eve").salt.len(), 16);
    }

    #[test]
    fn anything_else_is_refused() {
        let good = Verifier::new("x", b"salt", NonZeroU32::MIN).to_string();
        for (from, to) in [
            ("SHA-256", "SHA-1"),
            ("$1:", "$0:"),
            ("$1:", "$65537:"),
            ("$1:c2FsdA==", "$1:"),
            ("=", ""),
        ] {
            let wrong = good.replacen(from, to, 1);
            assert_ne!(wrong, good);
            assert_eq!(wrong.parse::<Verifier>(), Err(Error::Verifier), "{wrong}");
        }
    }
}
