//! What a command says and how it is printed: as text for people or as one JSON
//! document. Standard output has results, standard error warnings, progress and,
//! in text, errors.

use crate::color::{self, Style};
use crate::error::Error;
use crate::exit::Exit;
use crate::table::Table;
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use std::io::Write;

/// What a command says.
#[derive(Debug)]
pub(crate) struct Reply {
    parts: Vec<Part>,
    silent: bool,
    /// The same for programs: an object, or null in text, where nobody sees it.
    pub(crate) json: Value,
    /// The status it ends with.
    pub(crate) exit: Exit,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Note(String),
    Table(Table),
}

impl Reply {
    /// A reply with a JSON form and no text yet.
    pub(crate) fn new(json: Value) -> Self {
        Self {
            parts: Vec::new(),
            silent: false,
            json,
            exit: Exit::Ok,
        }
    }

    /// A reply of which nothing is printed.
    pub(crate) fn silent() -> Self {
        Self {
            silent: true,
            ..Self::new(Value::Null)
        }
    }

    /// Adds text that is always printed, a line end behind it.
    #[must_use]
    pub(crate) fn line(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into() + "\n"));
        self
    }

    /// Adds text as it is.
    #[must_use]
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// Adds a line that `--quiet` leaves out.
    #[must_use]
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Note(text.into() + "\n"));
        self
    }

    /// Adds a table.
    #[must_use]
    pub(crate) fn table(mut self, table: Table) -> Self {
        self.parts.push(Part::Table(table));
        self
    }

    /// Ends with this status though nothing failed.
    #[must_use]
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// Where and how replies are printed.
#[derive(Debug)]
pub(crate) struct Printer {
    /// One JSON document instead of text.
    pub(crate) json: bool,
    /// Results only.
    pub(crate) quiet: bool,
    stdout_color: bool,
    stderr_color: bool,
    warnings: RefCell<Vec<String>>,
    collected: Cell<bool>,
}

impl Printer {
    /// A printer on standard output and standard error.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self {
            json,
            quiet,
            stdout_color: !json && color::on_stdout(),
            stderr_color: color::on_stderr(),
            warnings: RefCell::default(),
            collected: Cell::default(),
        }
    }

    /// Prints the text of a reply; in JSON nothing, see [`Printer::document`].
    pub(crate) fn reply(&self, reply: &Reply) {
        if self.json || reply.silent {
            return;
        }
        let mut text = String::new();
        for part in &reply.parts {
            match part {
                Part::Note(_) if self.quiet => {}
                Part::Text(part) | Part::Note(part) => text.push_str(part),
                Part::Table(table) => text.push_str(&table.render(self.quiet, self.stdout_color)),
            }
        }
        if !self.quiet {
            text.push('\n');
        }
        self.out(&text);
    }

    /// Prints an error for people; in JSON nothing, see [`Printer::document`].
    pub(crate) fn error(&self, error: &Error) {
        if self.json {
            return;
        }
        let mark = Style::Red.paint("error:", self.stderr_color);
        for message in error.messages() {
            err(&format!("{mark} {}\n", message.trim_end()));
        }
        if !self.quiet && !matches!(error, Error::Usage(_)) {
            self.out("\n");
        }
    }

    /// Prints a warning at once and keeps it for the JSON document.
    pub(crate) fn warning(&self, message: &str) {
        let mark = Style::Yellow.paint("warning:", self.stderr_color);
        err(&format!("{mark} {}\n", message.trim_end()));
        self.warnings.borrow_mut().push(message.to_owned());
    }

    /// The JSON object of a result, with the warnings since the last one.
    pub(crate) fn to_json(&self, result: &Result<Reply, Error>) -> Value {
        let mut document = match result {
            Ok(Reply {
                json: Value::Object(object),
                ..
            }) => object.clone(),
            Ok(Reply { json, .. }) => Map::from_iter([("result".to_owned(), json.clone())]),
            Err(error) => Map::from_iter([("error".to_owned(), error_json(error))]),
        };
        let warnings = self.warnings.take();
        if !warnings.is_empty() {
            document.insert("warnings".to_owned(), json!(warnings));
        }
        Value::Object(document)
    }

    /// From now on all commands have one JSON document together, that of the script.
    pub(crate) fn collect(&self) {
        self.collected.set(true);
    }

    /// Whether a command may print JSON documents while it runs.
    pub(crate) fn streams(&self) -> bool {
        self.json && !self.collected.get()
    }

    /// Prints a JSON document.
    pub(crate) fn document(&self, document: &Value) {
        let text = if self.is_terminal() {
            serde_json::to_string_pretty(document)
        } else {
            serde_json::to_string(document)
        };
        // A `Value` has string keys only, so writing it cannot fail.
        self.out(&(text.unwrap_or_default() + "\n"));
    }

    /// Prints text at once, for commands that speak while they run.
    pub(crate) fn out(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        // A reader that has gone away (`virtxen list | head -1`) is no failure.
        let _ = stdout.write_all(text.as_bytes());
        let _ = stdout.flush();
    }

    fn is_terminal(&self) -> bool {
        std::io::IsTerminal::is_terminal(&std::io::stdout())
    }

    /// Whether text on standard output may have colour.
    pub(crate) fn color(&self) -> bool {
        self.stdout_color
    }
}

/// Prints to standard error.
pub(crate) fn err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn error_json(error: &Error) -> Value {
    let mut messages = error.messages().into_iter();
    let mut object = json!({
        "code": error.code(),
        "message": messages.next(),
        "causes": messages.collect::<Vec<_>>(),
        "exit": error.exit().code(),
        "libvirt_code": error.libvirt_code(),
    });
    if let (Some(problems), Some(object)) = (error.problems(), object.as_object_mut()) {
        object.insert("problems".to_owned(), json!(problems));
    }
    object
}
