//! The daemon's configuration file: every statement has a line of the file, in order.
//! What the keys mean is not reached.
#![no_main]

#[path = "../../crates/daemon/src/config/syntax.rs"]
mod syntax;

use libfuzzer_sys::fuzz_target;
use syntax::Value;

fuzz_target!(|text: &str| {
    let lines = text.lines().count();
    match syntax::parse(text) {
        Ok(statements) => {
            let mut last = 0;
            for (line, key, value) in statements {
                assert!(line > last && line <= lines, "line {line} of {lines}");
                assert!(!key.contains('='), "{key}");
                last = line;
                if let Value::Text(text) = value {
                    assert!(!text.contains('\n'), "{text}");
                }
            }
        }
        Err((line, message)) => assert!(line <= lines && !message.is_empty()),
    }
});
