//! A list of an S-expression that remembers what was asked of it, so that what
//! nobody asked for becomes a note instead of being lost.
//!
//! What XenD only reports (times, frames, states) and what it adds itself with
//! its default value is known in tables, one for each kind of list.

use super::Sxpr;
use crate::convert::{Error, Notes, excerpt};

/// A list while it is read.
pub(super) struct Section<'a> {
    node: &'a Sxpr,
    path: String,
    used: Vec<bool>,
}

/// A list that may stay unread: its name and the values with which it says
/// nothing new; no values means any.
pub(super) type Quiet = (&'static str, &'static [&'static str]);

impl<'a> Section<'a> {
    pub(super) fn new(node: &'a Sxpr, path: String) -> Self {
        Self {
            used: vec![false; node.rest().len()],
            node,
            path,
        }
    }

    /// Names of the lists down to this one.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The value of `(name value)`; `(name)` and `(name '')` give an empty text. A
    /// list instead of a value stays unread.
    pub(super) fn value(&mut self, name: &str) -> Option<&'a str> {
        let node = self.take(name, |node| {
            node.rest().iter().all(|value| value.as_atom().is_some()) && node.rest().len() < 2
        })?;
        Some(node.rest().first().and_then(Sxpr::as_atom).unwrap_or(""))
    }

    /// [`value`](Self::value) if it is not empty.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        self.value(name).filter(|value| !value.is_empty())
    }

    /// A whole number, as `strtol` reads it: decimal, `0x`, in quotes or not.
    pub(super) fn number(&mut self, name: &str, notes: &mut Notes) -> Option<i64> {
        let text = self.text(name)?;
        let number = parse_number(text);
        if number.is_none() {
            let path = format!("{}/{name}", self.path);
            notes.setting_at(
                path,
                self.node.at(),
                format!("'{}' is no number", excerpt(text)),
            );
        }
        number
    }

    /// Whether a switch is on: any number but 0.
    pub(super) fn switch(&mut self, name: &str, notes: &mut Notes) -> Option<bool> {
        self.number(name, notes).map(|number| number != 0)
    }

    /// The first list with this name, as a node.
    pub(super) fn child(&mut self, name: &str) -> Option<&'a Sxpr> {
        self.take(name, |_| true)
    }

    /// All lists with this name.
    pub(super) fn children(&mut self, name: &str) -> Vec<&'a Sxpr> {
        let mut found = Vec::new();
        for (node, used) in self.node.rest().iter().zip(&mut self.used) {
            if node.name() == Some(name) {
                *used = true;
                found.push(node);
            }
        }
        found
    }

    /// The error for a value of this list.
    pub(super) fn malformed(&self, name: &str, value: &str, expected: &'static str) -> Error {
        Error::Malformed {
            path: format!("{}/{name}", self.path),
            at: Some(self.node.at()),
            value: excerpt(value),
            expected,
        }
    }

    /// Notes what nobody asked for.
    pub(super) fn finish(self, notes: &mut Notes, quiet: &[Quiet]) {
        for (node, used) in self.node.rest().iter().zip(&self.used) {
            if *used || is_quiet(node, quiet) {
                continue;
            }
            let (path, what) = match node.name() {
                Some(name) => (format!("{}/{}", self.path, excerpt(name)), said(node)),
                None => (self.path.clone(), said(node)),
            };
            notes.setting_at(
                path,
                node.at(),
                format!("{what} has no place in the domain document"),
            );
        }
    }

    /// The first list with this name for which the test holds. XenD repeats some
    /// lists: copies that say the same count as read, and so do empty ones, which
    /// 3.0.4 puts before the ones that it fills.
    fn take(&mut self, name: &str, wanted: impl Fn(&Sxpr) -> bool) -> Option<&'a Sxpr> {
        let named = |node: &&Sxpr| node.name() == Some(name) && wanted(node);
        let mut nodes = self.node.rest().iter().filter(named);
        let first = nodes.next()?;
        let taken = if is_empty(first) {
            nodes.find(|node| !is_empty(node)).unwrap_or(first)
        } else {
            first
        };
        for (node, used) in self.node.rest().iter().zip(&mut self.used) {
            *used |= named(&node) && (taken == node || is_empty(node));
        }
        Some(taken)
    }
}

/// Whether a list has its name only.
fn is_empty(node: &Sxpr) -> bool {
    node.rest().iter().all(|value| value.as_atom() == Some(""))
}

/// A whole number: decimal or `0x…`.
pub(super) fn parse_number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let hex = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((digits, 10), |hex| (hex, 16));
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = i64::from_str_radix(digits, radix).ok()?;
    Some(sign * number)
}

fn is_quiet(node: &Sxpr, quiet: &[Quiet]) -> bool {
    let Some(name) = node.name() else {
        // An atom or a list without a name, but not an empty one.
        return node.as_atom() == Some("") || node.as_list().is_some_and(<[Sxpr]>::is_empty);
    };
    quiet.iter().any(|(known, values)| {
        *known == name
            && (values.is_empty()
                || match node.rest() {
                    [] => values.contains(&""),
                    [Sxpr::Atom { text, .. }] => values.contains(&text.as_str()),
                    [Sxpr::List { items, .. }] => items.is_empty() && values.contains(&""),
                    _ => false,
                })
    })
}

fn said(node: &Sxpr) -> String {
    match node.rest() {
        [value] if value.as_atom().is_some() => {
            format!("'{}'", excerpt(value.as_atom().unwrap_or("")))
        }
        _ => "this".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sxpr::{Limits, read};

    #[test]
    fn what_is_not_read_is_noted_once() {
        let tree = read(
            "(a (b 1)(b 1)(b 2)(c )(d x)(e (f))(g 7) h)",
            Limits::default(),
        )
        .unwrap();
        let mut section = Section::new(&tree, "a".to_owned());
        let mut notes = Notes::default();
        assert_eq!(section.number("b", &mut notes), Some(1));
        assert_eq!(section.value("c"), Some(""));
        assert_eq!(section.text("c"), None);
        assert_eq!(section.value("e"), None);
        section.finish(&mut notes, &[("g", &[]), ("d", &["y"])]);
        let paths: Vec<_> = notes
            .into_converted(())
            .notes
            .into_iter()
            .map(|n| n.path)
            .collect();
        assert_eq!(paths, ["a/b", "a/d", "a/e", "a"]);
    }

    #[test]
    fn numbers_are_those_of_c() {
        assert_eq!(parse_number("0x1b"), Some(27));
        assert_eq!(parse_number("-3600"), Some(-3600));
        for bad in ["", "0x", "1.0", "--1", "+1", "99999999999999999999"] {
            assert_eq!(parse_number(bad), None, "{bad}");
        }
    }
}
