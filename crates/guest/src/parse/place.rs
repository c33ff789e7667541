//! From offsets and parts to lines and columns.
//!
//! Both are looked for only when there is a problem.

use super::reader::{Found, Reader, tag};
use crate::{Guest, Part, Problem, ProblemKind};
use roxmltree::{Node, TextPos};
use std::collections::BTreeSet;
use std::ops::Range;

/// Longest part of a line that is shown.
const MOST_SHOWN: usize = 160;

/// Finds the lines of all problems, in one pass over the text.
pub(super) fn problems(text: &str, mut found: Vec<Found>) -> Vec<Problem> {
    found.sort_by_key(|found| found.range.start);
    let (mut line, mut start, mut at) = (1, 0, 0);
    found
        .into_iter()
        .map(|found| {
            let offset = floor(text, found.range.start);
            let passed = text.as_bytes().get(at..offset).unwrap_or_default();
            for (index, _) in passed
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n')
            {
                line += 1;
                start = at + index + 1;
            }
            at = offset;
            problem(text, found, line, start, offset)
        })
        .collect()
}

fn problem(text: &str, found: Found, line: usize, start: usize, offset: usize) -> Problem {
    let rest = text.get(start..).unwrap_or_default();
    let whole = rest.lines().next().unwrap_or_default();
    let before = text.get(start..offset).unwrap_or_default().chars().count();
    // A long line is shown around the place.
    let cut = before.saturating_sub(MOST_SHOWN / 2);
    let source_line: String = whole.chars().skip(cut).take(MOST_SHOWN).collect();
    let meant = text.get(offset..floor(text, found.range.end).max(offset));
    let meant = meant.and_then(|meant| meant.lines().next());
    Problem {
        severity: found.severity,
        kind: found.kind,
        line,
        column: before + 1,
        offset,
        length: meant.map_or(1, |meant| meant.trim_end().chars().count().max(1)),
        source_line,
        cut,
    }
}

/// The start tag: an element's whole range may be the whole document.
pub(super) fn tag_range(node: Node<'_, '_>) -> Range<usize> {
    let range = node.range();
    let end = node
        .first_child()
        .map_or(range.end, |child| child.range().start);
    range.start..end
}

/// Byte offset of a place that the XML library tells in lines and characters.
pub(super) fn offset(text: &str, place: TextPos) -> usize {
    let line = place.row.saturating_sub(1) as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let column = place.col.saturating_sub(1) as usize;
    let within: usize = rest.chars().take(column).map(char::len_utf8).sum();
    start + within
}

/// Reports the rules that a guest breaks at the elements that break them. A rule
/// is left out where a part that could not be read may be why it is broken.
pub(super) fn report_violations(guest: &Guest, root: Node<'_, '_>, reader: &mut Reader<'_>) {
    let unread = Unread::new(reader.errors(), root);
    for violation in guest.violations().into_iter().take(reader.most_problems()) {
        let place = element_of(violation.part, root);
        if unread.may_explain(violation.part, place) {
            continue;
        }
        let place = place.unwrap_or(root);
        let tolerable = violation.tolerable;
        let kind = ProblemKind::Rule(violation);
        if tolerable {
            reader.warn(place, kind);
        } else {
            reader.error(place, kind);
        }
    }
}

/// Parts of a document that could not be read.
struct Unread<'d> {
    /// Offsets of errors, in order.
    errors: Vec<usize>,
    /// Device families with an error in them.
    families: BTreeSet<&'d str>,
}

impl<'d> Unread<'d> {
    fn new(mut errors: Vec<usize>, root: Node<'d, '_>) -> Self {
        errors.sort_unstable();
        let mut unread = Self {
            errors,
            families: BTreeSet::new(),
        };
        if !unread.errors.is_empty() {
            let lists = root.children().filter(|child| tag(child) == "devices");
            let devices = lists.flat_map(|list| list.children());
            let broken = devices
                .filter(|device| unread.is_in(*device))
                .map(|it| it.tag_name().name());
            unread.families = broken.collect();
        }
        unread
    }

    /// Whether a rule may be broken only because something was not read: in its
    /// element, in its element's place, or among the devices of its family, whose
    /// numbers may be wrong then.
    fn may_explain(&self, part: Part, place: Option<Node<'_, '_>>) -> bool {
        if self.errors.is_empty() {
            return false;
        }
        match (part, place) {
            (Part::Guest, _) | (_, None) => true,
            (Part::Device(family, _), _) => self.families.contains(family),
            (_, Some(place)) => self.is_in(place),
        }
    }

    fn is_in(&self, node: Node<'_, '_>) -> bool {
        let range = node.range();
        let first = self.errors.partition_point(|at| *at < range.start);
        self.errors.get(first).is_some_and(|at| *at < range.end)
    }
}

fn element_of<'d, 'i>(part: Part, root: Node<'d, 'i>) -> Option<Node<'d, 'i>> {
    let child = |name: &str| root.children().find(|child| tag(child) == name);
    match part {
        Part::Guest => Some(root),
        Part::Name => child("name"),
        Part::Title => child("title"),
        Part::Memory => child("memory"),
        Part::CurrentMemory => child("currentMemory"),
        Part::Vcpus => child("vcpu"),
        Part::Numa => child("cpu"),
        Part::Os => child("os"),
        Part::Devices => child("devices"),
        Part::OnPoweroff => child("on_poweroff"),
        Part::OnReboot => child("on_reboot"),
        Part::Device(family, index) => child("devices")?
            .children()
            .filter(|child| tag(child) == family)
            .nth(index),
    }
}

fn floor(text: &str, mut offset: usize) -> usize {
    offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
