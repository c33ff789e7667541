//! xm and xl files: a document that was read is kept to the letter, and after one
//! value is set it reads back with that value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_formats::config::{Document, Value};

fuzz_target!(|text: &str| {
    let Ok(document) = Document::read(text) else {
        return;
    };
    assert_eq!(document.to_string(), text);
    let names = document.settings().iter().map(|setting| &setting.name);
    for name in names.take(4) {
        let value = Value::List(vec![Value::text("a'b\"\\"), Value::Integer(7)]);
        let mut changed = document.clone();
        changed.set(name, &value);
        assert_eq!(changed.get(name), Some(&value), "{changed}");
        let back = Document::read(&changed.to_string());
        let back = back.unwrap_or_else(|error| panic!("{error} in\n{changed}"));
        // As text, since a number that is none differs from itself.
        assert_eq!(format!("{back:?}"), format!("{changed:?}"));
    }
});
