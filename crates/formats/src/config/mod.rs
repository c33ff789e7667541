//! The language of xm's and xl's configuration files.
//!
//! `NAME = value` with strings, numbers and lists. [`Document`] keeps the text as
//! a person wrote it and changes only what is set; `read` finds the statements,
//! `evaluate` gives them values. xm files were Python, so the operators that real
//! files use are evaluated; nothing is ever executed. What the names mean for a
//! guest is in the folders `xm` and `xl`.

mod document;
mod error;
mod evaluate;
mod lex;
mod percent;
mod read;
mod value;

pub use document::{Document, Setting};
pub use error::{ConfigError, ConfigErrorKind};
pub use value::Value;
