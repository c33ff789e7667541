//! Replays the requests recorded from real XenD against the simulated one.
//!
//! Each folder of the recordings is sent, in order, to a fresh host of its release;
//! every reply is compared whole: status line, header lines in their order and
//! spelling, body. Only times, random ids and the recorder's own folders are taken
//! out on both sides. The share of each release is printed and must be 90 % at
//! least; what differs is listed with its reason in `replay-exceptions.txt`, and a
//! line there that explains nothing any more fails the test.
//!
//! `VIRTXEN_REPLAY=4.1.6` (or `4.1.6/057`) shows the differences of a folder (or of
//! one request).
#![allow(clippy::unwrap_used)]

#[path = "replay/exceptions.rs"]
mod exceptions;
#[path = "replay/normal.rs"]
mod normal;
#[path = "replay/recording.rs"]
mod recording;
#[path = "replay/session.rs"]
mod session;

use exceptions::Exceptions;
use recording::Recording;

/// Replies that have to match in each release, in percent.
const WANTED: f64 = 90.0;

#[test]
fn every_release_answers_as_recorded() {
    let Some(shelf) = virtxen_testkit::shared("reference/xend-transcripts") else {
        return;
    };
    let mut exceptions = Exceptions::read(include_str!("replay-exceptions.txt"));
    let mut poor = Vec::new();
    println!("{:<16}{:>8}{:>8}  percent", "release", "matched", "total");
    for folder in Recording::folders(&shelf) {
        let recording = Recording::read(&shelf, &folder);
        let outcome = session::replay(&recording);
        let matched = outcome.iter().filter(|one| one.matches()).count();
        let percent = 100.0 * matched as f64 / outcome.len() as f64;
        println!("{folder:<16}{matched:>8}{:>8}  {percent:.1}", outcome.len());
        if percent < WANTED {
            poor.push(folder.clone());
        }
        for one in outcome.iter().filter(|one| !one.matches()) {
            one.show(&folder);
            exceptions.explain(&folder, &one.name);
        }
    }
    let problems = exceptions.problems();
    println!("{}", problems.join("\n"));
    assert!(poor.is_empty(), "below {WANTED} %: {}", poor.join(", "));
    assert!(problems.is_empty(), "{} problems", problems.len());
}
