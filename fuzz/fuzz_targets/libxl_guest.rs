//! Configurations of libxl: what can be read as a guest can be written for every
//! release or is refused with words, and what we wrote is read as a guest again.
//! Writing and reading comes to rest: nonsense may be understood better the second
//! time, but not for ever.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_formats::libxl::{
    Release, Target, guest_to_libxl, text_to_guest, text_to_guests, to_text,
};
use virtxen_guest::Guest;

const RELEASES: [u32; 4] = [5, 9, 17, 22];

const ROUNDS: usize = 5;

fuzz_target!(|text: &str| {
    let Ok(guests) = text_to_guests(text) else {
        return;
    };
    for guest in guests.into_iter().take(2) {
        for note in &guest.notes {
            assert!(note.at.is_none_or(|at| text.is_char_boundary(at)), "{note}");
        }
        for minor in RELEASES {
            let release = Release::new(4, minor).unwrap();
            for qubes in [false, true] {
                let target = Target {
                    qubes,
                    cpus: Some(8),
                    ..Target::new(release)
                };
                rest(guest.value.clone(), &target);
            }
        }
    }
});

/// Rewrites a configuration until it stays the same.
fn rest(mut guest: Guest, target: &Target) {
    let mut rounds: Vec<String> = Vec::new();
    loop {
        let Ok(written) = guest_to_libxl(&guest, target) else {
            assert!(rounds.is_empty(), "refused: {rounds:#?}");
            return;
        };
        let text = to_text(&written.value);
        if rounds.last() == Some(&text) {
            return;
        }
        let read = text_to_guest(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        guest = read.value;
        rounds.push(text);
        assert!(rounds.len() < ROUNDS, "{rounds:#?}");
    }
}
