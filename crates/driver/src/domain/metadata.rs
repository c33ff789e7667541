//! Title, description and metadata of a domain: what people and programs write on it.
//!
//! Where this is kept that the host cannot keep is in `store`; metadata as markup is
//! here.

use crate::call::Call;
use crate::driver::Inner;
use crate::events::EventKind;
use crate::{Affect, Domain, DomainKey, Driver, Error, Operation, Result};
use std::fmt;
use std::sync::Arc;
use virtxen_guest::{
    Element, FormatOptions, Guest, Node, ParseOptions, Uuid, format_element, parse_element,
};

/// libvirt's `virDomainMetadataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetadataKind {
    /// The description.
    Description,
    /// The title, one line.
    Title,
    /// The element of a program, found by its namespace.
    Element,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataChange {
    /// Which.
    pub kind: MetadataKind,
    /// The new text or element; nothing removes it.
    pub value: Option<String>,
    /// Of an element the prefix that it gets in the document.
    pub prefix: Option<String>,
    /// Of an element its namespace.
    pub uri: Option<String>,
}

impl MetadataKind {
    /// libvirt's number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Description => 0,
            Self::Title => 1,
            Self::Element => 2,
        }
    }

    /// Of libvirt's number.
    #[must_use]
    pub fn of_number(number: i32) -> Option<Self> {
        let all = [Self::Description, Self::Title, Self::Element];
        all.into_iter().find(|kind| kind.number() == number)
    }
}

impl fmt::Display for MetadataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Description => "description",
            Self::Title => "title",
            Self::Element => "element",
        })
    }
}

impl Driver {
    /// Title, description or an element of the metadata, the latter by its namespace
    /// and without it.
    ///
    /// # Errors
    /// [`Error::NoMetadata`]; the flags do not fit the domain.
    pub async fn metadata(
        &self,
        key: &DomainKey,
        kind: MetadataKind,
        uri: Option<&str>,
        affect: Affect,
    ) -> Result<String> {
        let domain = self.readable(Operation::GetMetadata, key).await?;
        let config = parts(affect, Operation::GetMetadata, &domain)?.config;
        let guest = self.guest_of(key, false, config).await?;
        let found = match kind {
            MetadataKind::Description => guest.description.clone(),
            MetadataKind::Title => guest.title.clone(),
            MetadataKind::Element => element(&guest, needed(uri)?),
        };
        found.ok_or_else(|| Error::NoMetadata {
            name: domain.name,
            what: match uri {
                Some(uri) if kind == MetadataKind::Element => format!("element of '{uri}'"),
                _ => kind.to_string(),
            },
        })
    }

    /// Changes or removes title, description or an element of the metadata.
    ///
    /// # Errors
    /// The title has lines; the element is none; the flags do not fit the domain; there
    /// is no place to keep it.
    pub async fn set_metadata(
        &self,
        key: &DomainKey,
        change: &MetadataChange,
        affect: Affect,
    ) -> Result<()> {
        let change = change.checked()?;
        let call = Call::domain(Operation::SetMetadata, key);
        let inner = Arc::clone(&self.inner);
        self.change(call, async move |_, domain| {
            let parts = parts(affect, Operation::SetMetadata, &domain)?;
            if !inner.store.is_there() {
                return Err(Error::Unsupported {
                    operation: Operation::SetMetadata.verb(),
                    reason: "the host is another machine's, where virtxen has no folder to keep \
                             what Xen does not: ask a virtxend there"
                        .to_owned(),
                });
            }
            if parts.config {
                inner.set_of_definition(&domain, &change).await?;
            }
            if parts.live {
                inner.set_of_run(&domain, &change).await?;
            }
            let kind = EventKind::MetadataChange(change.kind, change.uri.clone());
            inner.registry.report(&domain, kind);
            Ok(())
        })
        .await
    }
}

impl Inner {
    /// Keeps beside the host what it does not keep of a guest that was defined.
    pub(super) async fn keep_definition(&self, uuid: Uuid, guest: Guest) -> Result<()> {
        if !self.store.is_there() || self.host.keeps_documents() {
            return Ok(());
        }
        let theirs = self.host.defined(&guest.name).await?;
        self.store.define(uuid, guest, theirs).await
    }

    /// As [`Inner::keep_definition`], of a guest that runs.
    pub(crate) async fn keep_run(&self, domain: &Domain, guest: Guest) -> Result<()> {
        if !self.store.is_there() {
            return Ok(());
        }
        let theirs = self.host.guest(&domain.name).await?;
        self.store.run(domain, guest, theirs).await
    }

