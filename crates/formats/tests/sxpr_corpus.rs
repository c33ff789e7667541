//! libvirt's own conversion cases between domain XML and XenD's expressions.
//!
//! A case that cannot pass stands in a list with its reason; the test fails when
//! another one fails and when a listed one passes.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/corpus.rs"]
mod corpus;

use common::{Element, differences};
use corpus::{Case, cases};
use virtxen_formats::sxpr::{
    Dialect, Limits, Runtime, Target, guest_to_sxpr, read, text_to_guest, write_request,
};
use virtxen_guest::{FormatOptions, Guest, ParseOptions, Rules, format_guest, parse_guest};
use virtxen_testkit::record_domain_xml;

/// Cases of `xml2sexpr` that differ, and why.
const TO_SXPR: &[(&str, &str)] = &[
    (
        "pv-vfb-new v1.3.0 2",
        "expected by Red Hat's XenD 3.0.3 with its backported frame buffer; see the test of its dialect",
    ),
    ("fv-usbtablet v4.5.0 4", STALE),
    ("fv-usbtablet v1.3.0 4", STALE),
];
/// Cases of `sexpr2xml` that differ, and why.
const TO_XML: &[(&str, &str)] = &[
    ("fv-legacy-vfb v4.5.0 4", STALE_CLOCK),
    ("fv-legacy-vfb v1.3.0 4", STALE_CLOCK),
];
const STALE_CLOCK: &str =
    "not run upstream: XenD 3.1's reply with the clock that libvirt read for 3.0.4";
const STALE: &str = "not run upstream: a mixture of 3.0.2 (cdrom, ioemu) and 3.1 (rtc_timeoffset)";

#[test]
fn documents_become_the_expressions_of_libvirt() {
    let cases = cases("xml2sexpr");
    let mut exact = 0;
    check(&cases, TO_SXPR, |case| {
        let guest =
            parse_guest(&case.input, &ParseOptions::default()).map_err(|e| format!("{e}"))?;
        let guest = with_implicit_parts(guest.value, case);
        let target = Target::new(case.version);
        let written = guest_to_sxpr(&guest, &target)
            .map_err(|e| e.to_string())?
            .value;
        let expected = read(case.expected.trim_end(), Limits::default()).unwrap();
        exact += usize::from(write_request(&written) == case.expected.trim_end());
        if written == expected {
            Ok(())
        } else {
            Err(format!(
                "\n    {}\n    {}",
                write_request(&written),
                write_request(&expected)
            ))
        }
    });
    println!("{exact} of {} to the byte", cases.len());
}

#[test]
fn red_hats_xend_has_the_frame_buffer_of_304() {
    let cases = cases("xml2sexpr");
    let Some(case) = cases.iter().find(|case| case.id == "pv-vfb-new v1.3.0 2") else {
        return;
    };
    let guest = parse_guest(&case.input, &ParseOptions::default())
        .unwrap()
        .value;
    let written = guest_to_sxpr(&guest, &Target::new(Dialect::rhel5())).unwrap();
    let expected = read(case.expected.trim_end(), Limits::default()).unwrap();
    assert_eq!(written.value, expected);
}

/// The newer driver gave every 64-bit fully virtualized guest PAE.
fn with_implicit_parts(mut guest: Guest, case: &Case) -> Guest {
    guest.features.pae |= case.newer && guest.is_hvm();
    guest
}

fn check(
    cases: &[Case],
    exceptions: &[(&str, &str)],
    mut run: impl FnMut(&Case) -> Result<(), String>,
) {
    let mut wrong = String::new();
    for case in cases {
        let excepted = exceptions.iter().find(|(id, _)| *id == case.id);
        match (run(case), excepted) {
            (Ok(()), None) => {}
            (Err(_), Some((id, reason))) => println!("exception: {id}: {reason}"),
            (Ok(()), Some((id, _))) => wrong += &format!("{id}: passes, but is an exception\n"),
            (Err(error), None) => wrong += &format!("{}: {error}\n", case.id),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} cases", cases.len());
}

#[test]
fn expressions_become_the_documents_of_libvirt() {
    check(&cases("sexpr2xml"), TO_XML, |case| {
        let mut guest = text_to_guest(&case.input, case.version, &Runtime::default())
            .map_err(|e| e.to_string())?
            .value;
        guest.fill_defaults(if case.newer { &RULES_4_5 } else { &Rules::XEND });
        let written = format_guest(&guest, &FormatOptions::default());
        record_domain_xml("sexpr2xml", &written);
        let trees = [&written, &case.expected].map(|xml| normalised(Element::parse(xml)));
        if trees[0] == trees[1] {
            Ok(())
        } else {
            Err(differences(&trees[0], &trees[1], ""))
        }
    });
}

/// What the libxl driver filled in before it wrote a controller for its own bus.
const RULES_4_5: Rules = Rules {
    xenbus: false,
    ..Rules::LIBXL
};

/// Without what the corpus says has no meaning: the order of different elements,
/// dashes of a uuid, and two elements that the driver added without being told.
fn normalised(mut domain: Element) -> Element {
    for child in &mut domain.children {
        match child.name.as_str() {
            "uuid" => child.text.retain(|c| c != '-'),
            "devices" => child.children.iter_mut().for_each(normalise_device),
            _ => {}
        }
    }
    domain.sort();
    domain
}

fn normalise_device(device: &mut Element) {
    let hostdev = device.name == "hostdev";
    device.children.retain(|child| match child.name.as_str() {
        "backingStore" => false,
        "driver" => !hostdev,
        _ => true,
    });
}
