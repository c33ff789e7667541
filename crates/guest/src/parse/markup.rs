//! Elements that are kept as they are: tree of the document to [`Element`].
//!
//! Depth is bounded before the document becomes a tree, so recursion is safe here.

use crate::{Attribute, Element, Node as Part};
use roxmltree::Node;

/// An element with all that is in it. A prefix that is declared outside of it is
/// declared on it.
pub(super) fn element(source: &str, node: Node<'_, '_>) -> Element {
    let mut element = copy(source, node);
    declare(&mut element, node);
    element
}

/// The `<metadata>` element: each program's part stands for itself.
pub(super) fn metadata(source: &str, node: Node<'_, '_>) -> Element {
    let mut metadata = copy(source, node);
    let parts = metadata.children.iter_mut().filter_map(|part| match part {
        Part::Element(element) => Some(element),
        _ => None,
    });
    for part in parts {
        declare(part, node);
    }
    metadata.namespaces.clear();
    metadata
}

/// Name of an element as it is written, with its prefix.
pub(super) fn written_name<'s>(source: &'s str, node: Node<'_, '_>) -> &'s str {
    let tag = source.get(node.range().start + 1..).unwrap_or_default();
    let end = tag.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/');
    tag.get(..end.unwrap_or(tag.len())).unwrap_or_default()
}

fn copy(source: &str, node: Node<'_, '_>) -> Element {
    Element {
        name: written_name(source, node).to_owned(),
        namespaces: declared_here(node),
        attributes: node
            .attributes()
            .map(|attribute| Attribute {
                name: source
                    .get(attribute.range_qname())
                    .unwrap_or(attribute.name())
                    .to_owned(),
                value: attribute.value().to_owned(),
            })
            .collect(),
        children: children(source, node),
    }
}

fn children(source: &str, node: Node<'_, '_>) -> Vec<Part> {
    // White space is layout unless something else than elements and comments is there.
    let layout = node.children().any(|child| !child.is_text())
        && node
            .children()
            .filter(Node::is_text)
            .all(|child| child.text().is_none_or(|text| text.trim().is_empty()));
    node.children()
        .filter(|child| !(layout && child.is_text()))
        .filter_map(|child| {
            if child.is_element() {
                return Some(Part::Element(copy(source, child)));
            }
            if let Some(instruction) = child.pi() {
                return Some(Part::Instruction {
                    target: instruction.target.to_owned(),
                    value: instruction.value.map(str::to_owned),
                });
            }
            let text = child.text()?.to_owned();
            Some(if child.is_comment() {
                Part::Comment(text)
            } else {
                Part::Text(text)
            })
        })
        .collect()
}

fn declared_here(node: Node<'_, '_>) -> Vec<(Option<String>, String)> {
    let outer = node.parent_element();
    node.namespaces()
        .filter(|namespace| {
            outer.is_none_or(|outer| {
                outer.lookup_namespace_uri(namespace.name()) != Some(namespace.uri())
            })
        })
        .filter(|namespace| namespace.name() != Some("xml"))
        .map(|namespace| {
            (
                namespace.name().map(str::to_owned),
                namespace.uri().to_owned(),
            )
        })
        .collect()
}

/// Declares the prefixes that are used in `element` and declared outside of it.
fn declare(element: &mut Element, place: Node<'_, '_>) {
    let mut missing = Vec::new();
    undeclared(element, &mut Vec::new(), &mut missing);
    for prefix in missing {
        if let Some(uri) = place.lookup_namespace_uri(Some(&prefix)) {
            element.namespaces.push((Some(prefix), uri.to_owned()));
        }
    }
}

fn undeclared(element: &Element, scope: &mut Vec<String>, missing: &mut Vec<String>) {
    let outer = scope.len();
    let here = element.namespaces.iter();
    scope.extend(here.filter_map(|(prefix, _)| prefix.clone()));
    let names = element.attributes.iter().map(|attribute| &attribute.name);
    for name in names.chain([&element.name]) {
        let Some((prefix, _)) = name.split_once(':') else {
            continue;
        };
        let known = |list: &[String]| list.iter().any(|known| known == prefix);
        if prefix != "xml" && !known(scope) && !known(missing) {
            missing.push(prefix.to_owned());
        }
    }
    for child in element.elements() {
        undeclared(child, scope, missing);
    }
    scope.truncate(outer);
}
