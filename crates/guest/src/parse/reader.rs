//! What all families' readers use: children, texts, unknown parts, problems. Values
//! of attributes are in `value`.
//!
//! Places are byte ranges here; lines and columns are found at the end, and only
//! when there is a problem.

use super::ParseOptions;
use super::{markup, place};
use crate::{Kept, ProblemKind, Severity};
use roxmltree::{Attribute, Node};
use std::fmt::Display;
use std::ops::Range;

/// A problem before its line is known.
pub(super) struct Found {
    pub(super) severity: Severity,
    pub(super) range: Range<usize>,
    pub(super) kind: ProblemKind,
}

/// Collects problems while a document is read.
pub(super) struct Reader<'s> {
    pub(super) source: &'s str,
    options: ParseOptions,
    found: Vec<Found>,
    failed: bool,
}

/// Names of elements that were there already, where each counts once.
#[derive(Default)]
pub(super) struct Seen<'d>(Vec<&'d str>);

/// Name of an element; empty for one of a namespace, which no family knows.
pub(super) fn tag<'d>(node: &Node<'d, '_>) -> &'d str {
    let name = node.tag_name();
    if name.namespace().is_none() {
        name.name()
    } else {
        ""
    }
}

/// Name of an attribute; empty for one of a namespace, which no family knows.
pub(super) fn key<'d>(attribute: &Attribute<'d, '_>) -> &'d str {
    if attribute.namespace().is_none() {
        attribute.name()
    } else {
        ""
    }
}

/// Name of an element for people.
pub(super) fn shown_name(node: &Node<'_, '_>) -> String {
    cut(node.tag_name().name())
}

/// Name of a root element for people; one of a namespace looks right otherwise.
pub(super) fn root_name(node: &Node<'_, '_>) -> String {
    match node.tag_name().namespace() {
        Some(uri) => format!("{} xmlns='{}'", shown_name(node), cut(uri)),
        None => shown_name(node),
    }
}

