//! Messages to and from the process that calls libxl: however they are cut, the same
//! ones come out, and one that was read is written and read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use virtxen_libxl::{Frames, FromWorker, Request, frame};

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    both::<Request>(bytes, piece);
    for said in both::<FromWorker>(bytes, piece) {
        if let FromWorker::Failed { failure, .. } = said {
            assert!(failure.cause().len() < bytes.len() + 200, "{failure:?}");
        }
    }
});

fn both<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8], piece: u8) -> Vec<T> {
    let (whole, good) = receive::<T>(bytes, bytes.len().max(1));
    let pieces = receive::<T>(bytes, usize::from(piece).max(1));
    assert_eq!(
        (&whole, good),
        (&pieces.0, pieces.1),
        "in pieces of {piece}"
    );
    for message in &whole {
        let Ok(written) = frame(message) else {
            panic!("{message:?} was read but cannot be written");
        };
        let (again, good) = receive::<T>(&written, written.len());
        assert!(good && again.first() == Some(message), "{message:?}");
    }
    whole
}

/// The messages, and whether what follows them could be one.
fn receive<T: DeserializeOwned>(bytes: &[u8], piece: usize) -> (Vec<T>, bool) {
    let mut frames = Frames::default();
    let mut messages = Vec::new();
    for chunk in bytes.chunks(piece) {
        frames.push(chunk);
        loop {
            match frames.take() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, false),
            }
        }
    }
    (messages, true)
}