    /// Before what a domain is defined as changes: how it runs stays as it is.
    pub(super) async fn part_run(&self, domain: Option<&Domain>) -> Result<()> {
        let Some(domain) = domain.filter(|domain| domain.is_active()) else {
            return Ok(());
        };
        if !self.store.is_there() || self.store.runs_apart(domain).await {
            return Ok(());
        }
        // Where nobody tells how it runs, there is nothing to part.
        let Ok(theirs) = self.host.guest(&domain.name).await else {
            return Ok(());
        };
        let ours = self.store.complete(domain, theirs.clone(), false).await;
        self.store.run(domain, ours, theirs).await
    }

    async fn set_of_definition(&self, domain: &Domain, change: &MetadataChange) -> Result<()> {
        self.part_run(Some(domain)).await?;
        let mut theirs = self.host.defined(&domain.name).await?;
        let mut guest = self.store.complete(domain, theirs.clone(), true).await;
        change.apply(&mut guest)?;
        let told = change.kind == MetadataKind::Description && !domain.is_active();
        if self.host.keeps_documents() || told {
            // XenD keeps the description, from some release on.
            guest.id = None;
            self.host.define(&guest).await?;
            theirs = self.host.defined(&domain.name).await?;
        }
        self.store.define(domain.uuid, guest, theirs).await
    }

    async fn set_of_run(&self, domain: &Domain, change: &MetadataChange) -> Result<()> {
        let theirs = self.host.guest(&domain.name).await?;
        let mut guest = self.store.complete(domain, theirs.clone(), false).await;
        change.apply(&mut guest)?;
        self.store.run(domain, guest, theirs).await
    }
}

/// What flags mean for words on a domain: without any the running domain, if it runs.
fn parts(affect: Affect, operation: Operation, domain: &Domain) -> Result<Affect> {
    let refused = |reason: &str| {
        Err(Error::Invalid {
            name: domain.name.clone(),
            operation: operation.verb(),
            reason: reason.to_owned(),
        })
    };
    match (domain.is_active(), affect) {
        (false, Affect { live: true, .. }) => refused("the domain is not running"),
        (false, _) => Ok(Affect::CONFIG),
        (true, Affect { config: true, .. }) if domain.persistent == Some(false) => {
            refused("the domain is transient: it has no configuration to change")
        }
        (true, affect) if affect == Affect::CURRENT => Ok(Affect::LIVE),
        (true, affect) => Ok(affect),
    }
}

fn needed(uri: Option<&str>) -> Result<&str> {
    uri.filter(|uri| !uri.is_empty())
        .ok_or_else(|| Error::Argument("an element of the metadata needs its URI".to_owned()))
}

impl MetadataChange {
    /// The change, with nothing in place of an empty text.
    fn checked(&self) -> Result<Self> {
        let mut change = self.clone();
        change.value.take_if(|value| value.is_empty());
        let value = change.value.as_deref();
        match self.kind {
            MetadataKind::Title if value.is_some_and(|title| title.contains('\n')) => Err(
                Error::Argument("the title must be one line: it has several".to_owned()),
            ),
            MetadataKind::Element => {
                needed(self.uri.as_deref())?;
                // Said now, not when half is done.
                change.apply(&mut Guest::new(""))?;
                Ok(change)
            }
            _ => Ok(Self {
                prefix: None,
                uri: None,
                ..change
            }),
        }
    }

    fn apply(&self, guest: &mut Guest) -> Result<()> {
        match self.kind {
            MetadataKind::Description => guest.description.clone_from(&self.value),
            MetadataKind::Title => guest.title.clone_from(&self.value),
            MetadataKind::Element => self.apply_element(guest)?,
        }
        Ok(())
    }

    fn apply_element(&self, guest: &mut Guest) -> Result<()> {
        let uri = needed(self.uri.as_deref())?;
        let mut metadata = guest.metadata.take();
        let mut whole = metadata.take().unwrap_or_else(|| Element::new("metadata"));
        let outer = whole.namespaces.clone();
        whole.children.retain(|child| match child {
            Node::Element(element) => namespace(element, &outer).is_none_or(|it| it.1 != uri),
            _ => true,
        });
        if let Some(value) = &self.value {
            let prefix = self.prefix.as_deref().filter(|prefix| is_name(prefix));
            let prefix = prefix.ok_or_else(|| {
                Error::Argument("an element of the metadata needs its key, a name".to_owned())
            })?;
            let parsed = parse_element(value, &ParseOptions::default()).map_err(Error::Xml)?;
            let mut element = dressed(parsed.value, prefix);
            let declared = (Some(prefix.to_owned()), uri.to_owned());
            element.namespaces.insert(0, declared);
            whole.children.push(Node::Element(element));
        }
        let anything = whole
            .children
            .iter()
            .any(|child| matches!(child, Node::Element(_)));
        guest.metadata = anything.then_some(whole);
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|it| it.is_alphanumeric() || "_-.".contains(it))
}

