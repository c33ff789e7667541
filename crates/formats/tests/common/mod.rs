//! XML as a tree for comparisons: white space between elements and the order of
//! attributes do not count, everything else does.

use std::collections::BTreeMap;

/// An element.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn parse(xml: &str) -> Self {
        let document = roxmltree::Document::parse(xml)
            .unwrap_or_else(|error| panic!("not XML: {error}\n{xml}"));
        Self::from_node(document.root_element())
    }

    fn from_node(node: roxmltree::Node<'_, '_>) -> Self {
        let children: Vec<_> = node
            .children()
            .filter(roxmltree::Node::is_element)
            .map(Self::from_node)
            .collect();
        let text = if children.is_empty() {
            node.text().unwrap_or_default().to_owned()
        } else {
            String::new()
        };
        Self {
            name: node.tag_name().name().to_owned(),
            attributes: node
                .attributes()
                .map(|a| (a.name().to_owned(), a.value().to_owned()))
                .collect(),
            children,
            text,
        }
    }

    /// Sorts children by name, keeping the order of those with the same name.
    #[allow(dead_code)]
    pub(crate) fn sort(&mut self) {
        self.children.iter_mut().for_each(Self::sort);
        self.children.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// The first places where two trees differ.
#[allow(dead_code)]
pub(crate) fn differences(ours: &Element, theirs: &Element, path: &str) -> String {
    let path = format!("{path}/{}", ours.name);
    let mut found = String::new();
    if ours.attributes != theirs.attributes || ours.text.trim() != theirs.text.trim() {
        let show = |e: &Element| format!("{:?} '{}'", e.attributes, e.text.trim());
        found += &format!("\n    {path}: {} instead of {}", show(ours), show(theirs));
    }
    let names = |e: &Element| {
        e.children
            .iter()
            .map(|c| c.name.clone())
            .collect::<Vec<_>>()
    };
    if names(ours) != names(theirs) {
        found += &format!(
            "\n    {path}: {:?} instead of {:?}",
            names(ours),
            names(theirs)
        );
        return found;
    }
    for (ours, theirs) in ours.children.iter().zip(&theirs.children) {
        found += &differences(ours, theirs, &path);
    }
    found
}
