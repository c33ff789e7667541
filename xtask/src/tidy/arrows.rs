//! Which of our crates may name which: the arrows of `ARCHITECTURE.md` as a
//! table, checked against every manifest.
//!
//! Dependencies on other people's crates are in
//! [`dependencies`](super::dependencies).

use super::Finding;
use super::metadata::{Metadata, Package};

/// A crate of ours and what it may name.
struct Arrow {
    from: &'static str,
    /// In the code that people run.
    to: &'static [&'static str],
    /// In tests, besides.
    tests: &'static [&'static str],
}

/// A pure crate's tests need no host; a channel's tests may use the simulator.
const ARROWS: &[Arrow] = &[
    Arrow {
        from: "virtxen-guest",
        to: &[],
        tests: &["virtxen-testkit"],
    },
    Arrow {
        from: "virtxen-formats",
        to: &["virtxen-guest"],
        tests: &["virtxen-testkit"],
    },
    Arrow {
        from: "virtxen-xend",
        to: &["virtxen-formats"],
        tests: &["virtxen-testkit", "virtxen-sim"],
    },
    Arrow {
        from: "virtxen-xenstore",
        to: &[],
        tests: &["virtxen-testkit", "virtxen-sim"],
    },
    Arrow {
        from: "virtxen-hypercall",
        to: &[],
        tests: &["virtxen-testkit", "virtxen-sim"],
    },
    Arrow {
        from: "virtxen-libxl",
        to: &["virtxen-formats"],
        tests: &["virtxen-testkit"],
    },
    Arrow {
        from: "virtxen-host",
        to: &[
            "virtxen-guest",
            "virtxen-formats",
            "virtxen-xend",
            "virtxen-xenstore",
            "virtxen-hypercall",
            "virtxen-libxl",
        ],
        tests: &["virtxen-testkit", "virtxen-sim"],
    },
    Arrow {
        from: "virtxen-sim",
        to: &[
            "virtxen-formats",
            "virtxen-xenstore",
            "virtxen-hypercall",
            "virtxen-libxl",
        ],
        tests: &["virtxen-testkit", "virtxen-xend", "virtxen-guest"],
    },
    Arrow {
        from: "virtxen-driver",
        to: &["virtxen-guest", "virtxen-formats", "virtxen-host"],
        tests: &[
            "virtxen-testkit",
            "virtxen-sim",
            "virtxen-xend",
            "virtxen-xenstore",
        ],
    },
    Arrow {
        from: "virtxen-rpc",
        to: &[],
        tests: &["virtxen-testkit"],
    },
    Arrow {
        from: "virtxen-sasl",
        to: &[],
        tests: &[],
    },
    Arrow {
        from: "virtxen-remote",
        to: &[
            "virtxen-guest",
            "virtxen-host",
            "virtxen-driver",
            "virtxen-rpc",
            "virtxen-sasl",
        ],
        tests: &["virtxen-testkit"],
    },
    Arrow {
        from: "virtxen-connect",
        to: &[
            "virtxen-guest",
            "virtxen-xend",
            "virtxen-xenstore",
            "virtxen-libxl",
            "virtxen-host",
            "virtxen-sim",
        ],
        tests: &[],
    },
    Arrow {
        from: "virtxen-daemon",
        to: &[
            "virtxen-guest",
            "virtxen-driver",
            "virtxen-rpc",
            "virtxen-connect",
            "virtxen-remote",
            "virtxen-sasl",
        ],
        tests: &["virtxen-testkit"],
    },
    Arrow {
        from: "virtxen-cli",
        to: &[
            "virtxen-guest",
            "virtxen-formats",
            "virtxen-xenstore",
            "virtxen-host",
            "virtxen-sim",
            "virtxen-driver",
            "virtxen-remote",
            "virtxen-connect",
        ],
        tests: &["virtxen-testkit"],
    },
    Arrow {
        from: "virtxen-testkit",
        to: &[],
        tests: &[],
    },
    Arrow {
        from: "virtxen-benches",
        to: &[
            "virtxen-guest",
            "virtxen-formats",
            "virtxen-hypercall",
            "virtxen-host",
            "virtxen-connect",
            "virtxen-sim",
            "virtxen-rpc",
        ],
        tests: &[],
    },
    Arrow {
        from: "xtask",
        to: &[],
        tests: &["virtxen-testkit"],
    },
];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let names: Vec<&str> = metadata.ours().map(|p| p.name.as_str()).collect();
    metadata
        .ours()
        .flat_map(|package| match find(&package.name) {
            Some(arrow) => check_package(package, arrow, &names),
            None => vec![finding(
                package,
                format!(
                    "crate {} has no entry in xtask/src/tidy/arrows.rs: say there what it may name",
                    package.name
                ),
            )],
        })
        .collect()
}

fn find(name: &str) -> Option<&'static Arrow> {
    ARROWS.iter().find(|arrow| arrow.from == name)
}

fn check_package(package: &Package, arrow: &Arrow, ours: &[&str]) -> Vec<Finding> {
    package
        .dependencies
        .iter()
        .filter(|dependency| ours.contains(&dependency.name.as_str()))
        .filter(|dependency| {
            let to = dependency.name.as_str();
            !(arrow.to.contains(&to) || dependency.dev && arrow.tests.contains(&to))
        })
        .map(|dependency| {
            let place = if dependency.dev { "tests of " } else { "" };
            finding(
                package,
                format!(
                    "{place}{} must not depend on {}: arrows point one way, see ARCHITECTURE.md; \
                     move the code to where it may be named",
                    package.name, dependency.name
                ),
            )
        })
        .collect()
}

fn finding(package: &Package, message: String) -> Finding {
    Finding {
        file: package.manifest.clone(),
        line: None,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Dependency;
    use super::*;

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        Package {
            name: name.to_owned(),
            ours: true,
            dependencies: dependencies
                .iter()
                .map(|(name, dev)| Dependency {
                    name: (*name).to_owned(),
                    dev: *dev,
                })
                .collect(),
            ..Package::default()
        }
    }

    #[test]
    fn an_arrow_that_points_back_is_found() {
        let metadata = Metadata {
            packages: vec![
                package("virtxen-guest", &[("virtxen-formats", false)]),
                package("virtxen-formats", &[("virtxen-guest", false)]),
                package("virtxen-sim", &[("virtxen-host", false)]),
                package("virtxen-host", &[("virtxen-sim", true)]),
                package("virtxen-new", &[]),
            ],
            ..Metadata::default()
        };
        let found: Vec<String> = check(&metadata).iter().map(|f| f.message.clone()).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("virtxen-guest must not depend on virtxen-formats"));
        assert!(found[1].contains("virtxen-sim must not depend on virtxen-host"));
        assert!(found[2].contains("virtxen-new has no entry"));
    }

    #[test]
    fn the_table_has_no_cycle() {
        fn reaches(from: &str, to: &str) -> bool {
            find(from).is_some_and(|a| a.to.iter().any(|next| *next == to || reaches(next, to)))
        }
        for arrow in ARROWS {
            assert!(!reaches(arrow.from, arrow.from), "{}", arrow.from);
        }
    }
}
