//! A look into an S-expression without building its tree.
//!
//! For listings: XenD's documents of a thousand domains are megabytes, of which
//! a list needs ten words each. A malformed text ends the scan; where and why is
//! what [`read`](super::read) tells.

use super::{Limits, read_prefix};
use std::borrow::Cow;

/// A place in a text that is an S-expression.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of a text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Enters the list that is next; `false` if none is.
    pub fn open(&mut self) -> bool {
        self.take(b'(')
    }

    /// Leaves the list that ends here; `false` if more is in it.
    pub fn close(&mut self) -> bool {
        self.take(b')')
    }

    /// Takes the atom that is next; `None` if none is.
    pub fn atom(&mut self) -> Option<Cow<'a, str>> {
        self.skip_blank();
        let start = self.at;
        match self.peek()? {
            b'(' | b')' => None,
            quote @ (b'\'' | b'"') => {
                let escaped = self.skip_quoted(quote)?;
                if !escaped {
                    return self.text.get(start + 1..self.at - 1).map(Cow::Borrowed);
                }
                let written = self.text.get(start..self.at)?;
                let (tree, _) = read_prefix(written, Limits::default()).ok()?;
                tree.as_atom().map(|text| Cow::Owned(text.to_owned()))
            }
            _ => {
                self.skip_bare();
                self.text.get(start..self.at).map(Cow::Borrowed)
            }
        }
    }

    /// Skips what is left of the list that was entered last, with its end.
    /// `false` if the text ends before.
    pub fn leave(&mut self) -> bool {
        let mut depth = 1_usize;
        loop {
            self.skip_blank();
            match self.peek() {
                None => return false,
                Some(b'(') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b')') => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return true;
                    }
                }
                Some(quote @ (b'\'' | b'"')) => {
                    if self.skip_quoted(quote).is_none() {
                        return false;
                    }
                }
                Some(_) => self.skip_bare(),
            }
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_blank();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Whether the quoted text had escapes; `None` if it does not end.
    fn skip_quoted(&mut self, quote: u8) -> Option<bool> {
        let mut escaped = false;
        self.at += 1;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            if byte == quote {
                return Some(escaped);
            }
            if byte == b'\\' {
                escaped = true;
                self.at += 1;
            }
        }
    }

    fn skip_bare(&mut self) {
        while let Some(byte) = self.peek() {
            if byte.is_ascii_whitespace() || matches!(byte, b'(' | b')' | b'\'' | b'"' | 0x0b) {
                return;
            }
            self.at += 1;
        }
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'#' {
                while self.peek().is_some_and(|b| b != b'\n') {
                    self.at += 1;
                }
            } else if byte.is_ascii_whitespace() || byte == 0x0b {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_between_lists() {
        let text = r#"((a (b 'x)')) (c 'it\'s') d "é)" ) # ) "#;
        let mut scan = Scanner::new(text);
        assert!(scan.open() && scan.open());
        assert_eq!(scan.atom().as_deref(), Some("a"));
        assert_eq!(scan.atom(), None);
        assert!(!scan.close());
        assert!(scan.leave());
        assert!(scan.open());
        assert_eq!(scan.atom().as_deref(), Some("c"));
        assert_eq!(scan.atom().as_deref(), Some("it's"));
        assert!(scan.close());
        assert_eq!(scan.atom().as_deref(), Some("d"));
        assert_eq!(scan.atom().as_deref(), Some("é)"));
        assert!(scan.close());
        assert!(!scan.close() && !scan.open() && !scan.leave());
    }

    #[test]
    fn a_broken_text_ends_the_scan() {
        for text in ["(a 'b", "(a (b)", "'\\", "'é\\é"] {
            let mut scan = Scanner::new(text);
            scan.open();
            assert!(!scan.leave(), "{text}");
        }
        assert_eq!(Scanner::new("'\\").atom(), None);
        assert_eq!(Scanner::new("'a").atom(), None);
    }
}
