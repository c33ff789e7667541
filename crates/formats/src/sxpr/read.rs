//! Reader of XenD's dialect: text to [`Sxpr`].
//!
//! It takes what every XenD release writes (and what libvirt's files hold):
//! bare atoms, Python string literals in either quote with their escapes,
//! `#` comments. Size, depth and node count are bounded; no input panics.

use super::Sxpr;

/// Bounds on what the reader accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest text, in bytes.
    pub bytes: usize,
    /// Deepest nesting of lists.
    pub depth: usize,
    /// Most atoms and lists together.
    pub nodes: usize,
}

impl Default for Limits {
    /// Room for the details of thousands of domains in one reply.
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            depth: 64,
            nodes: 8 << 20,
        }
    }
}

/// Why a text is not an S-expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// Byte offset in the text.
    pub at: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// Nothing but white space.
    #[error("no expression")]
    Empty,
    /// The text ends inside a list.
    #[error("the list opened at byte {opened} is not closed")]
    OpenList {
        /// Offset of the opening parenthesis.
        opened: usize,
    },
    /// The text ends inside quotes.
    #[error("the text quoted at byte {opened} is not closed")]
    OpenQuote {
        /// Offset of the opening quote.
        opened: usize,
    },
    /// A closing parenthesis without its opening one.
    #[error("unexpected ')'")]
    UnexpectedClose,
    /// Something after the expression.
    #[error("text after the expression")]
    Trailing,
    /// A control character outside quotes.
    #[error("character {code:#04x} outside quotes")]
    Character {
        /// Its code.
        code: u8,
    },
    /// Over one of the [`Limits`].
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
}

/// Reads a text that is one expression, with nothing but white space after it.
///
/// # Errors
/// What is wrong with the text, with its place.
pub fn read(text: &str, limits: Limits) -> Result<Sxpr, ReadError> {
    let (tree, end) = read_prefix(text, limits)?;
    let mut reader = Reader::new(text, limits);
    reader.at = end;
    reader.skip_blank();
    if reader.at == text.len() {
        Ok(tree)
    } else {
        Err(reader.error(ReadErrorKind::Trailing))
    }
}

/// Reads the first expression of a text and returns where it ended. XenD 4.1
/// and later put `''` after the expression of many replies.
///
/// # Errors
/// What is wrong with the text, with its place.
pub fn read_prefix(text: &str, limits: Limits) -> Result<(Sxpr, usize), ReadError> {
    let mut reader = Reader::new(text, limits);
    if text.len() > limits.bytes {
        return Err(reader.error(ReadErrorKind::Limit {
            what: "bytes",
            limit: limits.bytes,
        }));
    }
    let tree = reader.expression()?;
    Ok((tree, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, limits: Limits) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            nodes: 0,
            limits,
        }
    }

    fn expression(&mut self) -> Result<Sxpr, ReadError> {
        let mut open: Vec<(usize, Vec<Sxpr>)> = Vec::new();
        loop {
            self.skip_blank();
            let start = self.at;
            let Some(byte) = self.peek() else {
                let kind = match open.last() {
                    Some((opened, _)) => ReadErrorKind::OpenList { opened: *opened },
                    None => ReadErrorKind::Empty,
                };
                return Err(self.error(kind));
            };
            let node = match byte {
                b'(' => {
                    self.count()?;
                    if open.len() == self.limits.depth {
                        let limit = self.limits.depth;
                        return Err(self.error(ReadErrorKind::Limit {
                            what: "nested lists",
                            limit,
                        }));
                    }
                    self.at += 1;
                    open.push((start, Vec::new()));
                    continue;
                }
                b')' => {
                    let Some((at, items)) = open.pop() else {
                        return Err(self.error(ReadErrorKind::UnexpectedClose));
                    };
                    self.at += 1;
                    Sxpr::List { items, at }
                }
                b'\'' | b'"' => {
                    self.count()?;
                    Sxpr::Atom {
                        text: self.quoted(byte)?,
                        quoted: true,
                        at: start,
                    }
                }
                _ => {
                    self.count()?;
                    Sxpr::Atom {
                        text: self.bare()?.to_owned(),
                        quoted: false,
                        at: start,
                    }
                }
            };
            match open.last_mut() {
                Some((_, items)) => items.push(node),
                None => return Ok(node),
            }
        }
    }

    fn bare(&mut self) -> Result<&'a str, ReadError> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' | b')' | b'\'' | b'"' | b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => break,
                code if code < 0x20 || code == 0x7f => {
                    return Err(self.error(ReadErrorKind::Character { code }));
                }
                _ => self.at += 1,
            }
        }
        Ok(&self.text[start..self.at])
    }

    fn quoted(&mut self, quote: u8) -> Result<String, ReadError> {
        let opened = self.at;
        self.at += 1;
        let mut value: Vec<u8> = Vec::new();
        loop {
            let run = self.at;
            while self.peek().is_some_and(|b| b != quote && b != b'\\') {
                self.at += 1;
            }
            value.extend_from_slice(&self.bytes[run..self.at]);
            match self.peek() {
                None => return Err(self.error(ReadErrorKind::OpenQuote { opened })),
                Some(b'\\') => self.escape(&mut value),
                Some(_) => {
                    self.at += 1;
                    break;
                }
            }
        }
        Ok(text_of(value))
    }

    /// An escape of Python's string literals. XenD drops the letter of one that
    /// it does not know; here it is kept, so that nothing is lost.
    fn escape(&mut self, value: &mut Vec<u8>) {
        self.at += 1;
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        match byte {
            b'n' => value.push(b'\n'),
            b't' => value.push(b'\t'),
            b'r' => value.push(b'\r'),
            b'a' => value.push(0x07),
            b'b' => value.push(0x08),
            b'f' => value.push(0x0c),
            b'v' => value.push(0x0b),
            b'\\' | b'\'' | b'"' => value.push(byte),
            b'x' => match self.digits(16, 2) {
                Some(code) => value.push(code),
                None => value.extend_from_slice(b"\\x"),
            },
            b'0'..=b'7' => {
                self.at -= 1;
                value.extend(self.digits(8, 3));
            }
            other => value.extend_from_slice(&[b'\\', other]),
        }
    }

    fn digits(&mut self, radix: u32, most: usize) -> Option<u8> {
        let start = self.at;
        let mut code: u32 = 0;
        while self.at - start < most {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(radix)) else {
                break;
            };
            code = code * radix + digit;
            self.at += 1;
        }
        // Python keeps the low eight bits of an octal escape above \377.
        (self.at > start).then_some((code & 0xff) as u8)
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'#' => {
                    while self.peek().is_some_and(|b| b != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn count(&mut self) -> Result<(), ReadError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            let limit = self.limits.nodes;
            return Err(self.error(ReadErrorKind::Limit {
                what: "nodes",
                limit,
            }));
        }
        Ok(())
    }

    fn error(&self, kind: ReadErrorKind) -> ReadError {
        let before = &self.bytes[..self.at.min(self.bytes.len())];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        ReadError {
            kind,
            at: self.at,
            line,
            column,
        }
    }
}

