//! S-expressions: whatever the reader accepts, both writers write so that it
//! reads back the same. What lists mean for a guest is another target.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_formats::sxpr::{
    EmptyAtom, Limits, Sxpr, read, read_prefix, write_reply, write_request,
};

fuzz_target!(|text: &str| {
    let limits = Limits {
        bytes: 1 << 16,
        depth: 32,
        nodes: 1 << 12,
    };
    let Ok((tree, end)) = read_prefix(text, limits) else {
        return;
    };
    assert!(text.is_char_boundary(end), "the rest is text");
    let wide = Limits {
        bytes: usize::MAX,
        ..limits
    };
    same(&tree, &write_request(&tree), wide);
    same(&tree, &write_reply(&tree, EmptyAtom::Quotes), wide);
});

fn same(tree: &Sxpr, text: &str, limits: Limits) {
    match read(text, limits) {
        Ok(back) => assert_eq!(&back, tree, "written as {text}"),
        Err(error) => panic!("written as {text}: {error}"),
    }
}
