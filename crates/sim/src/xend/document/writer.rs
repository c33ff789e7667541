//! A pen for replies: straight to text, with no tree in between.
//!
//! A list of a thousand domains is written in one buffer.

use std::fmt::{Display, Write};

use virtxen_formats::sxpr::{EmptyAtom, Sxpr, append_reply, append_reply_atom};

/// Writes an expression as a release of XenD does.
#[derive(Debug)]
pub(crate) struct Writer {
    out: String,
    empty: EmptyAtom,
}

impl Writer {
    /// An empty page.
    pub(crate) fn new(empty: EmptyAtom) -> Self {
        Self {
            out: String::new(),
            empty,
        }
    }

    /// Opens a list that has a name.
    pub(crate) fn open(&mut self, name: &str) {
        self.gap();
        self.out.push('(');
        append_reply_atom(name, self.empty, &mut self.out);
    }

    /// Opens a list without a name.
    pub(crate) fn open_bare(&mut self) {
        self.gap();
        self.out.push('(');
    }

    /// Closes the list that was opened last.
    pub(crate) fn close(&mut self) {
        self.out.push(')');
    }

    /// An atom.
    pub(crate) fn atom(&mut self, text: &str) {
        self.gap();
        append_reply_atom(text, self.empty, &mut self.out);
    }

    /// A number, which stands bare.
    pub(crate) fn number(&mut self, value: impl Display) {
        self.gap();
        // Writing to a string does not fail.
        let _ = write!(self.out, "{value}");
    }

    /// Text that is written already.
    pub(crate) fn raw(&mut self, text: &str) {
        self.gap();
        self.out.push_str(text);
    }

    /// Any node.
    pub(crate) fn node(&mut self, node: &Sxpr) {
        self.gap();
        append_reply(node, self.empty, &mut self.out);
    }

    /// `(name text)`.
    pub(crate) fn pair(&mut self, name: &str, text: &str) {
        self.open(name);
        self.atom(text);
        self.close();
    }

    /// `(name number)`.
    pub(crate) fn pair_number(&mut self, name: &str, value: impl Display) {
        self.open(name);
        self.number(value);
        self.close();
    }

    /// `(name node)`.
    pub(crate) fn pair_node(&mut self, name: &str, node: &Sxpr) {
        self.open(name);
        self.node(node);
        self.close();
    }

    /// The page.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// One space between the nodes of a list; an empty text still has its own.
    fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('(') {
            self.out.push(' ');
        }
    }
}

/// A float as Python writes it: `0.0`, `12.5`.
pub(crate) fn float(value: f64) -> String {
    let text = format!("{value}");
    if text.contains('.') || text.contains('e') {
        text
    } else {
        format!("{text}.0")
    }
}
