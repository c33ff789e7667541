//! Other people's crates: which of ours may use which, and under what licences.
//!
//! The list is short on purpose: each entry is code that everybody who runs
//! virtxen trusts. A new one needs a line here with its reason.

use super::Finding;
use super::metadata::{Metadata, Package};

/// A crate from outside, who may use it, and what for.
struct Allowed {
    name: &'static str,
    users: Users,
    why: &'static str,
}

enum Users {
    /// Every crate.
    All,
    /// These crates.
    These(&'static [&'static str]),
    /// Every crate, in tests only.
    Tests,
}

/// Crates that wait for something: they share one runtime.
const WAITING: &[&str] = &[
    "virtxen-xend",
    "virtxen-xenstore",
    "virtxen-libxl",
    "virtxen-host",
    "virtxen-sim",
    "virtxen-driver",
    "virtxen-remote",
    "virtxen-connect",
    "virtxen-daemon",
    "virtxen-cli",
    "virtxen-benches",
];

const ALLOWED: &[Allowed] = &[
    allowed("thiserror", Users::All, "error enums without boilerplate"),
    allowed(
        "roxmltree",
        Users::These(&["virtxen-guest"]),
        "XML with positions, no DTD",
    ),
    allowed(
        "uuid",
        Users::These(&["virtxen-guest"]),
        "random uuids for new guests",
    ),
    allowed("tokio", Users::These(WAITING), "the runtime"),
    allowed(
        "async-trait",
        Users::These(&[
            "virtxen-xend",
            "virtxen-xenstore",
            "virtxen-host",
            "virtxen-driver",
            "virtxen-daemon",
            "virtxen-connect",
            "virtxen-remote",
        ]),
        "traits that wait, as objects",
    ),
    allowed(
        "rustix",
        Users::These(&[
            "virtxen-xenstore",
            "virtxen-hypercall",
            "virtxen-libxl",
            "virtxen-host",
            "virtxen-sim",
            "virtxen-daemon",
            "virtxen-cli",
            "virtxen-benches",
        ]),
        "system calls without unsafe code",
    ),
    allowed(
        "clap",
        Users::These(&["virtxen-benches", "xtask"]),
        "command lines of developers; virtxen's own has virsh's grammar",
    ),
    allowed(
        "rustyline",
        Users::These(&["virtxen-cli"]),
        "the interactive shell",
    ),
    allowed(
        "libloading",
        Users::These(&["virtxen-libxl"]),
        "the library of the Xen that runs, found at run time",
    ),
    allowed(
        "listenfd",
        Users::These(&["virtxen-daemon"]),
        "sockets from systemd without unsafe code",
    ),
    allowed(
        "command-fds",
        Users::These(&["virtxen-daemon"]),
        "handing sockets over without unsafe code",
    ),
    allowed(
        "rustls",
        Users::These(&["virtxen-daemon", "virtxen-remote"]),
        "TLS without a C library",
    ),
    allowed(
        "tokio-rustls",
        Users::These(&["virtxen-daemon", "virtxen-remote"]),
        "TLS on the runtime's sockets",
    ),
    allowed(
        "rustls-webpki",
        Users::These(&["virtxen-daemon"]),
        "looking at certificates; rustls has it anyway",
    ),
    allowed(
        "ring",
        Users::These(&["virtxen-sasl"]),
        "SHA-256, HMAC, PBKDF2; rustls has it anyway",
    ),
    allowed(
        "subtle",
        Users::These(&["virtxen-sasl"]),
        "comparing secrets without telling how much fits",
    ),
    allowed(
        "base64",
        Users::These(&["virtxen-sasl"]),
        "the values in SCRAM's messages",
    ),
    allowed(
        "png",
        Users::These(&["virtxen-driver"]),
        "pictures of guests' screens",
    ),
    allowed("rustls", Users::Tests, "clients of TLS"),
    allowed("rcgen", Users::Tests, "certificates for tests"),
    allowed(
        "serde",
        Users::These(&["virtxen-cli", "virtxen-libxl"]),
        "JSON output, messages between processes",
    ),
    allowed(
        "serde_json",
        Users::These(&[
            "virtxen-cli",
            "virtxen-formats",
            "virtxen-host",
            "virtxen-libxl",
            "virtxen-sim",
            "xtask",
        ]),
        "JSON output, libxl's configurations, what qemu-img says, cargo metadata",
    ),
    allowed("time", Users::These(&["virtxen-cli"]), "dates of snapshots"),
    allowed(
        "tracing",
        Users::These(&["virtxen-daemon"]),
        "lines of the log with what they belong to",
    ),
    allowed(
        "tracing-subscriber",
        Users::These(&["virtxen-daemon"]),
        "where lines of the log go, as text and JSON",
    ),
    allowed(
        "zbus",
        Users::These(&["virtxen-daemon"]),
        "D-Bus, over which polkit is asked",
    ),
    allowed(
        "roxmltree",
        Users::Tests,
        "reading documents that are compared",
    ),
    allowed(
        "roxmltree",
        Users::These(&["xtask"]),
        "comparing documents of two daemons",
    ),
    allowed("serde_json", Users::Tests, "indexes of test cases"),
    allowed("proptest", Users::Tests, "property tests"),
    allowed("tempfile", Users::Tests, "folders for tests"),
    allowed(
        "tempfile",
        Users::These(&["virtxen-benches"]),
        "the files of a measurement",
    ),
];

