//! Texts, words and kept markup.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use virtxen_guest::{Element, Kept, Node, Word};

/// A word of a set.
pub(crate) fn word<T: Word + std::fmt::Debug>() -> impl Strategy<Value = T> {
    select(T::WORDS).prop_map(|word| T::from_word(word).expect("a word of its set"))
}

/// A text with what needs care: quotes, markup, line ends, other scripts.
pub(crate) fn text() -> impl Strategy<Value = String> {
    "[a-z0-9 ./:'\"<>&\t\n\ré漢]{1,10}"
}

/// A name or path without surprises.
pub(crate) fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9./_'&-]{1,12}"
}

/// An absolute path.
pub(crate) fn path() -> impl Strategy<Value = String> {
    "/[a-zA-Z0-9._'&-][a-zA-Z0-9./_'&-]{0,11}"
}

/// Sometimes a value.
pub(crate) fn maybe<S: Strategy>(value: S) -> impl Strategy<Value = Option<S::Value>> {
    proptest::option::of(value)
}

/// An element with this name, with attributes, children and texts.
pub(crate) fn element(name: &'static str) -> impl Strategy<Value = Element> {
    let attributes = maybe(text());
    let leaf = (attributes, vec(leaf("part"), 0..3), maybe(text()));
    leaf.prop_map(move |(value, parts, text)| {
        let mut element = Element::new(name);
        if let Some(value) = value {
            element = element.with("value", value);
        }
        // Text that is all white space is layout beside elements.
        match text {
            Some(text) if parts.is_empty() => element.children.push(Node::Text(text)),
            _ => element.children = parts,
        }
        element
    })
}

/// What programs keep in a guest: namespaces, comments, instructions, mixed content.
pub(crate) fn metadata() -> impl Strategy<Value = Element> {
    vec(program(), 0..3).prop_map(|programs| {
        let mut metadata = Element::new("metadata");
        for program in programs {
            metadata = metadata.with_child(program);
        }
        metadata
    })
}

fn program() -> impl Strategy<Value = Element> {
    let prefix = select(vec![Some("app"), None]);
    let content = vec(
        prop_oneof![
            leaf("inner"),
            "[a-z <&]{0,6}".prop_map(Node::Comment),
            "[a-z<&]{1,6}".prop_map(|value| Node::Instruction {
                target: "do".to_owned(),
                value: Some(value),
            }),
        ],
        0..4,
    );
    (prefix, content, any::<bool>()).prop_map(|(prefix, mut content, mixed)| {
        let uri = "http://example.org/app".to_owned();
        let name = prefix.map_or("own".to_owned(), |prefix| format!("{prefix}:own"));
        if mixed {
            content.push(Node::Text("mixed in".to_owned()));
        }
        Element {
            name,
            namespaces: vec![(prefix.map(str::to_owned), uri)],
            attributes: Vec::new(),
            children: content,
        }
    })
}

fn leaf(name: &'static str) -> impl Strategy<Value = Node> {
    maybe(text()).prop_map(move |text| {
        let mut element = Element::new(name);
        element.children.extend(text.map(Node::Text));
        Node::Element(element)
    })
}

/// Some of these attributes (`element@name`) and elements (`element/name`).
pub(crate) fn kept(parts: &'static [&'static str]) -> impl Strategy<Value = Kept> {
    let parts: Vec<_> = parts.iter().map(|part| maybe(one_kept(part))).collect();
    parts.prop_map(|parts| {
        let mut kept = Kept::default();
        for (within, name, element) in parts.into_iter().flatten() {
            match element {
                Some(element) => kept.add_element(within, element),
                None => kept.add_attribute(within, name, "kept"),
            }
        }
        kept
    })
}

type OneKept = (&'static str, &'static str, Option<Element>);

fn one_kept(part: &'static str) -> BoxedStrategy<OneKept> {
    match part.split_once('@') {
        Some((within, name)) => Just((within, name, None)).boxed(),
        None => {
            let (within, name) = part.split_once('/').expect("element/name");
            element(name)
                .prop_map(move |element| (within, name, Some(element)))
                .boxed()
        }
    }
}
