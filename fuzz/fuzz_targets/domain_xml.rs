//! Domain documents: whatever the parser accepts, the formatter writes so that
//! it is accepted again, means the same, and is written the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_guest::{FormatOptions, ParseOptions, format_guest, parse_guest};

fuzz_target!(|text: &str| {
    let options = ParseOptions::default();
    let all = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    let Ok(parsed) = parse_guest(text, &options) else {
        return;
    };
    let written = format_guest(&parsed.value, &all);
    match parse_guest(&written, &options) {
        Ok(back) => {
            assert_eq!(back.value, parsed.value, "written as\n{written}");
            assert_eq!(format_guest(&back.value, &all), written);
        }
        Err(problems) => panic!("written as\n{written}\n{problems}"),
    }
});
