//! What differs between two answers to the same question.
//!
//! Documents are compared by element, text by line, errors by code, origin and words.
//! Whether a difference matters is in `rules`.

use super::flatten::flatten;
use crate::{Error, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// What came of a step of play.py.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) step: String,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Value(Value),
    /// Code, origin, message.
    Error(i64, i64, String),
}

/// One thing that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) step: String,
    /// `outcome`, `code`, `origin`, `words`, `value`, `line KEY` for a line of a text, or
    /// the place in a document.
    pub(super) what: String,
    pub(super) theirs: String,
    pub(super) ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} · {}\n    libvirt:  {}\n    virtxend: {}",
            self.step, self.what, self.theirs, self.ours
        )
    }
}

impl Record {
    /// Reads a line of play.py.
    pub(super) fn read(line: &str) -> Result<Self> {
        let strange = |reason: String| Error::Output {
            program: "play.py",
            reason,
        };
        let mut json: Value =
            serde_json::from_str(line).map_err(|error| strange(error.to_string()))?;
        let step = json["step"].as_str().unwrap_or_default().to_owned();
        let error = json["error"].take();
        let outcome = match error.as_array().map(Vec::as_slice) {
            Some([code, origin, message]) => Outcome::Error(
                code.as_i64().unwrap_or_default(),
                origin.as_i64().unwrap_or_default(),
                message.as_str().unwrap_or_default().to_owned(),
            ),
            _ => virsh_outcome(json["value"].take()),
        };
        Ok(Self { step, outcome })
    }
}

/// The code of an error of which only virsh's words are known.
const VIRSH: i64 = -1;

/// libvirt's words for a code: the beginning of the last error that virsh prints.
fn kind(words: &str) -> &str {
    let mut errors = words
        .lines()
        .filter_map(|line| line.strip_prefix("error: "));
    let last = errors.next_back().unwrap_or(words);
    last.split_once(": ").map_or(last, |(kind, _)| kind)
}

/// What virsh printed begins with its exit code; one that failed is an error.
fn virsh_outcome(value: Value) -> Outcome {
    let lines: Vec<&str> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match lines.split_first() {
        Some((&"exit code 0", rest)) => Outcome::Value(Value::String(rest.join("\n"))),
        Some((code, rest)) if code.starts_with("exit code ") => {
            Outcome::Error(VIRSH, 0, rest.join("\n").trim().to_owned())
        }
        _ => Outcome::Value(value),
    }
}

/// Everything that is not the same in two answers to one step.
pub(super) fn differences(theirs: &Record, ours: &Record) -> Vec<Difference> {
    let step = &theirs.step;
    let mut found = Vec::new();
    let mut note = |what: &str, theirs: &str, ours: &str| {
        if theirs != ours {
            found.push(Difference {
                step: step.clone(),
                what: what.to_owned(),
                theirs: theirs.to_owned(),
                ours: ours.to_owned(),
            });
        }
    };
    match (&theirs.outcome, &ours.outcome) {
        (Outcome::Error(code, origin, words), Outcome::Error(code2, origin2, words2)) => {
            let is_same_kind = code == code2 && (*code != VIRSH || kind(words) == kind(words2));
            if !is_same_kind {
                let theirs = format!("{code}: {words}");
                note("code", &theirs, &format!("{code2}: {words2}"));
            } else if origin != origin2 {
                let theirs = format!("{origin}: {words}");
                note("origin", &theirs, &format!("{origin2}: {words2}"));
            } else {
                note("words", words, words2);
            }
        }
        (Outcome::Value(theirs), Outcome::Value(ours)) => values(theirs, ours, &mut note),
        (Outcome::Error(code, _, words), Outcome::Value(value)) => {
            note("outcome", &format!("{code}: {words}"), &short(value));
        }
        (Outcome::Value(value), Outcome::Error(code, _, words)) => {
            note("outcome", &short(value), &format!("{code}: {words}"));
        }
    }
    found
}

/// Takes one thing that may not be the same: what it is, theirs, ours.
type Note<'a> = &'a mut dyn FnMut(&str, &str, &str);

fn values(theirs: &Value, ours: &Value, note: Note<'_>) {
    match (theirs, ours) {
        (Value::String(theirs), Value::String(ours)) => texts(theirs, ours, note),
        (Value::Object(theirs), Value::Object(ours)) => {
            let keys: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
            for key in keys {
                let [theirs, ours] = [theirs, ours].map(|map| map.get(key).map(short));
                note(
                    &format!("value of {key}"),
                    &theirs.unwrap_or_default(),
                    &ours.unwrap_or_default(),
                );
            }
        }
        _ => note("value", &short(theirs), &short(ours)),
    }
}

