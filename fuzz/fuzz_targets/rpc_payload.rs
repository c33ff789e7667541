//! Arguments, replies and events of every procedure, chosen by number: what was read
//! is written, and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_rpc::{DomainEvent, calls};

fuzz_target!(|input: (u16, &[u8])| {
    let (number, bytes) = input;
    let number = i32::from(number % 450);
    if let Ok((callback, event)) = DomainEvent::read(number, bytes) {
        let mut written = Vec::new();
        assert!(event.write(callback, &mut written).is_ok(), "{event:?}");
        assert!(DomainEvent::read(number, &written).is_ok(), "{event:?}");
    }
    let types = calls::procedure(number).and_then(|row| row.types);
    let Some(types) = types else { return };
    for recode in [types.arguments, types.reply] {
        if let Ok(written) = recode(bytes) {
            assert_eq!(recode(&written), Ok(written), "procedure {number}");
        }
    }
});
