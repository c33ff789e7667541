//! Configurations of libxl compared by their meaning: what libxl leaves out or reads
//! at another place too makes no difference.

use serde_json::{Map, Value};

/// Keys of `b_info` that older releases have under the kind of guest.
const MOVED: &[&str] = &[
    "acpi",
    "apic",
    "nested_hvm",
    "timer_mode",
    "kernel",
    "ramdisk",
    "cmdline",
    "bootloader",
    "bootloader_args",
];

/// A configuration without what has no meaning.
pub(crate) fn meaning(config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(build) = config.get_mut("b_info").and_then(Value::as_object_mut) {
        settle(build);
    }
    strip(&config)
}

fn settle(build: &mut Map<String, Value>) {
    for kind in ["type.hvm", "type.pv", "type.pvh"] {
        for key in MOVED {
            let own = build.get_mut(kind).and_then(Value::as_object_mut);
            if let Some(value) = own.and_then(|own| own.remove(*key)) {
                build.entry(*key).or_insert(value);
            }
        }
    }
    // The list of older releases is read by all.
    if let Some(list @ Value::Array(_)) = build.get("cpuid").cloned() {
        build.insert("cpuid".to_owned(), serde_json::json!({ "cpuid": list }));
    }
}

/// Without fields that libxl does not write: those at their default.
fn strip(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut kept: Vec<(String, Value)> = Vec::new();
            for (key, value) in map {
                let value = strip(value);
                if !is_default(key, &value) {
                    kept.push((key.clone(), value));
                }
            }
            kept.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(kept.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(strip).collect()),
        other => other.clone(),
    }
}

fn is_default(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => match key {
            "devid" | "ctrl" => matches!(number.as_i64(), Some(-1 | 0)),
            _ => number.as_i64() == Some(0),
        },
        Value::String(text) => match text.as_str() {
            "" | "<default>" | "unknown" | "invalid" | "default" => true,
            "destroy" => key.starts_with("on_"),
            _ => false,
        },
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Where two configurations differ.
pub(crate) fn differences(ours: &Value, theirs: &Value, path: &str) -> String {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            let null = Value::Null;
            let of = |map: &Map<String, Value>, key: &str| map.get(key).unwrap_or(&null).clone();
            let inner = keys.into_iter().map(|key| {
                let path = format!("{path}/{key}");
                differences(&of(a, key), &of(b, key), &path)
            });
            inner.collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let inner = a.iter().zip(b).enumerate();
            let inner = inner.map(|(i, (a, b))| differences(a, b, &format!("{path}[{}]", i + 1)));
            inner.collect()
        }
        _ if ours == theirs => String::new(),
        _ => format!("\n    {path}: {ours} instead of {theirs}"),
    }
}
