//! Values of the language, and how they are written.

use std::fmt::Write as _;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Python's None.
    None,
    /// A number; True and False are 1 and 0.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// A text.
    Text(String),
    /// A list or tuple.
    List(Vec<Value>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The number; also of a text that is one, as xm and xl take both.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The text; for a number, its digits.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::None | Self::List(_) => None,
        }
    }

    /// The values of a list; a single text counts as a list of one, as xl has it.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            Self::Text(_) => Some(std::slice::from_ref(self)),
            _ => None,
        }
    }

    /// Kind of value, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Integer(_) => "a number",
            Self::Real(_) => "a fraction",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
        }
    }

    /// Whether Python counts it as true.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Integer(number) => *number != 0,
            Self::Real(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(values) => !values.is_empty(),
        }
    }

    /// How deep lists are in lists, 0 for no list.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::List(values) => 1 + values.iter().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Characters and values in it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::None | Self::Integer(_) | Self::Real(_) => 1,
            Self::Text(text) => 1 + text.len(),
            Self::List(values) => values.iter().fold(1, |sum, value| sum + value.size()),
        }
    }

    /// Appends the value as it stands in a file. A text is quoted by what it does
    /// not contain; xl knows Python's escapes, but not its triple quotes.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::None => out.push_str("None"),
            // Writing to a String cannot fail.
            Self::Integer(number) => drop(write!(out, "{number}")),
            Self::Real(number) => {
                // Without exponent, which xl does not know.
                let text = number.to_string();
                out.push_str(&text);
                if !text.contains('.') {
                    out.push_str(".0");
                }
            }
            Self::Text(text) => write_text(text, out),
            Self::List(values) if values.is_empty() => out.push_str("[  ]"),
            Self::List(values) => {
                out.push_str("[ ");
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    value.write(out);
                }
                out.push_str(" ]");
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    let quote = if text.contains('"') && !text.contains('\'') {
        '\''
    } else {
        '"'
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}
