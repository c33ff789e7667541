//! Heads of saved domains: no bytes make their reader panic or ask for more than the
//! limit, and what was read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_formats::image::{BEGIN, Head, TEXT_MAX};

fuzz_target!(|bytes: &[u8]| {
    let begin = bytes.get(..BEGIN.min(bytes.len())).unwrap_or_default();
    let Ok(length) = Head::length(begin) else {
        return;
    };
    assert!(length <= BEGIN + TEXT_MAX);
    if let Ok(head) = Head::read(bytes) {
        let again = head.to_bytes().unwrap();
        assert_eq!(Head::read(&again), Ok(head));
    }
});
