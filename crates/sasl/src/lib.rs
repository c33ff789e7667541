//! SCRAM-SHA-256 (RFC 5802 and 7677), the mechanism of SASL by which people prove
//! with a password who they are, without telling it: both sides, and what a server
//! keeps of a password.
//!
//! Files, sockets and random numbers are not here: nonces and salts are arguments.
//! There is no binding to the channel below; passwords are taken as they are typed,
//! without RFC 4013's rules for letters that look alike.
//!
//! ```
//! use std::num::NonZeroU32;
//! use virtxen_sasl::{Client, Opening, Verifier};
//!
//! # fn main() -> virtxen_sasl::Result<()> {
//! let iterations = NonZeroU32::new(4096).unwrap();
//! let kept = Verifier::new("secret", b"random salt", iterations);
//!
//! let (client, opening) = Client::new("ann", "secret", "random")?;
//! let opening = Opening::parse(&opening)?;
//! assert_eq!(opening.user(), "ann");
//! let (server, challenge) = opening.challenge(&kept, "more-random")?;
//! let (client, proof) = client.answer(&challenge)?;
//! let signature = server.check(&proof)?;
//! client.check(&signature)?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod client;
mod error;
mod message;
mod server;
mod verifier;

pub use client::{Client, Waiting};
pub use error::{Error, Result};
pub use server::{Challenged, Opening};
pub use verifier::Verifier;

/// The mechanism's name.
pub const MECHANISM: &str = "SCRAM-SHA-256";

/// Bytes of a key, a proof, a signature.
const KEY: usize = 32;

/// A key, a proof, a signature.
type Key = [u8; KEY];

/// HMAC with SHA-256.
fn hmac(key: &[u8], text: &[u8]) -> Key {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    let tag = ring::hmac::sign(&key, text);
    // Both have 32 bytes.
    std::array::from_fn(|place| tag.as_ref().get(place).copied().unwrap_or_default())
}

/// SHA-256.
fn hash(bytes: &[u8]) -> Key {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    std::array::from_fn(|place| digest.as_ref().get(place).copied().unwrap_or_default())
}

fn xor(left: &Key, right: &Key) -> Key {
    let mut pairs = left.iter().zip(right);
    std::array::from_fn(|_| pairs.next().map_or(0, |(left, right)| left ^ right))
}
