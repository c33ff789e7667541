//! Whatever guest there is, its document says the same guest.
//!
//! The strategies cover the whole model, one file a part of it; they make guests
//! that keep the rules, since others are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod cpu;
mod device;
mod general;
mod markup;
mod network;
mod schema;
mod schema_device;
mod storage;

use proptest::prelude::*;
use virtxen_guest::{
    FormatOptions, ParseOptions, Rules, format_device, format_guest, parse_device, parse_guest,
};
use virtxen_testkit::record_domain_xml;

const ALL: FormatOptions = FormatOptions {
    inactive: false,
    secure: true,
    migratable: false,
};

const INACTIVE: FormatOptions = FormatOptions {
    inactive: true,
    secure: false,
    migratable: false,
};

const STRICT: bool = true;

fn options() -> ParseOptions {
    ParseOptions {
        strict: STRICT,
        ..ParseOptions::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_document_says_its_guest(guest in general::guest()) {
        let text = format_guest(&guest, &ALL);
        let read = parse_guest(&text, &options())
            .map_err(|problems| TestCaseError::fail(format!("{}\n{text}", problems.render())))?;
        prop_assert_eq!(&read.value, &guest, "{}", text);
        prop_assert_eq!(format_guest(&read.value, &ALL), text);
    }

    #[test]
    fn a_device_stands_for_itself(device in device::one()) {
        let text = format_device(&device, &ALL);
        let read = parse_device(&text, &options())
            .map_err(|problems| TestCaseError::fail(format!("{}\n{text}", problems.render())))?;
        prop_assert_eq!(&read.value, &device, "{}", text);
    }

    #[test]
    fn defaults_are_filled_in_once(mut guest in general::guest()) {
        for rules in [Rules::XEND, Rules::LIBXL] {
            guest.fill_defaults(&rules);
            let filled = guest.clone();
            guest.fill_defaults(&rules);
            prop_assert_eq!(&guest, &filled);
        }
        prop_assert_eq!(guest.violations(), vec![]);
    }
}

proptest! {
    // Each case is two documents for the foreign check.
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn libvirt_accepts_a_document_in_its_words(guest in general::guest().prop_map(schema::settle)) {
        prop_assert_eq!(guest.violations(), vec![]);
        for how in [ALL, INACTIVE] {
            let text = format_guest(&guest, &how);
            record_domain_xml("guest-property", &text);
            let read = parse_guest(&text, &options())
                .map_err(|problems| TestCaseError::fail(format!("{}\n{text}", problems.render())))?;
            if how == ALL {
                prop_assert_eq!(&read.value, &guest, "{}", text);
            }
            prop_assert_eq!(format_guest(&read.value, &how), text);
        }
    }
}