/// Escapes can spell any bytes. XenD writes UTF-8 that way; bytes that are not
/// UTF-8 come from Latin-1 configurations, so they are read as such.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let bytes = error.as_bytes();
        bytes.iter().map(|byte| char::from(*byte)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_xend_writes() {
        let text = r#"(domain (domid 3)(name 'a\'b')(args "it's")(bootloader )(cpus (() (0 1))) (x '\xc3\xa9'))''"#;
        let (tree, end) = read_prefix(text, Limits::default()).unwrap();
        assert_eq!(&text[end..], "''");
        assert_eq!(tree.name(), Some("domain"));
        assert_eq!(tree.value("domid"), Some("3"));
        assert_eq!(tree.value("name"), Some("a'b"));
        assert_eq!(tree.value("args"), Some("it's"));
        assert_eq!(tree.value("bootloader"), Some(""));
        assert_eq!(tree.value("x"), Some("é"));
        assert_eq!(
            tree.child("cpus").unwrap().rest()[0]
                .as_list()
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn escapes_are_pythons() {
        let text = |quoted: &str| {
            let tree = read(quoted, Limits::default()).unwrap();
            tree.as_atom().unwrap().to_owned()
        };
        assert_eq!(text(r"'\x41\101\n\q\xZ'"), "AA\n\\q\\xZ");
        assert_eq!(text(r"'caf\xe9'"), "caf\u{e9}");
        assert_eq!(text("\"two\nlines\""), "two\nlines");
    }

    #[test]
    fn errors_have_their_place() {
        let error = read("(a\n  (b 'c)", Limits::default()).unwrap_err();
        assert_eq!(error.kind, ReadErrorKind::OpenQuote { opened: 8 });
        assert_eq!((error.line, error.column), (2, 9));
        let kind = |text| read(text, Limits::default()).unwrap_err().kind;
        assert_eq!(kind(" "), ReadErrorKind::Empty);
        assert_eq!(kind(")"), ReadErrorKind::UnexpectedClose);
        assert_eq!(kind("(a"), ReadErrorKind::OpenList { opened: 0 });
        assert_eq!(kind("(a) b"), ReadErrorKind::Trailing);
        assert_eq!(kind("(a \u{1})"), ReadErrorKind::Character { code: 1 });
    }

    #[test]
    fn limits_hold() {
        let deep = "(".repeat(100_000);
        let error = read(&deep, Limits::default()).unwrap_err();
        assert_eq!(
            error.kind,
            ReadErrorKind::Limit {
                what: "nested lists",
                limit: 64
            }
        );
        let limits = Limits {
            bytes: 8,
            ..Limits::default()
        };
        assert!(read("(a b c d)", limits).is_err());
        let limits = Limits {
            nodes: 3,
            ..Limits::default()
        };
        assert!(read("(a b c)", limits).is_err());
    }
}