/// Crates that bring code in other languages with them and need nothing of the host:
/// what cargo calls a library is built from their own sources into the program.
const CARRIED: &[(&str, &str)] = &[(
    "ring",
    "primitives of TLS and SASL in assembler, as good as everybody's",
)];

const fn allowed(name: &'static str, users: Users, why: &'static str) -> Allowed {
    Allowed { name, users, why }
}

/// Licences that may be linked into a program under MIT OR Apache-2.0 without
/// more than a notice.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "BSL-1.0",
];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ours: Vec<&str> = metadata.ours().map(|p| p.name.as_str()).collect();
    for package in metadata.ours() {
        for dependency in &package.dependencies {
            if ours.contains(&dependency.name.as_str()) {
                continue;
            }
            if !is_allowed(&package.name, &dependency.name, dependency.dev) {
                findings.push(finding(package, refusal(&package.name, &dependency.name)));
            }
        }
    }
    findings.extend(unused(metadata));
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("none stated");
        if !is_free(licence) {
            let message = format!(
                "licence of {} is '{licence}', which is not one that xtask/src/tidy/dependencies.rs \
                 lists: use another crate",
                package.name
            );
            findings.push(finding(package, message));
        }
        let is_carried = CARRIED.iter().any(|(name, _)| *name == package.name);
        if let Some(library) = package.links.as_ref().filter(|_| !is_carried) {
            let message = format!(
                "{} links the C library '{library}': one binary has to run on every host, use \
                 another crate",
                package.name
            );
            findings.push(finding(package, message));
        }
    }
    findings
}

fn is_allowed(user: &str, name: &str, dev: bool) -> bool {
    ALLOWED
        .iter()
        .filter(|entry| entry.name == name)
        .any(|entry| match entry.users {
            Users::All => true,
            Users::These(users) => users.contains(&user),
            Users::Tests => dev,
        })
}

/// Entries of the list that nobody needs any more, so that it stays short.
fn unused(metadata: &Metadata) -> Vec<Finding> {
    let needs = |entry: &Allowed, user: Option<&str>| {
        metadata.ours().any(|package| {
            user.is_none_or(|user| package.name == user)
                && package.dependencies.iter().any(|d| d.name == entry.name)
        })
    };
    let mut findings = Vec::new();
    for entry in ALLOWED {
        let users: Vec<Option<&str>> = match entry.users {
            Users::These(users) => users.iter().copied().map(Some).collect(),
            Users::All | Users::Tests => vec![None],
        };
        for user in users.into_iter().filter(|user| !needs(entry, *user)) {
            findings.push(Finding {
                file: "xtask/src/tidy/dependencies.rs".into(),
                line: None,
                message: format!(
                    "{} does not use {}: take it off the list",
                    user.unwrap_or("nobody"),
                    entry.name
                ),
            });
        }
    }
    findings
}

fn refusal(user: &str, name: &str) -> String {
    let known = ALLOWED.iter().find(|entry| entry.name == name);
    let known = known.map_or(String::new(), |entry| {
        format!(" ({name} is on the list for: {})", entry.why)
    });
    format!(
        "{user} must not depend on {name}{known}: do without, or add it with its reason to \
         xtask/src/tidy/dependencies.rs"
    )
}

/// Whether an SPDX expression offers a choice that [`LICENCES`] has. Parentheses
/// appear only around the alternatives of one part in practice.
fn is_free(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|licence| LICENCES.contains(&licence.trim()))
    })
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
    use super::*;

    #[test]
    fn licences_are_read_as_alternatives() {
        assert!(is_free("MIT OR Apache-2.0"));
        assert!(is_free("MIT/Apache-2.0"));
        assert!(is_free("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(is_free("MIT OR GPL-3.0-only"));
        assert!(!is_free("LGPL-2.1-or-later"));
        assert!(!is_free("MIT AND GPL-3.0-only"));
        assert!(!is_free("none stated"));
    }

    #[test]
    fn a_crate_outside_the_list_is_refused() {
        assert!(is_allowed("virtxen-guest", "roxmltree", false));
        assert!(!is_allowed("virtxen-guest", "tokio", false));
        assert!(is_allowed("virtxen-guest", "proptest", true));
        assert!(!is_allowed("virtxen-guest", "proptest", false));
        assert!(!is_allowed("virtxen-cli", "openssl", false));
        assert!(refusal("virtxen-guest", "tokio").contains("the runtime"));
    }
}