/// An element and those in it in the namespace of a prefix, where they have none.
/// Their depth is bounded by the reader of documents.
fn dressed(mut element: Element, prefix: &str) -> Element {
    let own =
        element.name.contains(':') || element.namespaces.iter().any(|(name, _)| name.is_none());
    if own {
        return element;
    }
    element.name = format!("{prefix}:{}", element.name);
    for child in &mut element.children {
        if let Node::Element(inner) = child {
            *inner = dressed(std::mem::take(inner), prefix);
        }
    }
    element
}

/// The prefix of an element and the namespace that it stands for.
fn namespace<'a>(
    element: &'a Element,
    outer: &'a [(Option<String>, String)],
) -> Option<(Option<&'a str>, &'a str)> {
    let (prefix, _) = element.name.split_once(':').unzip();
    let scopes = element.namespaces.iter().chain(outer);
    let mut declared = scopes.filter(|(declared, _)| declared.as_deref() == prefix);
    declared.next().map(|(_, uri)| (prefix, uri.as_str()))
}

/// The element of a namespace, as the program that keeps it there wrote it: without
/// the namespace.
fn element(guest: &Guest, uri: &str) -> Option<String> {
    let metadata = guest.metadata.as_ref()?;
    let (element, prefix) = metadata.elements().find_map(|element| {
        let (prefix, found) = namespace(element, &metadata.namespaces)?;
        (found == uri).then_some((element, prefix))
    })?;
    let bare = bare(element.clone(), prefix, uri);
    let text = format_element(&bare, &FormatOptions::default());
    Some(text.trim_end().to_owned())
}

/// Takes a namespace off an element and those in it. Their depth is bounded by the
/// reader of documents.
fn bare(mut element: Element, prefix: Option<&str>, uri: &str) -> Element {
    if let Some(prefix) = prefix
        && let Some(("", local)) = element
            .name
            .strip_prefix(prefix)
            .and_then(|rest| rest.split_once(':'))
    {
        element.name = local.to_owned();
    }
    let ours =
        |declared: &(Option<String>, String)| declared.0.as_deref() == prefix && declared.1 == uri;
    element.namespaces.retain(|declared| !ours(declared));
    for child in &mut element.children {
        if let Node::Element(inner) = child {
            *inner = bare(std::mem::take(inner), prefix, uri);
        }
    }
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(metadata: &str) -> Guest {
        let document = format!(
            "<domain type='xen'><name>web</name><memory>1024</memory>\
             <os><type>linux</type></os><metadata>{metadata}</metadata></domain>"
        );
        let options = ParseOptions::default();
        virtxen_guest::parse_guest(&document, &options)
            .unwrap()
            .value
    }

    #[test]
    fn metadata_is_found_by_its_namespace_and_comes_without_it() {
        let guest = guest(
            "<a:owner xmlns:a='http://a.example' id='1'><a:name>Ada</a:name></a:owner>\
             <b xmlns='http://b.example'/>",
        );
        let owner = element(&guest, "http://a.example").unwrap();
        assert_eq!(owner, "<owner id='1'>\n  <name>Ada</name>\n</owner>");
        assert_eq!(element(&guest, "http://b.example").unwrap(), "<b/>");
        assert_eq!(element(&guest, "http://c.example"), None);
    }

    #[test]
    fn an_element_takes_the_place_of_its_namespaces() {
        let mut guest = guest("<a:owner xmlns:a='http://a.example'/><b xmlns='http://b.example'/>");
        let change = |value: Option<&str>, prefix: &str, uri: &str| MetadataChange {
            kind: MetadataKind::Element,
            value: value.map(str::to_owned),
            prefix: Some(prefix.to_owned()),
            uri: Some(uri.to_owned()),
        };
        let new = "<owner id='2'><name>Bo</name></owner>";
        change(Some(new), "x", "http://a.example")
            .apply(&mut guest)
            .unwrap();
        let owner = element(&guest, "http://a.example").unwrap();
        assert_eq!(owner, "<owner id='2'>\n  <name>Bo</name>\n</owner>");
        let text = virtxen_guest::format_guest(&guest, &FormatOptions::default());
        assert!(
            text.contains("<x:owner xmlns:x='http://a.example' id='2'>"),
            "{text}"
        );
        assert!(text.contains("<x:name>Bo</x:name>"), "{text}");
        // What is written is read again.
        let again = virtxen_guest::parse_guest(&text, &ParseOptions::default());
        assert_eq!(again.unwrap().value.metadata, guest.metadata);
        change(None, "", "http://a.example")
            .apply(&mut guest)
            .unwrap();
        assert_eq!(element(&guest, "http://a.example"), None);
        change(None, "", "http://b.example")
            .apply(&mut guest)
            .unwrap();
        assert_eq!(guest.metadata, None);
        for (value, prefix) in [
            ("<a>", "x"),
            ("<a/><b/>", "x"),
            ("text", "x"),
            ("<a/>", "x y"),
        ] {
            let refused = change(Some(value), prefix, "http://a.example").apply(&mut guest);
            assert!(refused.is_err(), "{value}");
        }
    }
}
