//! Documents that are made to hurt: they end in an error, soon and with a place.
//! `damaged.xml` is a sound document that is then damaged at random.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use std::time::{Duration, Instant};
use virtxen_guest::{
    FormatOptions, Limits, ParseOptions, ProblemKind, Problems, format_guest, parse_device,
    parse_guest,
};

fn refused(text: &str) -> Problems {
    let start = Instant::now();
    let problems = parse_guest(text, &ParseOptions::default()).unwrap_err();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    problems
}

fn limit(text: &str) -> &'static str {
    match refused(text).problems[0].kind {
        ProblemKind::Limit { what, .. } => what,
        ref kind => panic!("{kind}"),
    }
}

const GUEST: &str = "<domain type='xen'><name>a</name><memory>1</memory><os><type>hvm</type></os>";

#[test]
fn entities_are_not_expanded() {
    let bomb = "<?xml version='1.0'?>\n<!DOCTYPE domain [<!ENTITY a 'aaaaaaaaaa'>\
                <!ENTITY b '&a;&a;&a;'>]>\n<domain type='xen'><name>&b;</name></domain>";
    let problems = refused(bomb).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, ProblemKind::Doctype);
    assert_eq!((problems[0].line, problems[0].column), (2, 1));
    let external = "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain type='xen'/>";
    assert_eq!(refused(external).problems[0].kind, ProblemKind::Doctype);
    let unknown = format!("{GUEST}<title>&x;</title></domain>");
    assert!(matches!(
        refused(&unknown).problems[0].kind,
        ProblemKind::Syntax(_)
    ));
}

#[test]
fn size_depth_and_counts_are_bounded() {
    let deep = format!("{GUEST}<metadata>{}", "<a>".repeat(1_000_000));
    assert_eq!(limit(&deep), "levels of elements");
    let long = format!("{GUEST}<title>{}", "a".repeat(17 << 20));
    assert_eq!(limit(&long), "bytes");
    let many = format!(
        "{GUEST}<metadata>{}</metadata></domain>",
        "<a/>".repeat(1_100_000)
    );
    assert_eq!(limit(&many), "elements, texts and comments");
    let wide = format!("{GUEST}<title {}/></domain>", "a='' ".repeat(1_000_000));
    assert_eq!(limit(&wide), "attributes of one element");
    let spaces: String = (0..100_000)
        .map(|n| format!("<a xmlns:n{n}='x'/>"))
        .collect();
    let spaces = format!("{GUEST}<metadata>{spaces}</metadata></domain>");
    assert_eq!(limit(&spaces), "declarations of namespaces");
}

#[test]
fn many_problems_stay_bounded() {
    let disks = "<disk type='file' x='' y=''><z/></disk>\n".repeat(50_000);
    let problems = refused(&format!("{GUEST}<devices>{disks}</devices></domain>"));
    assert_eq!(problems.problems.len(), Limits::default().problems);
    let ranges = "0-16383,".repeat(100_000);
    refused(&format!(
        "{GUEST}<vcpu cpuset='{ranges}0'>1</vcpu></domain>"
    ));
}

#[test]
fn broken_documents_are_errors() {
    for text in [
        "",
        " ",
        "<",
        "<domain",
        "\u{feff}",
        "<domain>\0</domain>",
        "<!",
        "<?",
        "<!--",
        "&",
    ] {
        assert!(!refused(text).problems.is_empty(), "{text:?}");
    }
}

#[test]
fn what_xml_cannot_say_is_not_written() {
    let mut guest = virtxen_guest::Guest::new("a\u{1}\u{ffff}");
    guest.memory = virtxen_guest::MemoryKib(1);
    let text = format_guest(&guest, &FormatOptions::default());
    let read = parse_guest(&text, &ParseOptions::default()).unwrap().value;
    assert_eq!(read.name, "a\u{fffd}\u{fffd}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = parse_guest(&text, &ParseOptions::default());
        let _ = parse_device(&text, &ParseOptions::default());
    }

    #[test]
    fn no_damage_panics(at in any::<prop::sample::Index>(), with in "[<>/='\"& a\\PC]{0,3}") {
        let mut text = include_str!("damaged.xml").to_owned();
        let mut at = at.index(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let end = text.len().min(at + 2);
        if text.is_char_boundary(end) {
            text.replace_range(at..end, &with);
        }
        match parse_guest(&text, &ParseOptions::default()) {
            Ok(parsed) => {
                let all = FormatOptions { secure: true, ..FormatOptions::default() };
                let written = format_guest(&parsed.value, &all);
                let again = parse_guest(&written, &ParseOptions::default());
                prop_assert_eq!(again.unwrap().value, parsed.value, "{}", written);
            }
            Err(problems) => prop_assert!(!problems.render().is_empty()),
        }
    }
}
