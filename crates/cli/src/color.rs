//! Colour, on a terminal only and never with `NO_COLOR`. Which words get which
//! colour is said where they are made.

use std::io::IsTerminal;

/// A colour, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    /// As the terminal is.
    #[default]
    Plain,
    /// Well.
    Green,
    /// To be looked at.
    Yellow,
    /// Wrong.
    Red,
    /// Less important.
    Dim,
    /// More important.
    Bold,
}

/// Whether text for standard output may have colour.
pub(crate) fn on_stdout() -> bool {
    allowed() && std::io::stdout().is_terminal()
}

/// Whether text for standard error may have colour.
pub(crate) fn on_stderr() -> bool {
    allowed() && std::io::stderr().is_terminal()
}

fn allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

impl Style {
    /// `text` in this colour if `color` is on.
    pub(crate) fn paint(self, text: &str, color: bool) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Dim => "2",
            Self::Bold => "1",
        };
        if color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
