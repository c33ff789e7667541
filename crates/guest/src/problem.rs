//! What is wrong with a document, and where.
//!
//! A problem keeps its data and its place; how it is shown is [`Problem::render`].

use std::fmt;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// Something of the document has no effect.
    Warning,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub kind: ProblemKind,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offset in the document.
    pub offset: usize,
    /// How many characters of the line are meant, at least 1.
    pub length: usize,
    /// The line, cut if it is very long.
    pub source_line: String,
    /// How many characters of the line are cut off before `source_line`.
    pub cut: usize,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// Not well-formed XML.
    #[error("malformed xml: {0}")]
    Syntax(String),
    /// A document type, which could define entities.
    #[error("a document type (<!DOCTYPE>) is not accepted")]
    Doctype,
    /// Over one of the [`Limits`](crate::Limits).
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The document is about something else.
    #[error("unexpected <{found}>: expected {expected}")]
    Root {
        /// The root element.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An element that libvirt does not know here.
    #[error("unknown element <{element}> in <{parent}>")]
    UnknownElement {
        /// Its name.
        element: String,
        /// Name of the element that it is in.
        parent: String,
    },
    /// An attribute that libvirt does not know here.
    #[error("unknown attribute '{attribute}' of <{element}>")]
    UnknownAttribute {
        /// Its name.
        attribute: String,
        /// Name of its element.
        element: String,
    },
    /// Text where only elements are.
    #[error("unexpected text in <{element}>")]
    Text {
        /// Name of the element that it is in.
        element: String,
    },
    /// An element that can be there once only; the first one counts.
    #[error("another <{element}> in <{parent}>: only the first one counts")]
    Repeated {
        /// Its name.
        element: String,
        /// Name of the element that it is in.
        parent: String,
    },
    /// Something that has to be there is not.
    #[error("<{element}> needs {what}")]
    Missing {
        /// The element where it should be.
        element: String,
        /// What it is.
        what: &'static str,
    },
    /// A value that cannot be used.
    #[error("{what} is '{value}': expected {expected}")]
    Value {
        /// Attribute or element.
        what: String,
        /// Its value, cut if it is long.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// Something that another language cannot carry.
    #[error("{path}: {reason}")]
    Lost {
        /// Where it is.
        path: String,
        /// What happens instead, or why nothing does.
        reason: String,
    },
    /// The guest makes no sense.
    #[error(transparent)]
    Rule(#[from] crate::Violation),
}

/// Everything that is wrong with a document; at least one is an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Problems {
    /// In the order of their places.
    pub problems: Vec<Problem>,
}

impl Problem {
    /// The problem for people: message, place, the line with a mark.
    ///
    /// ```text
    /// error: unknown element <dsik> in <devices>
    ///  --> line 7, column 5
    ///   |
    /// 7 |     <dsik type='file'>
    ///   |     ^~~~~~~~~~~~~~~~~~
    /// ```
    #[must_use]
    pub fn render(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let before = self.column.saturating_sub(1 + self.cut);
        // Tabs stay tabs, so that the mark stands under its text at any tab width.
        let blank: String = self
            .source_line
            .chars()
            .take(before)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let rest = self.source_line.chars().count().saturating_sub(before);
        let mark = "~".repeat(self.length.min(rest.max(1)).saturating_sub(1));
        format!(
            "{severity}: {}\n{margin}--> line {}, column {}\n{margin} |\n{number} | {}\n{margin} | {blank}^{mark}\n",
            self.kind, self.line, self.column, self.source_line,
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.kind
        )
    }
}

impl Problems {
    /// All problems for people.
    #[must_use]
    pub fn render(&self) -> String {
        let parts: Vec<_> = self.problems.iter().map(Problem::render).collect();
        parts.join("\n")
    }

    /// The first error.
    #[must_use]
    pub fn first_error(&self) -> Option<&Problem> {
        self.problems
            .iter()
            .find(|problem| problem.severity == Severity::Error)
    }
}

impl fmt::Display for Problems {
    /// The errors, one a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error);
        for (count, problem) in errors.enumerate() {
            if count > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