/// Documents by element, other texts by line: lines of one that the other does not have,
/// in their order.
fn texts(theirs: &str, ours: &str, note: Note<'_>) {
    if let (Some(theirs), Some(ours)) = (flatten(theirs), flatten(ours)) {
        let places: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for place in places {
            let [theirs, ours] = [&theirs, &ours].map(|leaves| leaves.get(place));
            let missing = || "(absent)".to_owned();
            note(
                place,
                &theirs.cloned().unwrap_or_else(missing),
                &ours.cloned().unwrap_or_else(missing),
            );
        }
        return;
    }
    let (only_theirs, mut only_ours) = (without(theirs, ours), without(ours, theirs));
    for theirs in only_theirs {
        let place = only_ours.iter().position(|ours| key(ours) == key(theirs));
        let ours = place.map(|place| only_ours.remove(place));
        note(&line(theirs), theirs, ours.unwrap_or("(absent)"));
    }
    for ours in only_ours {
        note(&line(ours), "(absent)", ours);
    }
}

/// What a line is about, of a configuration or a list with names: what stands before
/// the sign.
fn key(line: &str) -> &str {
    line.split_once(['=', ':'])
        .map_or("", |(key, _)| key.trim())
}

fn line(text: &str) -> String {
    format!("line {}", key(text)).trim().to_owned()
}

fn without<'a>(text: &'a str, other: &str) -> Vec<&'a str> {
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut others: Vec<String> = other.lines().map(squeeze).collect();
    let is_new = |line: &&str| {
        let line = squeeze(line);
        let place = others.iter().position(|other| *other == line);
        place.map(|place| others.swap_remove(place)).is_none()
    };
    text.lines().filter(is_new).map(str::trim).collect()
}

/// A value in one line that can be read.
fn short(value: &Value) -> String {
    const LONGEST: usize = 160;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(theirs: &str, ours: &str) -> Vec<String> {
        let [theirs, ours] = [theirs, ours].map(|line| Record::read(line).unwrap());
        let found = differences(&theirs, &ours);
        let text = |it: &Difference| format!("{}: {} / {}", it.what, it.theirs, it.ours);
        found.iter().map(text).collect()
    }

    #[test]
    fn documents_differ_by_element() {
        let theirs = r#"{"step":"x","value":"<a><b c='1'/><d>t</d></a>"}"#;
        let ours = r#"{"step":"x","value":"<a><b c='2'/>\n</a>"}"#;
        assert_eq!(found(theirs, ours), ["a/b/@c: 1 / 2", "a/d: t / (absent)"]);
        assert_eq!(found(theirs, theirs), [""; 0]);
    }

    #[test]
    fn errors_differ_by_code_or_else_by_origin_and_words() {
        let error =
            |code, origin, words| format!(r#"{{"step":"x","error":[{code},{origin},"{words}"]}}"#);
        let theirs = error(42, 41, "gone");
        let ours = error(42, 1, "'x' is gone");
        assert_eq!(found(&theirs, &ours), ["origin: 41: gone / 1: 'x' is gone"]);
        let ours = error(42, 41, "'x' is gone");
        assert_eq!(found(&theirs, &ours), ["words: gone / 'x' is gone"]);
        let ours = error(1, 1, "oops");
        assert_eq!(found(&theirs, &ours), ["code: 42: gone / 1: oops"]);
        let ours = r#"{"step":"x","value":[1]}"#;
        assert_eq!(found(&theirs, ours), ["outcome: 42: gone / [1]"]);
    }

    #[test]
    fn what_virsh_prints_differs_by_line() {
        let theirs = r#"{"step":"x","value":["exit code 0","a   b","c"]}"#;
        let ours = r#"{"step":"x","value":["exit code 0","a b","d"]}"#;
        assert_eq!(found(theirs, ours), ["line: c / d"]);
        let ours = r#"{"step":"x","value":["exit code 1","error: no"]}"#;
        assert_eq!(found(theirs, ours), ["outcome: a b c / -1: error: no"]);
        let theirs = r#"{"step":"x","value":["exit code 0","b = 1","a = 2"]}"#;
        let ours = r#"{"step":"x","value":["exit code 0","a = 1","c = 3","b = 1"]}"#;
        let expected = ["line a: a = 2 / a = 1", "line c: (absent) / c = 3"];
        assert_eq!(found(theirs, ours), expected);
    }

    #[test]
    fn what_virsh_complains_of_has_a_kind() {
        let failed = |words| format!(r#"{{"step":"x","value":["exit code 1","error: {words}"]}}"#);
        let theirs = failed("Domain not found: y");
        let same = failed("Domain not found: no y");
        let other = failed("access denied: y");
        assert!(found(&theirs, &same)[0].starts_with("words"));
        assert!(found(&theirs, &other)[0].starts_with("code"));
    }
}
