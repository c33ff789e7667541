//! From offsets and parts to lines and columns.
//!
//! Both are looked for only when there is a problem.

use super::reader::{Found, Reader, tag};
use crate::{Guest, Part, Problem, ProblemKind};
use roxmltree::{Node, TextPos};

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

/// Byte offset of a place that the XML library tells in lines and characters.
pub(super) fn offset(text: &str, place: TextPos) -> usize {
    let line = place.row.saturating_sub(1) as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let column = place.col.saturating_sub(1) as usize;
    let within: usize = rest.chars().take(column).map(char::len_utf8).sum();
    start + within
}

/// Reports the rules that a guest breaks at the elements that break them.
pub(super) fn report_violations(guest: &Guest, root: Node<'_, '_>, reader: &mut Reader<'_>) {
    for violation in guest.violations().into_iter().take(reader.most_problems()) {
        let place = element_of(violation.part, root).unwrap_or(root);
        let tolerable = violation.tolerable;
        let kind = ProblemKind::Rule(violation);
        if tolerable {
            reader.warn(place, kind);
        } else {
            reader.error(place, kind);
        }
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
