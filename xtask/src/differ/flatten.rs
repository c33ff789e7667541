//! A document as a map from places to texts, so that two can be compared.
//!
//! What the elements mean is not known here.

use roxmltree::{Document, Node};
use std::collections::BTreeMap;

/// The text of each element that has one or has nothing else, and each attribute.
/// Elements of the same name have numbers from the second on. None when it is no document.
pub(super) fn flatten(text: &str) -> Option<BTreeMap<String, String>> {
    if !text.trim_start().starts_with('<') {
        return None;
    }
    let document = Document::parse(text.trim()).ok()?;
    let mut leaves = BTreeMap::new();
    let root = document.root_element();
    add(root, root.tag_name().name().to_owned(), &mut leaves);
    Some(leaves)
}

fn add(node: Node<'_, '_>, place: String, leaves: &mut BTreeMap<String, String>) {
    for attribute in node.attributes() {
        let place = format!("{place}/@{}", attribute.name());
        leaves.insert(place, attribute.value().to_owned());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut is_leaf = node.attributes().len() == 0;
    for child in node.children().filter(Node::is_element) {
        is_leaf = false;
        let name = child.tag_name().name();
        let count = counts.entry(name).or_default();
        *count += 1;
        let place = match count {
            1 => format!("{place}/{name}"),
            _ => format!("{place}/{name}[{count}]"),
        };
        add(child, place, leaves);
    }
    let text = node.text().unwrap_or_default().trim();
    if is_leaf || !text.is_empty() {
        leaves.insert(place, text.to_owned());
    }
}
