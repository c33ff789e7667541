//! Domain XML to the model.
//!
//! The reader never invents: what a document does not say stays unsaid (see
//! [`Guest::fill_defaults`] for that). All problems of a document are found in one
//! pass. One file a device family, as in the model.

mod chardev;
mod clock;
mod controller;
mod cpu;
mod devices;
mod disk;
mod emulator;
mod features;
mod graphics;
mod guest;
mod hostdev;
mod info;
mod input;
mod interface;
mod locate;
mod markup;
mod memballoon;
mod os;
mod place;
mod reader;
mod scan;
mod seclabel;
mod snapshot;
mod sound;
mod value;
mod video;

use crate::{Device, Element, Guest, Problem, ProblemKind, Problems, Severity, Snapshot};
use reader::{Found, Reader};
use roxmltree::{Document, ParsingOptions};

pub use locate::{Loss, place_losses};

/// How a document is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions {
    /// What would be a warning is an error.
    pub strict: bool,
    /// Bounds on what is read.
    pub limits: Limits,
}

/// Bounds on what is read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest document, in bytes.
    pub bytes: usize,
    /// Deepest nesting of elements.
    pub depth: usize,
    /// Most elements, texts and comments together.
    pub nodes: u32,
    /// Most problems that are reported; then reading goes on in silence.
    pub problems: usize,
}

impl Default for Limits {
    /// Room for guests with thousands of devices.
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            depth: 64,
            nodes: 1 << 20,
            problems: 200,
        }
    }
}

/// What was read, and what had no effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// What was read.
    pub value: T,
    /// What had no effect, in the order of places.
    pub warnings: Vec<Problem>,
}

/// Reads a `<domain>` document.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn parse_guest(text: &str, options: &ParseOptions) -> Result<Parsed<Guest>, Problems> {
    parse(text, options, |document, reader| {
        let root = document.root_element();
        if !reader.is_root(root, "domain", "<domain>") {
            return None;
        }
        let guest = guest::guest(root, reader);
        place::report_violations(&guest, root, reader);
        Some(guest)
    })
}

/// Reads a `<domainsnapshot>` document.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn parse_snapshot(text: &str, options: &ParseOptions) -> Result<Parsed<Snapshot>, Problems> {
    parse(text, options, |document, reader| {
        let root = document.root_element();
        let is_one = reader.is_root(root, "domainsnapshot", "<domainsnapshot>");
        is_one.then(|| snapshot::snapshot(root, reader))
    })
}

/// Reads a document of any kind as a tree: one element, the declarations of its
/// namespaces with it.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn parse_element(text: &str, options: &ParseOptions) -> Result<Parsed<Element>, Problems> {
    parse(text, options, |document, reader| {
        Some(markup::element(reader.source, document.root_element()))
    })
}

/// Reads a document that is one device.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn parse_device(text: &str, options: &ParseOptions) -> Result<Parsed<Device>, Problems> {
    parse(text, options, |document, reader| {
        let root = document.root_element();
        let device = devices::device(root, reader);
        if device.is_none() && !reader.failed() {
            reader.error(
                root,
                ProblemKind::Root {
                    found: reader::root_name(&root),
                    expected: "a device: <disk>, <interface>, <hostdev>, …",
                },
            );
        }
        device
    })
}

fn parse<T>(
    text: &str,
    options: &ParseOptions,
    read: impl FnOnce(&Document<'_>, &mut Reader<'_>) -> Option<T>,
) -> Result<Parsed<T>, Problems> {
    let document = open(text, options).map_err(|found| Problems {
        problems: place::problems(text, vec![found]),
    })?;
    let mut reader = Reader::new(text, *options);
    let value = read(&document, &mut reader);
    let failed = reader.failed();
    let problems = place::problems(text, reader.into_found());
    match value {
        Some(value) if !failed => Ok(Parsed {
            value,
            warnings: problems,
        }),
        _ => Err(Problems { problems }),
    }
}

/// The tree of a text, within the limits.
fn open<'t>(text: &'t str, options: &ParseOptions) -> Result<Document<'t>, Found> {
    let fatal = |at: usize, kind| Found {
        severity: Severity::Error,
        range: at..at,
        kind,
    };
    scan::scan(text, &options.limits).map_err(|(at, kind)| fatal(at, kind))?;
    let settings = ParsingOptions {
        nodes_limit: options.limits.nodes,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, settings)
        .map_err(|error| fatal(place::offset(text, error.pos()), syntax(&error, options)))
}

fn syntax(error: &roxmltree::Error, options: &ParseOptions) -> ProblemKind {
    match error {
        roxmltree::Error::DtdDetected => ProblemKind::Doctype,
        roxmltree::Error::NodesLimitReached => ProblemKind::Limit {
            what: "elements, texts and comments",
            limit: options.limits.nodes as usize,
        },
        error => {
            // The place is told by the problem; the library's text ends with it.
            let message = error.to_string();
            let message = match message.rsplit_once(" at ") {
                Some((message, place)) if place.contains(':') => message.to_owned(),
                _ => message,
            };
            ProblemKind::Syntax(message)
        }
    }
}
