//! XenD's HTTP replies: however a reply is cut into pieces, the reader says the
//! same about it, keeps its limits, and what it says becomes text or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_xend::answer::{Asked, answer};
use virtxen_xend::{Method, Reply, ReplyError, ReplyLimits, ReplyReader};

const LIMITS: ReplyLimits = ReplyLimits {
    head: 512,
    headers: 8,
    body: 1024,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let whole = feed(bytes, bytes.len().max(1));
    let pieces = feed(bytes, usize::from(piece).max(1));
    match (&whole, &pieces) {
        (Ok(one), Ok(two)) => assert_eq!(one, two, "in pieces of {piece}"),
        (Err(_), Err(_)) => {}
        _ => panic!("at once {whole:?}, in pieces of {piece} {pieces:?}"),
    }
    if let Ok(reply) = whole {
        assert!(reply.body.len() <= LIMITS.body);
        for domain in [false, true] {
            let asked = Asked {
                operation: "fuzz",
                domain,
                unknown_is_internal_error: domain,
            };
            if let Err(error) = answer(asked, reply.clone()) {
                assert!(!error.to_string().is_empty());
            }
        }
    }
});

fn feed(bytes: &[u8], piece: usize) -> Result<Reply, ReplyError> {
    let mut reader = ReplyReader::new(Method::Get, LIMITS);
    for chunk in bytes.chunks(piece) {
        if let Some(reply) = reader.feed(chunk)? {
            return Ok(reply);
        }
    }
    reader.end()
}
