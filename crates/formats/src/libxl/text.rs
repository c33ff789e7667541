//! Texts of configurations: JSON within bounds, of one domain or of all, as `xl list
//! -l` prints them, and the way back to text.

use super::guest::libxl_to_guest;
use super::place::Places;
use crate::convert::{Converted, Error, excerpt};
use serde_json::Value;
use virtxen_guest::Guest;

/// Most bytes of a text; a configuration has some thousands.
const BYTES_MAX: usize = 16 << 20;

/// Most domains in a text.
const DOMAINS_MAX: usize = 4096;

/// Why a text is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It is too long.
    #[error("more than {limit} bytes")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// It is no JSON; lists in it are nested at most 128 deep.
    #[error("no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of more domains than are read.
    #[error("{count} domains: at most {limit} are read")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The bound.
        limit: usize,
    },
    /// One of its parts is no configuration.
    #[error("{0}")]
    Guest(#[from] Error),
}

/// The guests of a text: `libxl_domain_config`, or what `xl list -l` prints.
///
/// # Errors
/// When it is no JSON or too much of it, or no configuration is in it.
pub fn text_to_guests(text: &str) -> Result<Vec<Converted<Guest>>, TextError> {
    let value = read_text(text)?;
    let places = Places::of(text);
    let guest = |part: &str, value: &Value| {
        let mut guest = libxl_to_guest(value)?;
        places.put(part, &mut guest.notes);
        Ok(guest)
    };
    let list = match &value {
        Value::Array(list) if !list.is_empty() => list,
        one => return Ok(vec![guest("", one)?]),
    };
    if list.len() > DOMAINS_MAX {
        return Err(TextError::TooMany {
            count: list.len(),
            limit: DOMAINS_MAX,
        });
    }
    let guests = (1..).zip(list);
    let guests = guests.map(|(number, value): (usize, _)| guest(&format!("[{number}]"), value));
    guests.collect()
}

/// The guest of a text that is of one domain only.
///
/// # Errors
/// As [`text_to_guests`], and when there is more than one.
pub fn text_to_guest(text: &str) -> Result<Converted<Guest>, TextError> {
    let mut guests = text_to_guests(text)?;
    match (guests.pop(), guests.len()) {
        (Some(guest), 0) => Ok(guest),
        (_, others) => Err(Error::Kind {
            expected: "the configuration of one domain",
            found: excerpt(&format!("{} of them", others + 1)),
        }
        .into()),
    }
}

/// A configuration as text, as libxl lays it out.
#[must_use]
pub fn to_text(config: &Value) -> String {
    // serde_json indents by two; four are yajl's way, and with them files compare.
    let mut out = String::new();
    lay_out(config, 0, &mut out);
    out.push('\n');
    out
}

fn lay_out(value: &Value, depth: usize, out: &mut String) {
    const INDENT: &str = "    ";
    let (open, close, count) = match value {
        Value::Array(list) => ('[', ']', list.len()),
        Value::Object(map) => ('{', '}', map.len()),
        other => {
            out.push_str(&other.to_string());
            return;
        }
    };
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&INDENT.repeat(depth));
    };
    out.push(open);
    let mut item = |index: usize, key: Option<&String>, value: &Value| {
        line(depth + 1, out);
        if let Some(key) = key {
            out.push_str(&Value::from(key.as_str()).to_string());
            out.push_str(": ");
        }
        lay_out(value, depth + 1, out);
        if index + 1 < count {
            out.push(',');
        }
    };
    match value {
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                item(index, None, value);
            }
        }
        Value::Object(map) => {
            for (index, (key, value)) in map.iter().enumerate() {
                item(index, Some(key), value);
            }
        }
        _ => {}
    }
    if count > 0 {
        line(depth, out);
    }
    out.push(close);
}

/// A text as a value, within bounds.
pub(super) fn read_text(text: &str) -> Result<Value, TextError> {
    if text.len() > BYTES_MAX {
        return Err(TextError::TooLong { limit: BYTES_MAX });
    }
    let text = text.trim_start_matches('\u{feff}');
    // What libxl keeps in files ends with a NUL.
    let text = text.trim_end_matches(['\0', '\n', '\r', ' ', '\t']);
    Ok(serde_json::from_str(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"c_info": {"type": "pv", "name": "a"},
                          "b_info": {"max_memkb": 1024, "type.pv": {}}}"#;

    #[test]
    fn texts_of_all_tools_are_read() {
        let guest = text_to_guest(ONE).unwrap();
        assert_eq!((guest.value.name.as_str(), guest.value.id), ("a", None));
        let kept = format!("{ONE}\0");
        assert_eq!(text_to_guest(&kept).unwrap(), guest);
        let listed = format!(r#"[{{"domid": 7, "config": {ONE}}}]"#);
        let again = text_to_guest(&listed).unwrap().value;
        assert_eq!(again.id.map(|id| id.0), Some(7));
        let two = format!("[{ONE}, {ONE}]");
        assert_eq!(text_to_guests(&two).unwrap().len(), 2);
        assert!(text_to_guest(&two).is_err());
    }

    #[test]
    fn notes_have_their_places() {
        let text = r#"[{"domid": 1, "config": {"c_info": {"name": "a", "type": "pv"},
            "b_info": {"max_memkb": 1, "colour": 7, "type.pv": {"slack_memkb": 8}}}}]"#;
        let notes = text_to_guest(text).unwrap().notes;
        let places: Vec<_> = notes.iter().map(|note| (&*note.path, note.at)).collect();
        let expected = [
            ("config/b_info/type.pv/slack_memkb", text.find("\"slack")),
            ("config/b_info/colour", text.find("\"colour")),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn other_texts_are_refused() {
        let deep = "[".repeat(100_000);
        for text in ["", "[]", "{}", "null", "7", "{\"c_info\": {}}", &deep] {
            assert!(text_to_guests(text).is_err(), "{}", excerpt(text));
        }
        let long = " ".repeat(BYTES_MAX + 1);
        assert!(matches!(
            text_to_guests(&long),
            Err(TextError::TooLong { .. })
        ));
    }

    #[test]
    fn texts_are_laid_out_as_libxls() {
        let value: Value = serde_json::from_str(r#"{"a":[],"b":{"c":[1,"x\n"]}}"#).unwrap();
        let text = to_text(&value);
        let expected = "{\n    \"a\": [],\n    \"b\": {\n        \"c\": [\n            1,\n            \"x\\n\"\n        ]\n    }\n}\n";
        assert_eq!(text, expected);
    }
}
