//! SASL's messages: nobody comes in without the password, whatever he says, and a
//! client believes no server that does not know it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::num::NonZeroU32;
use virtxen_sasl::{Client, Opening, Verifier};

/// Few rounds, so that the fuzzer gets far.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN;

fuzz_target!(|parts: (&[u8], &[u8], &str)| {
    let (first, second, text) = parts;
    let kept = Verifier::new("not in any input", b"salt", ROUNDS);
    if let Ok(opening) = Opening::parse(first) {
        assert!(!opening.user().is_empty());
        let (server, challenge) = opening.challenge(&kept, "server").expect("a good nonce");
        assert!(challenge.starts_with(b"r="));
        assert!(server.check(second).is_err(), "somebody came in");
    }
    let (client, _) = Client::new("ann", "not in any input", "client").expect("a good nonce");
    // Many rounds only take long.
    let is_slow = String::from_utf8_lossy(first).contains(",i=") && first.len() > 200;
    if !is_slow && let Ok((waiting, _)) = client.answer(first) {
        assert!(waiting.check(second).is_err(), "a server was believed");
    }
    if let Ok(verifier) = text.parse::<Verifier>() {
        let written = verifier.to_string();
        assert!(written.parse::<Verifier>() == Ok(verifier), "{written}");
    }
});
