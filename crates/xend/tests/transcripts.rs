//! Every reply recorded from real XenD is read, whole and byte by byte, and
//! means what its status, its body and the release say.
//!
//! Recordings are on the shelf beside the repository; without it the test says
//! so and passes.

#![allow(clippy::unwrap_used)] // a failed test is what a broken recording should be

use std::collections::BTreeMap;
use std::path::Path;
use virtxen_formats::sxpr::{Limits, read_prefix};
use virtxen_xend::answer::{Asked, answer};
use virtxen_xend::{Error, Method, Release, Reply, ReplyError, ReplyLimits, ReplyReader};

/// What a reply turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Expression,
    Text,
    Empty,
    NoDomain,
    NotImplemented,
    Refused,
    Nothing,
}

#[test]
fn every_recorded_reply_is_read() {
    let Some(folder) = virtxen_testkit::shared("reference/xend-transcripts") else {
        return;
    };
    let mut counts: BTreeMap<(String, Kind), usize> = BTreeMap::new();
    for release in folders(&folder) {
        let name = release.file_name().unwrap().to_string_lossy().into_owned();
        for file in folders(&release) {
            if file.extension().is_some_and(|e| e == "resp") {
                let kind = check(&name, &file);
                *counts.entry((name.clone(), kind)).or_default() += 1;
            }
        }
    }
    for ((release, kind), count) in &counts {
        println!("{release} {kind:?} {count}");
    }
    let total: usize = counts.values().sum();
    assert!(total > 3000, "only {total} replies were found");
    // Every recording provokes each kind of error.
    for kind in [Kind::NoDomain, Kind::NotImplemented, Kind::Refused] {
        let releases = counts.keys().filter(|(_, k)| *k == kind).count();
        assert!(releases >= 7, "{kind:?}: {releases}");
    }
}

fn check(folder: &str, file: &Path) -> Kind {
    let context = format!("{folder}/{}", file.file_name().unwrap().to_string_lossy());
    let bytes = std::fs::read(file).unwrap();
    let request = std::fs::read(file.with_extension("req")).unwrap();
    let line = request.split(|b| *b == b'\r').next().unwrap();
    let line = String::from_utf8_lossy(line).into_owned();
    let method = match line.split(' ').next() {
        Some("HEAD") => Method::Head,
        Some("POST") => Method::Post,
        _ => Method::Get,
    };
    let whole = read(method, &bytes, bytes.len().max(1));
    assert_eq!(whole, read(method, &bytes, 1), "{context}");
    let reply = match whole {
        Ok(reply) => reply,
        Err(ReplyError::Nothing) => {
            assert!(bytes.is_empty(), "{context}");
            return Kind::Nothing;
        }
        Err(error) => panic!("{context}: {error}"),
    };
    if method != Method::Head {
        assert!(bytes.ends_with(&reply.body), "{context}");
    }
    judge(&context, folder, &line, reply)
}

fn judge(context: &str, folder: &str, line: &str, reply: Reply) -> Kind {
    let asked = Asked {
        operation: "replay",
        domain: line.contains("/xend/domain/"),
        unknown_is_internal_error: release(folder).habits().unknown_is_internal_error,
    };
    let status = reply.status;
    let success = (200..300).contains(&status) && !reply.body.starts_with(b"(xend.err");
    let expression = reply.body.starts_with(b"(") && !line.contains("dmesg");
    let answer = answer(asked, reply);
    assert_eq!(answer.is_ok(), success, "{context}: {answer:?}");
    match answer {
        Ok(text) if expression => {
            let (tree, end) = read_prefix(&text, Limits::default()).unwrap();
            assert!(tree.as_list().is_some(), "{context}");
            assert!(matches!(&text[end..], "" | "''"), "{context}: {text}");
            Kind::Expression
        }
        Ok(text) if text.is_empty() => Kind::Empty,
        Ok(_) => Kind::Text,
        Err(Error::NoDomain { words, .. }) => {
            assert!(matches!(status, 404 | 500), "{context}");
            assert!(!words.is_empty(), "{context}");
            Kind::NoDomain
        }
        Err(Error::NotImplemented { words, .. }) => {
            assert_eq!(status, 501, "{context}");
            assert!(!words.ends_with('\''), "{context}: {words}");
            Kind::NotImplemented
        }
        Err(Error::Refused { words, .. }) => {
            assert!(!words.is_empty(), "{context}");
            assert!(!words.contains("xend.err"), "{context}: {words}");
            Kind::Refused
        }
        Err(error) => panic!("{context}: {error}"),
    }
}

fn read(method: Method, bytes: &[u8], step: usize) -> Result<Reply, ReplyError> {
    let mut reader = ReplyReader::new(method, ReplyLimits::default());
    for piece in bytes.chunks(step) {
        if let Some(reply) = reader.feed(piece)? {
            return Ok(reply);
        }
    }
    reader.end()
}

fn release(folder: &str) -> Release {
    let numbers = folder.split('-').next().unwrap();
    let mut numbers = numbers.split('.').map(|n| n.parse().unwrap());
    let mut next = || numbers.next().unwrap();
    Release {
        major: next(),
        minor: next(),
        patch: next(),
    }
}

fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file() || path.join("index.md").exists());
    paths.sort();
    paths
}
