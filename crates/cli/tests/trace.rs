//! What commands ask of a host, as `--trace` prints it.

#![allow(clippy::unwrap_used)]

mod common;

use common::run;

fn requests(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with("trace:"));
    lines.filter(|line| !line.contains("probe:")).collect()
}

fn count(requests: &[&str], what: &str) -> usize {
    requests.iter().filter(|line| line.contains(what)).count()
}

/// When a request was sent and when its answer was there, in milliseconds.
fn times(line: &str) -> (f64, f64) {
    let mut words = line.split_whitespace().skip(1);
    let mut number = || -> f64 { words.find_map(|word| word.parse().ok()).unwrap() };
    let (sent, took) = (number(), number());
    (sent, sent + took)
}

const RELEASES: [&str; 15] = [
    "3.0.1", "3.0.3", "3.0.4", "3.1", "3.2", "3.3", "3.4", "4.0", "4.1", "4.2", "4.4", "4.5",
    "4.10", "4.17", "4.22",
];

#[test]
fn a_list_is_one_hypercall_for_1024_domains_and_names_once() {
    let mut rows: Vec<(&str, usize)> = RELEASES.iter().map(|it| (*it, 1000)).collect();
    rows.extend([("3.0.3", 2500), ("4.1", 2500), ("4.20", 2500)]);
    for (release, guests) in rows {
        let context = format!("{release}, {guests}");
        let uri = format!("sim:?release={release}&guests={guests}");
        let ran = run(&["-c", &uri, "--trace", "list; list"]);
        assert_eq!(ran.status, 0, "{context}: {}", ran.err);
        assert!(ran.out.contains("paused"), "{context}");
        let all = requests(&ran.err);
        assert_eq!(count(&all, "XenD"), 0, "{context}");
        // Twice: names were read the first time only.
        let hypercalls = 2 * (guests / 1024 + 1);
        assert_eq!(count(&all, "getdomaininfolist"), hypercalls, "{context}");
        let names: Vec<_> = all.iter().filter(|it| it.contains("/name")).collect();
        let listed = ran
            .out
            .lines()
            .filter(|it| it.contains("pv") || it.contains("hvm"));
        assert_eq!(names.len(), listed.count() / 2 + 1, "{context}");
        // All were sent before the first was answered: one round trip.
        let times = names.iter().map(|line| times(line));
        let (sent, answered): (Vec<f64>, Vec<f64>) = times.unzip();
        let last = sent.into_iter().fold(0.0, f64::max);
        let first = answered.into_iter().fold(f64::MAX, f64::min);
        assert!(last <= first, "{context}: {last} {first}");
    }
}

#[test]
fn a_command_that_asks_no_host_has_nothing_to_trace() {
    let guest = "examples/paravirt-kernel.xml";
    let ran = run(&["--trace", "convert", guest, "--to", "xen-sxpr"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(count(&requests(&ran.err), ""), 0, "{}", ran.err);
}

#[test]
fn nothing_is_traced_unasked() {
    let quiet = run(&["-c", "sim:?guests=3", "list"]);
    assert_eq!((quiet.status, quiet.err.as_str()), (0, ""));
}

#[test]
fn a_list_does_not_wait_for_a_hung_xend() {
    let ran = run(&["-c", "sim:?guests=3&fault=hang", "list"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("pv1"), "{}", ran.out);
}
