//! Known parts without effect: what libvirt's schema has inside a typed element
//! and no Xen toolstack uses (`<disk snapshot='no'>`, `<iotune>`, …).
//!
//! They survive parse and format at the element where they stood. The typed parts
//! are fields of the device that has a [`Kept`].

use crate::{Attribute, Element};

/// Attributes and child elements that are carried along.
///
/// Ordered by the element they stand in, attributes before elements, else as they
/// were added. Two are equal when they differ only in the order of parts with
/// different names, which has no meaning.
#[derive(Clone, Debug, Default, Eq)]
pub struct Kept {
    items: Vec<KeptItem>,
}

/// One part that is carried along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptItem {
    /// Name of the typed child element that it stands in, empty for the device's
    /// (or other owner's) own element.
    pub within: &'static str,
    /// What it is.
    pub content: KeptContent,
}

/// What is carried along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptContent {
    /// An attribute.
    Attribute(Attribute),
    /// A child element.
    Element(Element),
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        if self.items == other.items {
            return true;
        }
        let sorted = |kept: &Self| {
            let mut items: Vec<_> = kept.items.clone();
            items.sort_by(|a, b| a.key().cmp(&b.key()));
            items
        };
        self.items.len() == other.items.len() && sorted(self) == sorted(other)
    }
}

impl KeptItem {
    fn key(&self) -> (&'static str, bool, &str) {
        match &self.content {
            KeptContent::Attribute(attribute) => (self.within, false, &attribute.name),
            KeptContent::Element(element) => (self.within, true, &element.name),
        }
    }
}

impl Kept {
    /// Adds an attribute of the element `within`.
    pub fn add_attribute(
        &mut self,
        within: &'static str,
        name: impl Into<String>,
        value: impl Into<String>,
    ) {
        self.add(KeptItem {
            within,
            content: KeptContent::Attribute(Attribute {
                name: name.into(),
                value: value.into(),
            }),
        });
    }

    /// Adds a child of the element `within`.
    pub fn add_element(&mut self, within: &'static str, element: Element) {
        self.add(KeptItem {
            within,
            content: KeptContent::Element(element),
        });
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Everything that is kept.
    #[must_use]
    pub fn items(&self) -> &[KeptItem] {
        &self.items
    }

    /// Whether something is kept in the element `within`.
    #[must_use]
    pub fn has(&self, within: &str) -> bool {
        self.items.iter().any(|item| item.within == within)
    }

    /// The attributes of the element `within`.
    pub fn attributes<'a>(&'a self, within: &'a str) -> impl Iterator<Item = &'a Attribute> {
        self.items.iter().filter_map(move |item| match item {
            KeptItem {
                within: place,
                content: KeptContent::Attribute(attribute),
            } if *place == within => Some(attribute),
            _ => None,
        })
    }

    /// The child elements of the element `within`.
    pub fn elements<'a>(&'a self, within: &'a str) -> impl Iterator<Item = &'a Element> {
        self.items.iter().filter_map(move |item| match item {
            KeptItem {
                within: place,
                content: KeptContent::Element(element),
            } if *place == within => Some(element),
            _ => None,
        })
    }

    fn add(&mut self, item: KeptItem) {
        let place = |item: &KeptItem| {
            let (within, is_element, _) = item.key();
            (within, is_element)
        };
        let new = place(&item);
        let at = self.items.partition_point(|old| place(old) <= new);
        self.items.insert(at, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_ordered_by_place() {
        let mut kept = Kept::default();
        kept.add_element("", Element::new("iotune"));
        kept.add_attribute("source", "index", "1");
        kept.add_attribute("", "snapshot", "no");
        kept.add_attribute("", "rawio", "yes");
        let names: Vec<_> = kept.attributes("").map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["snapshot", "rawio"]);
        assert_eq!(kept.elements("").count(), 1);
        assert!(kept.has("source") && !kept.has("driver"));
        assert!(matches!(
            kept.items().last(),
            Some(KeptItem {
                within: "source",
                ..
            })
        ));
    }
}
