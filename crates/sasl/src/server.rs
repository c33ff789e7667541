//! The server's side: a client's opening, a challenge, its proof.
//!
//! What is kept of a password is a `Verifier`.

use crate::message::{attribute, decode, decode_key, decode_name, encode, is_nonce, text};
use crate::{Error, Key, Result, Verifier, hash, hmac, xor};
use subtle::ConstantTimeEq;

/// What a client says first.
#[derive(Debug)]
pub struct Opening {
    user: String,
    /// What is said about the channel; the proof repeats it.
    header: String,
    /// The rest, which is signed.
    bare: String,
    nonce: String,
}

/// A server that waits for the proof.
#[derive(Debug)]
pub struct Challenged {
    header: String,
    nonce: String,
    /// Both messages so far.
    said: String,
    stored_key: Key,
    server_key: Key,
}

impl Opening {
    /// Reads a client's first message.
    ///
    /// # Errors
    /// When it is none, or wants to bind to the channel or to act as somebody else.
    pub fn parse(message: &[u8]) -> Result<Self> {
        let message = text(message)?;
        let binding = message
            .split_once(',')
            .ok_or(Error::Message("there is no header"))?;
        let (authority, bare) = match binding {
            ("n" | "y", rest) => rest
                .split_once(',')
                .ok_or(Error::Message("there is no header"))?,
            _ => return Err(Error::Unsupported("binding to the channel")),
        };
        let (name, rest) = attribute(bare, "n")?;
        let (nonce, _) = attribute(rest, "r")?;
        if !is_nonce(nonce) {
            return Err(Error::Message("the nonce is not printable"));
        }
        let user = decode_name(name)?;
        if !authority.is_empty() && decode_name(attribute(authority, "a")?.0)? != user {
            return Err(Error::Unsupported("acting as somebody else"));
        }
        let header = message.strip_suffix(bare).unwrap_or_default();
        Ok(Self {
            user,
            header: header.to_owned(),
            bare: bare.to_owned(),
            nonce: nonce.to_owned(),
        })
    }

    /// Who the client says that it is.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What the client is asked: its name and password have to fit what is kept. The
    /// nonce is new for each proof, random and printable without commas.
    ///
    /// # Errors
    /// When the nonce is not like that.
    pub fn challenge(self, kept: &Verifier, nonce: &str) -> Result<(Challenged, Vec<u8>)> {
        if !is_nonce(nonce) {
            return Err(Error::Message("the nonce is not printable"));
        }
        let nonce = format!("{}{nonce}", self.nonce);
        let challenge = format!("r={nonce},s={},i={}", encode(&kept.salt), kept.iterations);
        let challenged = Challenged {
            header: self.header,
            nonce,
            said: format!("{},{challenge}", self.bare),
            stored_key: kept.stored_key,
            server_key: kept.server_key,
        };
        Ok((challenged, challenge.into_bytes()))
    }
}

impl Challenged {
    /// Checks the proof, and signs in return: the client sees that the server knows
    /// something of the password.
    ///
    /// # Errors
    /// When the proof is wrong.
    pub fn check(self, message: &[u8]) -> Result<Vec<u8>> {
        let message = text(message)?;
        let (bare, proof) = message
            .rsplit_once(",p=")
            .ok_or(Error::Message("there is no proof"))?;
        let (header, rest) = attribute(bare, "c")?;
        let (nonce, _) = attribute(rest, "r")?;
        if decode(header)? != self.header.as_bytes() || nonce != self.nonce {
            return Err(Error::Message("the proof is for another conversation"));
        }
        let said = format!("{},{bare}", self.said);
        let key = xor(
            &decode_key(proof)?,
            &hmac(&self.stored_key, said.as_bytes()),
        );
        if !bool::from(hash(&key).ct_eq(&self.stored_key)) {
            return Err(Error::WrongPassword);
        }
        let signature = hmac(&self.server_key, said.as_bytes());
        Ok(format!("v={}", encode(&signature)).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    /// The example of RFC 7677.
    fn example() -> (Opening, Verifier) {
        let opening = Opening::parse(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
        let salt = decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let rounds = NonZeroU32::new(4096).unwrap();
        (opening, Verifier::new("pencil", &salt, rounds))
    }

    const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const PROOF: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    #[test]
    fn the_example_of_the_standard_is_followed() {
        let (opening, kept) = example();
        assert_eq!(opening.user(), "user");
        let (server, challenge) = opening.challenge(&kept, NONCE).unwrap();
        assert_eq!(
            challenge,
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
              s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let signature = server.check(PROOF.as_bytes()).unwrap();
        assert_eq!(signature, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_proof_that_is_changed_anywhere_is_refused() {
        for place in 0..PROOF.len() {
            let (opening, kept) = example();
            let (server, _) = opening.challenge(&kept, NONCE).unwrap();
            let mut proof = PROOF.as_bytes().to_vec();
            proof[place] ^= 1;
            assert!(server.check(&proof).is_err(), "at {place}");
        }
        let (opening, kept) = example();
        let (server, _) = opening.challenge(&kept, "other").unwrap();
        assert!(server.check(PROOF.as_bytes()).is_err());
    }

    #[test]
    fn openings_that_are_none_are_refused() {
        for (message, fine) in [
            ("n,,n=ann,r=x", true),
            ("y,a=ann,n=ann,r=x,future=1", true),
            ("n,a=root,n=ann,r=x", false),
            ("p=tls-unique,,n=ann,r=x", false),
            ("n,,m=1,n=ann,r=x", false),
            ("n,,n=ann", false),
            ("n,,n=,r=x", false),
            ("n,,r=x,n=ann", false),
            ("n,,n=ann,r=\u{fc}", false),
            ("n=ann,r=x", false),
            ("", false),
        ] {
            assert_eq!(
                Opening::parse(message.as_bytes()).is_ok(),
                fine,
                "{message}"
            );
        }
        let long = format!("n,,n=ann,r={}", "x".repeat(5000));
        assert!(Opening::parse(long.as_bytes()).is_err());
    }
}
