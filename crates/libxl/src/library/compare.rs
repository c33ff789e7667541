//! Whether a library took all that a configuration says: it drops unknown keys and
//! values of a wrong type without a word, and leaves out defaults when it writes. And
//! which part of a configuration it refuses: it does not say.

use serde_json::Value;
use std::fmt::Write;

/// Words that are defaults of some enumeration or flag, in some release.
const DEFAULTS: &[&str] = &[
    "",
    "<default>",
    "auto",
    "cirrus",
    "default",
    "destroy",
    "disabled",
    "ide",
    "ignore",
    "invalid",
    "none",
    "unknown",
    "00:00:00:00:00:00",
    "00000000-0000-0000-0000-000000000000",
];

/// The first key that was given and did not come back, with its value.
pub(super) fn dropped(given: &Value, back: &Value) -> Option<String> {
    let mut path = String::new();
    lost(given, back, &mut path).then_some(path)
}

/// The smallest part of a configuration that `reads` refuses when it stands alone, as a
/// path with its value.
pub(super) fn unreadable(given: &Value, reads: &mut dyn FnMut(&Value) -> bool) -> String {
    let mut path = String::new();
    let mut part = given;
    let mut around: Vec<Step<'_>> = Vec::new();
    while around.len() < DEPTH_MAX {
        let inside: Vec<(Step<'_>, &Value)> = match part {
            Value::Object(members) => members
                .iter()
                .map(|(key, it)| (Step::Key(key), it))
                .collect(),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(i, it)| (Step::Index(i), it))
                .collect(),
            _ => break,
        };
        let refused = inside.into_iter().find(|(step, value)| {
            let alone = around
                .iter()
                .rfold(step.wrap((*value).clone()), |inner, step| step.wrap(inner));
            !reads(&alone)
        });
        let Some((step, value)) = refused else {
            break;
        };
        let _ = match &step {
            Step::Key(key) if path.is_empty() => write!(path, "{key}"),
            Step::Key(key) => write!(path, ".{key}"),
            Step::Index(index) => write!(path, "[{index}]"),
        };
        around.push(step);
        part = value;
    }
    match part {
        Value::Object(_) | Value::Array(_) => path,
        value => format!("{path}: {value}"),
    }
}

/// Deeper than any structure of libxl.
const DEPTH_MAX: usize = 16;

/// A way into a value.
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Step<'_> {
    /// The value alone in what it stands in.
    fn wrap(&self, value: Value) -> Value {
        match self {
            Self::Key(key) => [((*key).to_owned(), value)].into_iter().collect(),
            Self::Index(_) => vec![value].into(),
        }
    }
}

/// Whether something was lost; then `path` says what.
fn lost(given: &Value, back: &Value, path: &mut String) -> bool {
    let length = path.len();
    match (given, back) {
        (Value::Object(given), Value::Object(back)) => {
            for (key, value) in given {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                let lost = match back.get(key) {
                    Some(back) => lost(value, back, path),
                    None => left_out(value, path),
                };
                if lost {
                    return true;
                }
                path.truncate(length);
            }
            false
        }
        // From 4.17 on what was a list is one of two lists in an object.
        (Value::Array(_), Value::Object(back)) if back.contains_key("cpuid") => {
            lost(given, back.get("cpuid").unwrap_or(&Value::Null), path)
        }
        (Value::Array(given), Value::Array(back)) if given.len() == back.len() => {
            for (i, (given, back)) in given.iter().zip(back).enumerate() {
                let _ = write!(path, "[{i}]");
                if lost(given, back, path) {
                    return true;
                }
                path.truncate(length);
            }
            false
        }
        (given, back) if same(given, back) => false,
        (given, back) => {
            let _ = write!(path, ": {given} became {back}");
            true
        }
    }
}

/// Whether a value that did not come back is more than a default.
fn left_out(value: &Value, path: &mut String) -> bool {
    if is_default(value) {
        return false;
    }
    let length = path.len();
    if let Value::Object(members) = value {
        for (key, value) in members {
            let _ = write!(path, ".{key}");
            if left_out(value, path) {
                return true;
            }
            path.truncate(length);
        }
        return false;
    }
    let _ = write!(path, ": {value}");
    true
}

fn same(given: &Value, back: &Value) -> bool {
    match (given, back) {
        (Value::String(given), Value::String(back)) => given.eq_ignore_ascii_case(back),
        // A library that was built with another number type writes 1.0.
        (Value::Number(given), Value::Number(back)) => {
            given == back || given.as_f64() == back.as_f64()
        }
        (given, back) => given == back,
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => {
            let unset = [0, u64::from(u32::MAX), u64::MAX];
            number
                .as_u64()
                .is_some_and(|number| unset.contains(&number))
                || number.as_i64() == Some(-1)
        }
        Value::String(word) => DEFAULTS.contains(&word.as_str()),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_lost_is_named() {
        let back = json!({"c_info": {"name": "a"}, "disks": [{"vdev": "xvda"}], "n": 2});
        for (given, expected) in [
            (
                json!({"c_info": {"name": "a", "uuid": "u"}}),
                "c_info.uuid: \"u\"",
            ),
            (
                json!({"disks": [{"vdev": "xvda", "new": {"a": 0, "b": [1]}}]}),
                "disks[0].new.b: [1]",
            ),
            (
                json!({"disks": []}),
                "disks: [] became [{\"vdev\":\"xvda\"}]",
            ),
            (json!({"n": 3}), "n: 3 became 2"),
            (
                json!({"c_info": {"name": 1}}),
                "c_info.name: 1 became \"a\"",
            ),
        ] {
            assert_eq!(dropped(&given, &back).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_refused_is_named() {
        let given = json!({"a": {"b": 1}, "disks": [{"x": 1}, {"f": "raw", "x": "rawx"}]});
        let mut reads = |value: &Value| !value.to_string().contains("rawx");
        assert_eq!(unreadable(&given, &mut reads), "disks[1].x: \"rawx\"");
        assert_eq!(unreadable(&given, &mut |_| true), "");
    }

    #[test]
    fn defaults_may_be_left_out() {
        let given = json!({
            "devid": -1, "memkb": u64::MAX, "flag": false, "text": "", "list": [],
            "kind": "invalid", "inner": {"flag": "<default>", "number": 0},
        });
        assert_eq!(dropped(&given, &json!({})), None);
        let cpuid = json!({"cpuid": [{"leaf": 1}]});
        let later = json!({"cpuid": {"cpuid": [{"leaf": 1}]}});
        assert_eq!(dropped(&cpuid, &later), None);
        assert!(dropped(&cpuid, &json!({"cpuid": {"cpuid": [{"leaf": 2}]}})).is_some());
        assert_eq!(
            dropped(
                &json!({"mac": "00:16:3E:AA:BB:CC"}),
                &json!({"mac": "00:16:3e:aa:bb:cc"})
            ),
            None
        );
    }
}
