//! Words of the language: names, numbers, texts, signs, line ends.
//!
//! A line end inside brackets or after a backslash is white space. No meaning is
//! given to anything here.

use super::error::{ConfigError, ConfigErrorKind};

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Name(String),
    Integer(i64),
    Real(f64),
    Text(String),
    /// One of `= += + - * / % ( ) [ ] , . : ;` and what Python code has besides.
    Sign(&'static str),
    LineEnd,
    End,
}

impl TokenKind {
    /// For messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("'{name}'"),
            Self::Integer(number) => format!("'{number}'"),
            Self::Real(number) => format!("'{number}'"),
            Self::Text(_) => "a string".to_owned(),
            Self::Sign(sign) => format!("'{sign}'"),
            Self::LineEnd => "the end of the line".to_owned(),
            Self::End => "the end of the file".to_owned(),
        }
    }
}

/// Signs, longest first.
const SIGNS: &[&str] = &[
    "**", "//", "+=", "-=", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "(",
    ")", "[", "]", "{", "}", ",", ".", ":", ";", "|", "&", "@", "~", "^", "`",
];

/// Cuts a text into words.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Open brackets: inside them a line end is white space.
    depth: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { text, at, depth: 0 }
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Result<Token, ConfigError> {
        self.skip_blank();
        let start = self.at;
        let kind = self.word()?;
        Ok(Token {
            kind,
            start,
            end: self.at,
        })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { return };
            match c {
                '\n' if self.depth == 0 => return,
                ' ' | '\t' | '\r' | '\u{c}' | '\n' => self.at += 1,
                '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
                '\\' if rest.starts_with("\\\n") => self.at += 2,
                '\\' if rest.starts_with("\\\r\n") => self.at += 3,
                _ => return,
            }
        }
    }

    fn word(&mut self) -> Result<TokenKind, ConfigError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(TokenKind::End);
        };
        if first == '\n' {
            self.at += 1;
            return Ok(TokenKind::LineEnd);
        }
        if first == '"' || first == '\'' {
            return self.quoted(false);
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let length = rest
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                .count();
            let (name, after) = rest.split_at(length);
            if after.starts_with(['"', '\'']) && length <= 2 {
                let prefix = name.to_ascii_lowercase();
                if prefix.bytes().all(|b| b"rub".contains(&b)) {
                    self.at += length;
                    return self.quoted(prefix.contains('r'));
                }
            }
            self.at += length;
            return Ok(TokenKind::Name(name.to_owned()));
        }
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let Some(sign) = sign else {
            return Err(self.error(self.at, ConfigErrorKind::Character { character: first }));
        };
        match *sign {
            "(" | "[" | "{" => self.depth += 1,
            ")" | "]" | "}" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.at += sign.len();
        Ok(TokenKind::Sign(sign))
    }

    /// Numbers of Python 2: decimal, 0x, 0o and octal with a leading 0, a
    /// trailing L; and fractions.
    fn number(&mut self) -> Result<TokenKind, ConfigError> {
        let rest = self.rest();
        let length = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'.' || *b == b'_')
            .count();
        let word = rest.get(..length).unwrap_or_default();
        let digits = word.trim_end_matches(['l', 'L']);
        let lower = digits.to_ascii_lowercase();
        let (body, radix) = match lower.as_bytes() {
            [b'0', b'x', ..] => (lower.get(2..), 16),
            [b'0', b'o', ..] => (lower.get(2..), 8),
            [b'0', b'b', ..] => (lower.get(2..), 2),
            [b'0', b'0'..=b'9', ..] if !lower.contains('.') => (lower.get(1..), 8),
            _ => (Some(lower.as_str()), 10),
        };
        let body = body.unwrap_or_default();
        let start = self.at;
        self.at += length;
        if radix == 10 && (body.contains('.') || body.contains('e')) {
            return match body.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(TokenKind::Real(number)),
                Ok(_) => Err(self.error(start, ConfigErrorKind::NumberRange)),
                Err(_) => Err(self.malformed(start, word)),
            };
        }
        if body.is_empty() || !body.chars().all(|c| c.is_digit(radix)) {
            return Err(self.malformed(start, word));
        }
        match i64::from_str_radix(body, radix) {
            Ok(number) => Ok(TokenKind::Integer(number)),
            Err(_) => Err(self.error(start, ConfigErrorKind::NumberRange)),
        }
    }

    fn quoted(&mut self, raw: bool) -> Result<TokenKind, ConfigError> {
        let start = self.at;
        let rest = self.rest();
        let long = rest.starts_with("\"\"\"") || rest.starts_with("'''");
        let mark = rest.get(..if long { 3 } else { 1 }).unwrap_or_default();
        self.at += mark.len();
        let mut value = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(mark) {
                self.at += mark.len();
                return Ok(TokenKind::Text(value));
            }
            let Some(c) = rest.chars().next() else {
                return Err(self.error(start, ConfigErrorKind::Open { what: "string" }));
            };
            match c {
                '\n' if !long => {
                    return Err(self.error(start, ConfigErrorKind::Open { what: "string" }));
                }
                '\\' if raw => {
                    let both: String = rest.chars().take(2).collect();
                    self.at += both.len();
                    value.push_str(&both);
                }
                '\\' => self.escape(&mut value),
                c => {
                    self.at += c.len_utf8();
                    value.push(c);
                }
            }
        }
    }

    /// An escape as Python has it; an unknown one stays as it is.
    fn escape(&mut self, value: &mut String) {
        let rest = self.rest();
        let Some(c) = rest.chars().nth(1) else {
            self.at += 1;
            value.push('\\');
            return;
        };
        self.at += 1 + c.len_utf8();
        match c {
            '\n' => {}
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            '\\' | '\'' | '"' => value.push(c),
            'x' => {
                let code = rest
                    .get(2..4)
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                match code.filter(u8::is_ascii) {
                    Some(code) => {
                        self.at += 2;
                        value.push(char::from(code));
                    }
                    None => value.push_str("\\x"),
                }
            }
            other => {
                value.push('\\');
                value.push(other);
            }
        }
    }

    fn malformed(&self, at: usize, word: &str) -> ConfigError {
        let found = format!("'{}'", word.chars().take(40).collect::<String>());
        self.error(
            at,
            ConfigErrorKind::Expected {
                expected: "a number",
                found,
            },
        )
    }

    fn error(&self, at: usize, kind: ConfigErrorKind) -> ConfigError {
        ConfigError::at(self.text, at, kind)
    }
}
