//! Guests in XenD's language: what can be read as a guest can be written for every
//! version of the configuration format or is refused with words. What we wrote is
//! never refused, and reading and writing it again comes to rest: nonsense may be
//! understood better the second time, but not for ever.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_formats::sxpr::{
    ConfigVersion, Limits, Runtime, Sxpr, Target, guest_to_sxpr, read_prefix, sxpr_to_guest,
    write_request,
};

const VERSIONS: [ConfigVersion; 4] = [
    ConfigVersion::Xen302,
    ConfigVersion::Xen303,
    ConfigVersion::Xen304,
    ConfigVersion::Xen310,
];

const ROUNDS: usize = 5;

fuzz_target!(|text: &str| {
    let limits = Limits {
        bytes: 1 << 16,
        ..Limits::default()
    };
    let Ok((tree, _)) = read_prefix(text, limits) else {
        return;
    };
    for version in VERSIONS {
        let mut rounds = Vec::new();
        let mut next = rewrite(&tree, version);
        while let Some(written) = next {
            next = rewrite(&written, version);
            let text = write_request(&written);
            assert!(next.is_some(), "refused: {text}");
            if rounds.last() == Some(&text) {
                break;
            }
            rounds.push(text);
            assert!(rounds.len() < ROUNDS, "{rounds:#?}");
        }
    }
});

/// The guest of an expression, as we write it; `None` where that is refused.
fn rewrite(tree: &Sxpr, version: ConfigVersion) -> Option<Sxpr> {
    let guest = sxpr_to_guest(tree, version, &Runtime::default()).ok()?;
    let written = guest_to_sxpr(&guest.value, &Target::new(version)).ok()?;
    Some(written.value)
}
