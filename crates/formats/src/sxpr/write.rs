//! Writer of XenD's dialect: [`Sxpr`] to text.
//!
//! Two hands: ours in requests, which quotes what it is told to quote and what
//! could not stand bare on any release, and XenD's own in replies, which is
//! Python's `repr` and changed with the releases.

use super::Sxpr;

/// How a XenD writes an empty text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyAtom {
    /// Nothing at all: `(bootloader )`, up to Xen 4.0.
    Nothing,
    /// `(bootloader '')`, from Xen 4.1 on.
    Quotes,
}

/// Writes a request: `(name 'value')(name value)`, no space between lists.
#[must_use]
pub fn write_request(tree: &Sxpr) -> String {
    let mut out = String::new();
    request(tree, &mut out);
    out
}

/// Writes a reply as XenD does: nodes separated by one space.
#[must_use]
pub fn write_reply(tree: &Sxpr, empty: EmptyAtom) -> String {
    let mut out = String::new();
    reply(tree, empty, &mut out);
    out
}

/// Appends a reply's expression to a text, as [`write_reply`] writes it.
pub fn append_reply(tree: &Sxpr, empty: EmptyAtom, out: &mut String) {
    reply(tree, empty, out);
}

/// Appends one atom as XenD writes it in a reply.
pub fn append_reply_atom(text: &str, empty: EmptyAtom, out: &mut String) {
    if text.is_empty() {
        if empty == EmptyAtom::Quotes {
            out.push_str("''");
        }
    } else if is_bare(text) {
        out.push_str(text);
    } else {
        python_repr(text, out);
    }
}

fn request(tree: &Sxpr, out: &mut String) {
    match tree {
        Sxpr::Atom { text, quoted, .. } => {
            if *quoted || !is_bare_in_request(text) {
                out.push('\'');
                for c in text.chars() {
                    if matches!(c, '\'' | '\\') {
                        out.push('\\');
                    }
                    out.push(c);
                }
                out.push('\'');
            } else {
                out.push_str(text);
            }
        }
        Sxpr::List { items, .. } => {
            out.push('(');
            for (i, item) in items.iter().enumerate() {
                let between_lists = i > 1 && item.as_list().is_some();
                if i > 0 && !between_lists {
                    out.push(' ');
                }
                request(item, out);
            }
            out.push(')');
        }
    }
}

fn reply(tree: &Sxpr, empty: EmptyAtom, out: &mut String) {
    match tree {
        Sxpr::Atom { text, .. } => append_reply_atom(text, empty, out),
        Sxpr::List { items, .. } => {
            out.push('(');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                reply(item, empty, out);
            }
            out.push(')');
        }
    }
}

/// Whether every XenD release reads the text right without quotes. Commas and
/// `@` are more than XenD writes bare itself; libvirt has always sent them so.
fn is_bare_in_request(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:/~-,@".contains(&b))
}

/// Whether XenD writes the text without quotes.
fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:/~-".contains(&b))
}

/// `repr` of a byte string in Python 2.
fn python_repr(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for byte in text.bytes() {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            b'\\' => out.push_str("\\\\"),
            b if char::from(b) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..0x7f => out.push(char::from(byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sxpr::{Limits, read};

    #[test]
    fn requests_quote_as_told_and_as_needed() {
        let tree = Sxpr::named(
            "vm",
            vec![
                Sxpr::quoted_pair("name", "a'b\\c"),
                Sxpr::pair("memory", "64"),
                Sxpr::pair("args", "two words"),
            ],
        );
        let text = write_request(&tree);
        assert_eq!(text, r"(vm (name 'a\'b\\c')(memory 64)(args 'two words'))");
        assert_eq!(read(&text, Limits::default()).unwrap(), tree);
    }

    #[test]
    fn replies_are_pythons_repr() {
        let tree = Sxpr::list(vec![
            Sxpr::pair("a", ""),
            Sxpr::pair("b", "it's"),
            Sxpr::pair("c", "both ' and \""),
            Sxpr::pair("d", "é\n"),
            Sxpr::pair("e", "file:/a~b-c.d_e"),
        ]);
        assert_eq!(
            write_reply(&tree, EmptyAtom::Quotes),
            r#"((a '') (b "it's") (c 'both \' and "') (d '\xc3\xa9\n') (e file:/a~b-c.d_e))"#
        );
        assert!(write_reply(&tree, EmptyAtom::Nothing).starts_with("((a ) "));
    }
}
