//! Texts and trees of S-expressions: what is written is read back, and no text
//! makes the reader panic.

use proptest::prelude::*;
use virtxen_formats::sxpr::{
    EmptyAtom, Limits, Sxpr, read, read_prefix, write_reply, write_request,
};

fn atom() -> impl Strategy<Value = Sxpr> {
    let text = prop_oneof![
        "[a-zA-Z0-9._:/~-]{1,12}",
        "[ -~\\n\\t\\réß\u{1}\u{7f}]{0,12}",
        any::<String>(),
    ];
    (text, any::<bool>()).prop_map(|(text, quoted)| {
        if quoted {
            Sxpr::quoted(text)
        } else {
            Sxpr::atom(text)
        }
    })
}

fn tree() -> impl Strategy<Value = Sxpr> {
    atom().prop_recursive(6, 64, 6, |inner| {
        prop::collection::vec(inner, 0..6).prop_map(Sxpr::list)
    })
}

proptest! {
    #[test]
    fn requests_are_read_back(tree in tree()) {
        let text = write_request(&tree);
        prop_assert_eq!(read(&text, Limits::default()), Ok(tree), "{}", text);
    }

    #[test]
    fn replies_are_read_back(tree in tree()) {
        let text = write_reply(&tree, EmptyAtom::Quotes);
        prop_assert_eq!(read(&text, Limits::default()), Ok(tree), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "[()'\"\\\\#a-f0-9x \n!é]{0,64}") {
        if let Ok((tree, end)) = read_prefix(&text, Limits::default()) {
            prop_assert!(text.is_char_boundary(end));
            prop_assert_eq!(read(&write_request(&tree), Limits::default()), Ok(tree));
        }
    }
}
