//! The client's side: an opening, the proof that it knows the password, a look at the
//! server's signature.

use crate::message::{attribute, decode, decode_key, encode, encode_name, is_nonce, text};
use crate::verifier::{CLIENT_KEY, SERVER_KEY, iterations, salted};
use crate::{Error, Key, Result, hash, hmac, xor};
use subtle::ConstantTimeEq;

/// What is said about the channel: nothing is bound to it.
const HEADER: &str = "n,,";

/// A client that waits for the challenge.
pub struct Client {
    password: String,
    nonce: String,
    bare: String,
}

/// A client that waits for the server's signature.
pub struct Waiting {
    signature: Key,
}

impl Client {
    /// A client with its first message. The nonce is new for each proof, random and
    /// printable without commas.
    ///
    /// # Errors
    /// When the nonce is not like that.
    pub fn new(user: &str, password: &str, nonce: &str) -> Result<(Self, Vec<u8>)> {
        if !is_nonce(nonce) {
            return Err(Error::Message("the nonce is not printable"));
        }
        let bare = format!("n={},r={nonce}", encode_name(user));
        let opening = format!("{HEADER}{bare}").into_bytes();
        let client = Self {
            password: password.to_owned(),
            nonce: nonce.to_owned(),
            bare,
        };
        Ok((client, opening))
    }

    /// The proof.
    ///
    /// # Errors
    /// When the challenge is none, or for somebody else, or takes too long to compute.
    pub fn answer(self, challenge: &[u8]) -> Result<(Waiting, Vec<u8>)> {
        let challenge = text(challenge)?;
        let (nonce, rest) = attribute(challenge, "r")?;
        let (salt, rest) = attribute(rest, "s")?;
        let (rounds, _) = attribute(rest, "i")?;
        let added = nonce.strip_prefix(&self.nonce);
        if added.is_none_or(str::is_empty) {
            return Err(Error::Message("the challenge is for another conversation"));
        }
        let rounds = iterations(rounds).ok_or(Error::Message("the rounds are none or too many"))?;
        let salted = salted(&self.password, &decode(salt)?, rounds);
        let bare = format!("c={},r={nonce}", encode(HEADER.as_bytes()));
        let said = format!("{},{challenge},{bare}", self.bare);
        let key = hmac(&salted, CLIENT_KEY);
        let proof = xor(&key, &hmac(&hash(&key), said.as_bytes()));
        let signature = hmac(&hmac(&salted, SERVER_KEY), said.as_bytes());
        let message = format!("{bare},p={}", encode(&proof));
        Ok((Waiting { signature }, message.into_bytes()))
    }
}

impl Waiting {
    /// Whether the server knows something of the password too.
    ///
    /// # Errors
    /// When it does not, or says no.
    pub fn check(self, message: &[u8]) -> Result<()> {
        let message = text(message)?;
        if let Some(error) = message.strip_prefix("e=") {
            return Err(Error::Refused(error.to_owned()));
        }
        let (signature, _) = attribute(message, "v")?;
        let is_right = decode_key(signature)?.ct_eq(&self.signature);
        if bool::from(is_right) {
            return Ok(());
        }
        Err(Error::WrongServer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677.
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                             s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    #[test]
    fn the_example_of_the_standard_is_followed() {
        let (client, opening) = Client::new("user", "pencil", NONCE).unwrap();
        assert_eq!(opening, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (client, proof) = client.answer(CHALLENGE.as_bytes()).unwrap();
        assert!(proof.ends_with(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
        let signature = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(client.check(signature), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_noticed() {
        let answer = || {
            let (client, _) = Client::new("user", "pencil", NONCE).unwrap();
            client.answer(CHALLENGE.as_bytes()).unwrap().0
        };
        let wrong = format!("v={}", encode(&[0; 32]));
        assert_eq!(answer().check(wrong.as_bytes()), Err(Error::WrongServer));
        let refused = answer().check(b"e=unknown-user");
        assert_eq!(refused, Err(Error::Refused("unknown-user".into())));
        for challenge in [
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000000000",
            "m=1,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        ] {
            let (client, _) = Client::new("user", "pencil", NONCE).unwrap();
            assert!(client.answer(challenge.as_bytes()).is_err(), "{challenge}");
        }
    }
}
