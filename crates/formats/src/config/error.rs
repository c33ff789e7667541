//! Why a text is not a configuration, and where.

/// Why a text is not a configuration file that we can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ConfigError {
    /// What is wrong.
    pub kind: ConfigErrorKind,
    /// Byte offset in the text.
    pub at: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
}

/// What is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// A statement of Python that is not an assignment.
    #[error("'{word}' is Python code: only NAME = value is read, nothing is executed")]
    Code {
        /// The word that begins it.
        word: String,
    },
    /// A call of something other than `len`, `str` and `int`.
    #[error("'{name}(…)' is Python code: only len, str and int of a value are evaluated")]
    Call {
        /// What is called.
        name: String,
    },
    /// A name that no earlier line sets.
    #[error("'{name}' is not set before this line")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// Something else than expected.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What would be right here.
        expected: &'static str,
        /// What is here.
        found: String,
    },
    /// A text or a bracket is not closed.
    #[error("the {what} opened here is not closed")]
    Open {
        /// `string`, `list`, …
        what: &'static str,
    },
    /// A number that does not fit.
    #[error("the number does not fit in 64 bits")]
    NumberRange,
    /// An operator on values that it does not take.
    #[error("{operator} cannot be applied to {left} and {right}")]
    Operands {
        /// The operator.
        operator: char,
        /// Kind of the left value.
        left: &'static str,
        /// Kind of the right value.
        right: &'static str,
    },
    /// A `%` conversion that cannot be done.
    #[error("the format '{format}' {reason}")]
    Percent {
        /// The format string, shortened.
        format: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Over a bound.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A character that the language does not have.
    #[error("unexpected character {character:?}")]
    Character {
        /// The character.
        character: char,
    },
}

impl ConfigError {
    /// An error at a byte offset of `text`.
    pub(super) fn at(text: &str, at: usize, kind: ConfigErrorKind) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        Self {
            kind,
            at,
            line,
            column,
        }
    }
}
