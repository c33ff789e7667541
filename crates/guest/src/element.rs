//! Markup that is kept as it is: elements without a typed model.
//!
//! libvirt knows many elements that have no effect on a Xen guest. They survive
//! parse and format as such a tree. What they mean is not known here.

/// One attribute as it is written, with its prefix if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Name: `local` or `prefix:local`.
    pub name: String,
    /// Value, entities resolved.
    pub value: String,
}

/// An element as it is written.
///
/// White space between child elements is not kept; texts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Name: `local` or `prefix:local`.
    pub name: String,
    /// Namespaces that are declared here: prefix (`None` for the default one) and URI.
    pub namespaces: Vec<(Option<String>, String)>,
    /// Attributes in their order.
    pub attributes: Vec<Attribute>,
    /// What is inside, in its order.
    pub children: Vec<Node>,
}

/// One node inside an [`Element`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, entities resolved. A CDATA section is text too.
    Text(String),
    /// A comment, without its marks.
    Comment(String),
    /// A processing instruction.
    Instruction {
        /// Its target.
        target: String,
        /// What follows, if anything.
        value: Option<String>,
    },
}

impl Element {
    /// An empty element.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// With one more attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push(Attribute {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// With one more child element.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// With this text after what is inside already.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
            .map(|attribute| attribute.value.as_str())
    }

    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The first child element with this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.elements().find(|element| element.name == name)
    }

    /// All texts directly inside, joined.
    #[must_use]
    pub fn text(&self) -> String {
        self.children
            .iter()
            .filter_map(|node| match node {
                Node::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}