/// A value for people, not longer than is useful.
pub(super) fn cut(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s str, options: ParseOptions) -> Self {
        Self {
            source,
            options,
            found: Vec::new(),
            failed: false,
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Offsets of the errors so far.
    pub(super) fn errors(&self) -> Vec<usize> {
        let errors = self
            .found
            .iter()
            .filter(|found| found.severity == Severity::Error);
        errors.map(|found| found.range.start).collect()
    }

    pub(super) fn most_problems(&self) -> usize {
        self.options.limits.problems
    }

    pub(super) fn into_found(self) -> Vec<Found> {
        self.found
    }

    fn add(&mut self, severity: Severity, range: Range<usize>, kind: ProblemKind) {
        let severity = match severity {
            Severity::Warning if !self.options.strict => Severity::Warning,
            _ => Severity::Error,
        };
        self.failed |= severity == Severity::Error;
        if self.found.len() < self.options.limits.problems
            || (severity == Severity::Error && self.make_room())
        {
            self.found.push(Found {
                severity,
                range,
                kind,
            });
        }
    }

    // Warnings never crowd out an error.
    fn make_room(&mut self) -> bool {
        let warning = self
            .found
            .iter()
            .rposition(|found| found.severity == Severity::Warning);
        warning.map(|at| self.found.remove(at)).is_some()
    }

    pub(super) fn error(&mut self, node: Node<'_, '_>, kind: ProblemKind) {
        self.add(Severity::Error, place::tag_range(node), kind);
    }

    pub(super) fn warn(&mut self, node: Node<'_, '_>, kind: ProblemKind) {
        self.add(Severity::Warning, place::tag_range(node), kind);
    }

    pub(super) fn missing(&mut self, node: Node<'_, '_>, what: &'static str) {
        let element = shown_name(&node);
        self.error(node, ProblemKind::Missing { element, what });
    }

    pub(super) fn unknown_element(&mut self, node: Node<'_, '_>) {
        let parent = node.parent_element().unwrap_or(node);
        let kind = ProblemKind::UnknownElement {
            element: cut(markup::written_name(self.source, node)),
            parent: shown_name(&parent),
        };
        self.warn(node, kind);
    }

    pub(super) fn unknown_attribute(&mut self, node: Node<'_, '_>, attribute: &Attribute<'_, '_>) {
        let range = attribute.range();
        let kind = ProblemKind::UnknownAttribute {
            attribute: cut(self.source.get(attribute.range_qname()).unwrap_or_default()),
            element: shown_name(&node),
        };
        self.add(Severity::Warning, range, kind);
    }

    pub(super) fn bad_attribute(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
        expected: impl Display,
    ) {
        let kind = ProblemKind::Value {
            what: format!(
                "attribute '{}' of <{}>",
                attribute.name(),
                shown_name(&node)
            ),
            value: cut(attribute.value()),
            expected: expected.to_string(),
        };
        self.add(Severity::Error, attribute.range_value(), kind);
    }

    pub(super) fn bad_text(&mut self, node: Node<'_, '_>, text: &str, expected: impl Display) {
        let kind = ProblemKind::Value {
            what: format!("<{}>", shown_name(&node)),
            value: cut(text.trim()),
            expected: expected.to_string(),
        };
        self.add(Severity::Error, node.range(), kind);
    }

    /// Whether a document is of this kind; if not, a problem.
    pub(super) fn is_root(
        &mut self,
        node: Node<'_, '_>,
        name: &str,
        expected: &'static str,
    ) -> bool {
        let is_one = tag(&node) == name;
        if !is_one {
            let found = root_name(&node);
            self.error(node, ProblemKind::Root { found, expected });
        }
        is_one
    }

    /// The child elements; text between them is a problem.
    pub(super) fn elements<'d, 'i>(
        &mut self,
        node: Node<'d, 'i>,
    ) -> impl Iterator<Item = Node<'d, 'i>> + use<'d, 'i> {
        for child in node.children().filter(Node::is_text) {
            if child.text().is_some_and(|text| !is_blank(text)) {
                let element = shown_name(&node);
                self.add(
                    Severity::Warning,
                    child.range(),
                    ProblemKind::Text { element },
                );
            }
        }
        node.children().filter(Node::is_element)
    }

    /// Whether this is the first element of its name; if not, a problem.
    pub(super) fn first<'d>(&mut self, seen: &mut Seen<'d>, node: Node<'d, '_>) -> bool {
        let name = node.tag_name().name();
        if !seen.0.contains(&name) {
            seen.0.push(name);
            return true;
        }
        let parent = node.parent_element().unwrap_or(node);
        let kind = ProblemKind::Repeated {
            element: name.to_owned(),
            parent: shown_name(&parent),
        };
        self.warn(node, kind);
        false
    }

    /// The text of an element that has neither attributes nor children.
    pub(super) fn text(&mut self, node: Node<'_, '_>) -> String {
        self.no_attributes(node);
        self.content(node)
    }

    /// The text of an element that has no children.
    pub(super) fn content(&mut self, node: Node<'_, '_>) -> String {
        let mut text = String::new();
        for child in node.children() {
            if child.is_element() {
                self.unknown_element(child);
            } else if child.is_text() {
                text.push_str(child.text().unwrap_or_default());
            }
        }
        text
    }

    pub(super) fn no_attributes(&mut self, node: Node<'_, '_>) {
        for attribute in node.attributes() {
            self.unknown_attribute(node, &attribute);
        }
    }

    pub(super) fn no_children(&mut self, node: Node<'_, '_>) {
        for child in self.elements(node) {
            self.unknown_element(child);
        }
    }

    /// An element that is a mere mark.
    pub(super) fn flag(&mut self, node: Node<'_, '_>) -> bool {
        self.no_attributes(node);
        self.no_children(node);
        true
    }

    /// The one attribute of an element that has no children.
    pub(super) fn only(&mut self, node: Node<'_, '_>, name: &str) -> Option<String> {
        let mut value = None;
        for attribute in node.attributes() {
            if key(&attribute) == name {
                value = Some(attribute.value().to_owned());
            } else {
                self.unknown_attribute(node, &attribute);
            }
        }
        self.no_children(node);
        value
    }

    pub(super) fn keep_attribute(
        kept: &mut Kept,
        within: &'static str,
        attribute: &Attribute<'_, '_>,
    ) {
        kept.add_attribute(within, attribute.name(), attribute.value());
    }

    pub(super) fn keep_element(&self, kept: &mut Kept, within: &'static str, node: Node<'_, '_>) {
        kept.add_element(within, markup::element(self.source, node));
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}
