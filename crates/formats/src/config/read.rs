//! Statements of a configuration file: `NAME = value` and `NAME += value`.
//!
//! Everything else that Python has is refused with its place.

use super::document::Setting;
use super::error::{ConfigError, ConfigErrorKind};
use super::evaluate::Evaluator;
use super::lex::TokenKind;

/// Longest file, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// Most statements.
const SETTINGS_MAX: usize = 10_000;

/// The statements of a text, in order, with their values.
pub(super) fn read(text: &str) -> Result<Vec<Setting>, ConfigError> {
    let limit = |at, what, limit| {
        Err(ConfigError::at(
            text,
            at,
            ConfigErrorKind::Limit { what, limit },
        ))
    };
    if text.len() > BYTES_MAX {
        return limit(0, "bytes", BYTES_MAX);
    }
    let mut evaluator = Evaluator::new(text)?;
    let mut settings: Vec<Setting> = Vec::new();
    loop {
        let token = evaluator.peek();
        match &token.kind {
            TokenKind::End => return Ok(settings),
            TokenKind::LineEnd | TokenKind::Sign(";") => drop(evaluator.advance()?),
            TokenKind::Name(_) => {
                if settings.len() == SETTINGS_MAX {
                    return limit(token.start, "settings", SETTINGS_MAX);
                }
                let setting = statement(&mut evaluator)?;
                evaluator.set(&setting.name, setting.value.clone());
                settings.push(setting);
            }
            other => {
                let found = other.describe();
                let kind = ConfigErrorKind::Expected {
                    expected: "NAME = value",
                    found,
                };
                return Err(ConfigError::at(text, token.start, kind));
            }
        }
    }
}

fn statement(evaluator: &mut Evaluator<'_>) -> Result<Setting, ConfigError> {
    let word = evaluator.advance()?;
    let TokenKind::Name(name) = word.kind else {
        return Err(evaluator.error(
            word.start,
            ConfigErrorKind::Code {
                word: String::new(),
            },
        ));
    };
    let sign = evaluator.advance()?;
    let adds = match sign.kind {
        TokenKind::Sign("=") => false,
        TokenKind::Sign("+=") => true,
        _ => return Err(evaluator.error(word.start, ConfigErrorKind::Code { word: name })),
    };
    let at = evaluator.peek().start;
    let mut value = evaluator.expression()?;
    if adds {
        let before = evaluator.value(&name, word.start)?;
        value = evaluator.add(before, value, sign.start)?;
    }
    let end = evaluator.last_end();
    let after = evaluator.peek();
    match &after.kind {
        TokenKind::LineEnd | TokenKind::End | TokenKind::Sign(";") => {}
        TokenKind::Sign("=") => {
            let kind = ConfigErrorKind::Expected {
                expected: "one NAME = value in a line",
                found: "another '='".to_owned(),
            };
            return Err(evaluator.error(after.start, kind));
        }
        other => {
            let found = other.describe();
            let kind = ConfigErrorKind::Expected {
                expected: "the end of the line",
                found,
            };
            return Err(evaluator.error(after.start, kind));
        }
    }
    Ok(Setting {
        name,
        value,
        start: word.start,
        value_at: at,
        end,
        adds,
    })
}
