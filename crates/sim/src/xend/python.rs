//! Texts as Python 2 prints them, which shows through in XenD's replies.
//!
//! S-expressions are written by `formats`; here is what is printed beside them.

use std::fmt::Write as _;

use virtxen_formats::sxpr::Sxpr;

/// Python 2's `repr` of a byte string.
pub(crate) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::from(quote);
    for byte in text.bytes() {
        match byte {
            b'\\' => shown.push_str("\\\\"),
            b'\n' => shown.push_str("\\n"),
            b'\r' => shown.push_str("\\r"),
            b'\t' => shown.push_str("\\t"),
            _ if char::from(byte) == quote => {
                shown.push('\\');
                shown.push(quote);
            }
            b' '..=b'~' => shown.push(char::from(byte)),
            // Writing to a string does not fail.
            _ => {
                let _ = write!(shown, "\\x{byte:02x}");
            }
        }
    }
    shown.push(quote);
    shown
}

/// `urllib.quote`: everything but letters, digits, `_.-` and slashes as `%XX`.
pub(crate) fn url_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            let _ = write!(quoted, "%{byte:02X}");
        }
    }
    quoted
}

/// Python's `str` of a node: an atom's text, a list as Python shows it.
pub(crate) fn text(node: &Sxpr) -> String {
    match node {
        Sxpr::Atom { text, .. } => text.clone(),
        Sxpr::List { .. } => repr_node(node),
    }
}

/// Python's `repr` of a node: lists in brackets, atoms quoted.
pub(crate) fn repr_node(node: &Sxpr) -> String {
    match node {
        Sxpr::Atom { text, .. } => repr(text),
        Sxpr::List { items, .. } => {
            let items: Vec<String> = items.iter().map(repr_node).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn represents_as_python_does() {
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("it's \"so\""), "'it\\'s \"so\"'");
        assert_eq!(repr("ü\n"), "'\\xc3\\xbc\\n'");
        assert_eq!(url_quoted("a/b c+ü"), "a/b%20c%2B%C3%BC");
    }
}
