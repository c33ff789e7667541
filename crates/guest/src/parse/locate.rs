//! From paths to places: where in a document an XPath leads.
//!
//! Only the paths that conversions write: names, `[2]`, `[@type='x']`, and an
//! `@attribute` at the end.

use super::reader::{Found, key};
use super::{ParseOptions, open, place};
use crate::{Problem, ProblemKind, Severity};
use roxmltree::Node;
use std::ops::Range;

/// Something that cannot be carried to another language.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Where it is in the document: an XPath, or any other path if `at` is known.
    pub path: String,
    /// Byte offset, where it is known.
    pub at: Option<usize>,
    /// What happens instead, or why nothing does.
    pub reason: String,
    /// How bad that is.
    pub severity: Severity,
}

/// Losses with their places in the text, in the order of places. One that cannot be
/// found is shown at the innermost element of its path that is there: defaults are
/// in no document.
#[must_use]
pub fn place_losses(text: &str, losses: Vec<Loss>) -> Vec<Problem> {
    if losses.is_empty() {
        return Vec::new();
    }
    let document = open(text, &ParseOptions::default()).ok();
    let root = document.as_ref().map(|document| document.root());
    let found = losses
        .into_iter()
        .map(|loss| Found {
            severity: loss.severity,
            range: match (loss.at, root) {
                (Some(at), _) => at..at,
                (None, Some(root)) => range_of(&loss.path, root),
                (None, None) => 0..0,
            },
            kind: ProblemKind::Lost {
                path: loss.path,
                reason: loss.reason,
            },
        })
        .collect();
    place::problems(text, found)
}

fn range_of(path: &str, root: Node<'_, '_>) -> Range<usize> {
    let mut at = root;
    for step in path.split('/').filter(|step| !step.is_empty()) {
        if let Some(name) = step.strip_prefix('@') {
            let attribute = at.attributes().find(|attribute| key(attribute) == name);
            return attribute.map_or(place::tag_range(at), |attribute| attribute.range());
        }
        match child(at, step) {
            Some(child) => at = child,
            None => break,
        }
    }
    place::tag_range(at)
}

/// The child that a step means: `disk`, `disk[2]`, `vcpupin[@vcpu='3']`.
fn child<'d, 'i>(parent: Node<'d, 'i>, step: &str) -> Option<Node<'d, 'i>> {
    let (name, condition) = match step.split_once('[') {
        Some((name, rest)) => (name, rest.strip_suffix(']')),
        None => (step, None),
    };
    let name = name.rsplit(':').next().unwrap_or(name);
    let mut named = parent
        .children()
        .filter(|child| child.is_element() && child.tag_name().name() == name);
    let Some(condition) = condition else {
        return named.next();
    };
    match condition.strip_prefix('@').and_then(|c| c.split_once('=')) {
        Some((name, value)) => {
            let value = value.trim_matches(['\'', '"']);
            named.find(|child| child.attribute(name) == Some(value))
        }
        None => named.nth(condition.parse::<usize>().ok()?.checked_sub(1)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<domain type='xen'>\n <devices>\n  <disk/>\n  <disk>\n   \
                        <driver name='x' cache='y'/>\n  </disk>\n </devices>\n <cputune>\n  \
                        <vcpupin vcpu='3'/>\n </cputune>\n</domain>";

    fn place(path: &str) -> (usize, usize, usize) {
        let loss = Loss {
            path: path.to_owned(),
            at: None,
            reason: "it is lost".to_owned(),
            severity: Severity::Warning,
        };
        let problems = place_losses(TEXT, vec![loss]);
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        (problem.line, problem.column, problem.length)
    }

    #[test]
    fn paths_lead_to_their_places() {
        assert_eq!(place("/domain/devices/disk[2]/driver/@cache"), (5, 21, 9));
        assert_eq!(place("/domain/devices/disk[1]"), (3, 3, 7));
        assert_eq!(place("/domain/devices/disk"), (3, 3, 7));
        assert_eq!(place("/domain/cputune/vcpupin[@vcpu='3']"), (9, 3, 19));
    }

    #[test]
    fn what_is_not_there_is_shown_where_it_would_be() {
        assert_eq!(place("/domain/devices/disk[2]/driver/@x"), (5, 4, 28));
        assert_eq!(place("/domain/devices/disk[9]"), (2, 2, 9));
        assert_eq!(place("/domain/devices/disk[0]"), (2, 2, 9));
        assert_eq!(place("/nothing"), (1, 1, 1));
    }

    #[test]
    fn a_text_that_is_no_document_has_offsets() {
        let loss = Loss {
            path: "domain/image".to_owned(),
            at: Some(9),
            reason: "it is lost".to_owned(),
            severity: Severity::Error,
        };
        let problems = place_losses("(domain\n (image))", vec![loss]);
        assert_eq!(
            problems[0].to_string(),
            "line 2, column 2: domain/image: it is lost"
        );
    }
}
