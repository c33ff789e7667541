//! The tree of an S-expression and cheap ways to look into it.
//!
//! No conversion of values is here: atoms stay text until the code that knows
//! their meaning reads them.

/// An atom or a list. Equality ignores where in a text a node stood.
#[derive(Clone, Debug, Eq)]
pub enum Sxpr {
    /// A word, a number or a text; quotes are removed, escapes resolved.
    Atom {
        /// The value.
        text: String,
        /// Written in quotes in the text that was read, or to be quoted by
        /// [`write_request`](super::write_request) although it could stand bare.
        quoted: bool,
        /// Byte offset in the text that was read, 0 for built ones.
        at: usize,
    },
    /// Nodes in parentheses.
    List {
        /// The nodes, in order.
        items: Vec<Sxpr>,
        /// Byte offset of the opening parenthesis, 0 for built ones.
        at: usize,
    },
}

impl PartialEq for Sxpr {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Atom { text: a, .. }, Self::Atom { text: b, .. }) => a == b,
            (Self::List { items: a, .. }, Self::List { items: b, .. }) => a == b,
            _ => false,
        }
    }
}

impl Sxpr {
    /// An atom that stands bare where the dialect allows it.
    pub fn atom(text: impl Into<String>) -> Self {
        Self::Atom {
            text: text.into(),
            quoted: false,
            at: 0,
        }
    }

    /// An atom that [`write_request`](super::write_request) puts in quotes.
    pub fn quoted(text: impl Into<String>) -> Self {
        Self::Atom {
            text: text.into(),
            quoted: true,
            at: 0,
        }
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List { items, at: 0 }
    }

    /// `(name value)` with a bare value.
    pub fn pair(name: &str, value: impl Into<String>) -> Self {
        Self::list(vec![Self::atom(name), Self::atom(value)])
    }

    /// `(name 'value')`.
    pub fn quoted_pair(name: &str, value: impl Into<String>) -> Self {
        Self::list(vec![Self::atom(name), Self::quoted(value)])
    }

    /// `(name child …)`.
    #[must_use]
    pub fn named(name: &str, children: Vec<Self>) -> Self {
        let mut items = Vec::with_capacity(children.len() + 1);
        items.push(Self::atom(name));
        items.extend(children);
        Self::list(items)
    }

    /// Where this node stood in the text that was read.
    #[must_use]
    pub fn at(&self) -> usize {
        match self {
            Self::Atom { at, .. } | Self::List { at, .. } => *at,
        }
    }

    /// The text of an atom.
    #[must_use]
    pub fn as_atom(&self) -> Option<&str> {
        match self {
            Self::Atom { text, .. } => Some(text),
            Self::List { .. } => None,
        }
    }

    /// The nodes of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::Atom { .. } => None,
            Self::List { items, .. } => Some(items),
        }
    }

    /// The first atom of a list: what the list is about.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.as_list()?.first()?.as_atom()
    }

    /// The nodes after the name.
    #[must_use]
    pub fn rest(&self) -> &[Self] {
        self.as_list()
            .and_then(|items| items.get(1..))
            .unwrap_or_default()
    }

    /// The first list inside this one that has this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.rest().iter().find(|node| node.name() == Some(name))
    }

    /// All lists inside this one that have this name, in order.
    pub fn children<'a, 'n: 'a>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Self> {
        self.rest()
            .iter()
            .filter(move |node| node.name() == Some(name))
    }

    /// The value of `(name value)` inside this list; `(name)` gives `Some("")`,
    /// as XenD up to 4.0 writes an empty text.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        match self.child(name)?.rest() {
            [] => Some(""),
            [value] => value.as_atom(),
            _ => None,
        }
    }

    /// [`value`](Self::value) at the end of a path of list names.
    #[must_use]
    pub fn value_at(&self, path: &[&str], name: &str) -> Option<&str> {
        let mut node = self;
        for step in path {
            node = node.child(step)?;
        }
        node.value(name)
    }
}
