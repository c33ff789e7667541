//! Values of expressions: literals, earlier names, `+ - * / %`, `len`, `str`,
//! `int`. A bounded recursive descent; nothing is executed.

use super::error::{ConfigError, ConfigErrorKind};
use super::lex::{Lexer, Token, TokenKind};
use super::percent;
use super::value::Value;
use std::collections::HashMap;

/// Deepest nesting of brackets.
const DEPTH_MAX: usize = 32;

/// Longest text and longest list that operators may make.
const SIZE_MAX: usize = 1 << 20;

/// Characters and values that names and formats may give in one file: each use of a
/// name copies its value, so that few lines could fill the memory.
const COPIES_MAX: usize = 16 << 20;

/// Reads expressions from a text; knows the names that were set so far.
pub(super) struct Evaluator<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    next: Token,
    last_end: usize,
    depth: usize,
    names: HashMap<String, Value>,
    copied: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, ConfigError> {
        let mut lexer = Lexer::new(text);
        let next = lexer.next()?;
        Ok(Self {
            text,
            lexer,
            next,
            last_end: 0,
            depth: 0,
            names: HashMap::new(),
            copied: 0,
        })
    }

    /// The next word, which stays.
    pub(super) fn peek(&self) -> &Token {
        &self.next
    }

    /// Takes the next word.
    pub(super) fn advance(&mut self) -> Result<Token, ConfigError> {
        let after = self.lexer.next()?;
        let taken = std::mem::replace(&mut self.next, after);
        self.last_end = taken.end;
        Ok(taken)
    }

    /// Where the last word that was taken ends.
    pub(super) fn last_end(&self) -> usize {
        self.last_end
    }

    /// Remembers a name for later lines.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.names.insert(name.to_owned(), value);
    }

    /// The value of a name that was set.
    pub(super) fn value(&mut self, name: &str, at: usize) -> Result<Value, ConfigError> {
        let value = match (self.names.get(name), name) {
            (Some(value), _) => value,
            (None, "True") => return Ok(Value::Integer(1)),
            (None, "False") => return Ok(Value::Integer(0)),
            (None, "None") => return Ok(Value::None),
            (None, _) => {
                let name = name.to_owned();
                return Err(self.error(at, ConfigErrorKind::UnknownName { name }));
            }
        };
        if self.depth + value.depth() > DEPTH_MAX {
            return Err(self.too_deep(at));
        }
        self.copied = self.copied.saturating_add(value.size());
        if self.copied > COPIES_MAX {
            return Err(self.too_large(at));
        }
        Ok(value.clone())
    }

    fn too_deep(&self, at: usize) -> ConfigError {
        let kind = ConfigErrorKind::Limit {
            what: "nested brackets",
            limit: DEPTH_MAX,
        };
        self.error(at, kind)
    }

    fn too_large(&self, at: usize) -> ConfigError {
        let kind = ConfigErrorKind::Limit {
            what: "characters or values copied by names",
            limit: COPIES_MAX,
        };
        self.error(at, kind)
    }

    /// A sum: terms with `+` and `-` between them.
    pub(super) fn expression(&mut self) -> Result<Value, ConfigError> {
        let mut left = self.term()?;
        loop {
            let at = self.next.start;
            match self.next.kind {
                TokenKind::Sign("+") => {
                    self.advance()?;
                    let right = self.term()?;
                    left = self.add(left, right, at)?;
                }
                TokenKind::Sign("-") => {
                    self.advance()?;
                    let right = self.term()?;
                    left = self.arithmetic('-', &left, &right, at)?;
                }
                _ => return Ok(left),
            }
        }
    }

    /// `left + right` of numbers, texts or lists.
    pub(super) fn add(&self, left: Value, right: Value, at: usize) -> Result<Value, ConfigError> {
        let size = |a: usize, b: usize| {
            let limit = ConfigErrorKind::Limit {
                what: "characters or values",
                limit: SIZE_MAX,
            };
            if a + b > SIZE_MAX {
                Err(self.error(at, limit))
            } else {
                Ok(())
            }
        };
        match (left, right) {
            (Value::Text(mut left), Value::Text(right)) => {
                size(left.len(), right.len())?;
                left.push_str(&right);
                Ok(Value::Text(left))
            }
            (Value::List(mut left), Value::List(right)) => {
                size(left.len(), right.len())?;
                left.extend(right);
                Ok(Value::List(left))
            }
            (left, right) => self.arithmetic('+', &left, &right, at),
        }
    }

    pub(super) fn error(&self, at: usize, kind: ConfigErrorKind) -> ConfigError {
        ConfigError::at(self.text, at, kind)
    }

    fn term(&mut self) -> Result<Value, ConfigError> {
        let mut left = self.factor()?;
        loop {
            let at = self.next.start;
            let operator = match self.next.kind {
                TokenKind::Sign("*") => '*',
                TokenKind::Sign("/" | "//") => '/',
                TokenKind::Sign("%") => '%',
                _ => return Ok(left),
            };
            self.advance()?;
            let right = self.factor()?;
            left = match (&left, operator) {
                (Value::Text(format), '%') => self.percent(format, &right, at)?,
                _ => self.arithmetic(operator, &left, &right, at)?,
            };
        }
    }

    fn percent(&mut self, format: &str, value: &Value, at: usize) -> Result<Value, ConfigError> {
        let result = percent::format(format, value).map_err(|reason| {
            let format = format.chars().take(40).collect();
            self.error(at, ConfigErrorKind::Percent { format, reason })
        })?;
        self.copied = self.copied.saturating_add(result.len());
        if self.copied > COPIES_MAX {
            return Err(self.too_large(at));
        }
        Ok(Value::Text(result))
    }

    fn arithmetic(
        &self,
        operator: char,
        left: &Value,
        right: &Value,
        at: usize,
    ) -> Result<Value, ConfigError> {
        let (Value::Integer(a), Value::Integer(b)) = (left, right) else {
            let (left, right) = (left.kind(), right.kind());
            return Err(self.error(
                at,
                ConfigErrorKind::Operands {
                    operator,
                    left,
                    right,
                },
            ));
        };
        let result = match operator {
            '+' => a.checked_add(*b),
            '-' => a.checked_sub(*b),
            '*' => a.checked_mul(*b),
            // Python rounds towards minus infinity.
            '/' => a.checked_div(*b).map(|q| {
                if a % b != 0 && (a < &0) != (b < &0) {
                    q - 1
                } else {
                    q
                }
            }),
            _ => a.checked_rem(*b).map(|r| {
                if r != 0 && (r < 0) != (*b < 0) {
                    r + b
                } else {
                    r
                }
            }),
        };
        result
            .map(Value::Integer)
            .ok_or_else(|| self.error(at, ConfigErrorKind::NumberRange))
    }

    fn factor(&mut self) -> Result<Value, ConfigError> {
        let token = self.advance()?;
        match token.kind {
            TokenKind::Sign("-") => {
                let value = self.nested(token.start, Self::factor)?;
                if let Value::Real(number) = value {
                    return Ok(Value::Real(-number));
                }
                self.arithmetic('-', &Value::Integer(0), &value, token.start)
            }
            TokenKind::Integer(number) => Ok(Value::Integer(number)),
            TokenKind::Real(number) => Ok(Value::Real(number)),
            TokenKind::Text(mut text) => {
                // Texts that follow each other are one, as in Python.
                while let TokenKind::Text(more) = &self.next.kind {
                    text.push_str(more);
                    self.advance()?;
                }
                Ok(Value::Text(text))
            }
            TokenKind::Sign("[") => {
                let (values, _) = self.nested(token.start, |this| this.values("]", token.start))?;
                Ok(Value::List(values))
            }
            TokenKind::Sign("(") => {
                let (mut values, commas) =
                    self.nested(token.start, |this| this.values(")", token.start))?;
                match values.pop() {
                    Some(only) if values.is_empty() && !commas => Ok(only),
                    last => {
                        values.extend(last);
                        Ok(Value::List(values))
                    }
                }
            }
            TokenKind::Name(name) => self.name(name, token.start),
            other => {
                let found = other.describe();
                let kind = ConfigErrorKind::Expected {
                    expected: "a value",
                    found,
                };
                Err(self.error(token.start, kind))
            }
        }
    }

    fn name(&mut self, name: String, at: usize) -> Result<Value, ConfigError> {
        match self.next.kind {
            TokenKind::Sign("(") => {}
            TokenKind::Sign("." | "[") => {
                return Err(self.error(at, ConfigErrorKind::Code { word: name }));
            }
            _ => return self.value(&name, at),
        }
        self.advance()?;
        let (values, _) = self.nested(at, |this| this.values(")", at))?;
        let result = match (name.as_str(), values.as_slice()) {
            ("len", [Value::Text(text)]) => i64::try_from(text.chars().count()).ok(),
            ("len", [Value::List(list)]) => i64::try_from(list.len()).ok(),
            ("int", [value]) => value.as_integer(),
            ("str", [value]) => {
                if let Some(text) = value.to_text() {
                    return Ok(Value::Text(text));
                }
                None
            }
            _ => None,
        };
        result
            .map(Value::Integer)
            .ok_or_else(|| self.error(at, ConfigErrorKind::Call { name }))
    }

    /// Values up to a closing bracket, and whether commas stood between them.
    fn values(
        &mut self,
        close: &'static str,
        opened: usize,
    ) -> Result<(Vec<Value>, bool), ConfigError> {
        let mut values = Vec::new();
        let mut commas = false;
        loop {
            match &self.next.kind {
                TokenKind::Sign(sign) if *sign == close => {
                    self.advance()?;
                    return Ok((values, commas));
                }
                TokenKind::End => {
                    let what = if close == "]" { "list" } else { "bracket" };
                    return Err(self.error(opened, ConfigErrorKind::Open { what }));
                }
                _ => values.push(self.expression()?),
            }
            match &self.next.kind {
                TokenKind::Sign(",") => {
                    commas = true;
                    self.advance()?;
                }
                TokenKind::Sign(sign) if *sign == close => {}
                TokenKind::End => {}
                other => {
                    let found = other.describe();
                    let kind = ConfigErrorKind::Expected {
                        expected: "',' or the end of the list",
                        found,
                    };
                    return Err(self.error(self.next.start, kind));
                }
            }
        }
    }

    fn nested<T>(
        &mut self,
        at: usize,
        inner: impl FnOnce(&mut Self) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        if self.depth == DEPTH_MAX {
            return Err(self.too_deep(at));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}
