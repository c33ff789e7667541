//! What commands ask of a host, as `--trace` prints it.

mod common;

use common::run;

fn requests(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with("trace:"));
    lines.filter(|line| !line.contains("probe:")).collect()
}

fn count(requests: &[&str], what: &str) -> usize {
    requests.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn a_list_of_a_thousand_is_one_hypercall_and_names_once() {
    for release in ["3.0.1", "4.1"] {
        let uri = format!("sim:?release={release}&guests=1000");
        let once = run(&["-c", &uri, "--trace", "list"]);
        let once = requests(&once.err);
        assert_eq!(count(&once, "getdomaininfolist"), 1, "{release}");
        assert_eq!(count(&once, "XenD"), 0, "{release}");
        let names = count(&once, "/name");
        assert!(names > 500, "{release}: {names}");
        let twice = run(&["-c", &uri, "--trace", "list; list"]);
        let twice = requests(&twice.err);
        assert_eq!(count(&twice, "getdomaininfolist"), 2, "{release}");
        assert_eq!(count(&twice, "/name"), names, "{release}: read again");
    }
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
