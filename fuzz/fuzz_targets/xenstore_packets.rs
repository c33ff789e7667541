//! Packets of xenstored: however they are cut, a session gives the same answers,
//! and a packet that was read is written the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_xenstore::wire::{Kind, Packet};
use virtxen_xenstore::{Answer, Session};

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    if let Ok(Some((packet, length))) = Packet::decode(bytes) {
        let mut written = Vec::new();
        assert!(packet.encode(&mut written).is_ok(), "{packet:?}");
        assert_eq!(Some(written.as_slice()), bytes.get(..length));
    }
    let whole = receive(bytes, bytes.len().max(1));
    let pieces = receive(bytes, usize::from(piece).max(1));
    assert_eq!(whole, pieces, "in pieces of {piece}");
});

/// What a session with three requests in flight makes of the bytes, and whether it
/// took them all.
fn receive(bytes: &[u8], piece: usize) -> (Vec<Answer>, bool) {
    let mut session = Session::new();
    for kind in [Kind::Read, Kind::Directory, Kind::Watch] {
        let texts: &[&[u8]] = &[b"/local/domain/1", b"token"];
        let _ = session.request(kind, 0, texts);
    }
    let mut answers = Vec::new();
    for chunk in bytes.chunks(piece) {
        let taken = session.receive(chunk, |answer| answers.push(answer));
        if taken.is_err() {
            return (answers, false);
        }
    }
    (answers, true)
}
