//! What a release's libxl has: look-ups in `schema`, and which places a setting
//! that moved can have.

use super::Release;
use super::schema::{ENUMERATIONS, STRUCTURES};

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `"True"`, `"False"` or `"<default>"`.
    Flag,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    Text,
    /// A list of the bits that are set.
    Bits,
    /// A list of texts.
    Texts,
    /// An object of texts.
    Pairs,
    /// A policy of processor features.
    Cpuid,
    /// Something that nobody looks into.
    Any,
    /// A structure.
    Structure(&'static str),
    /// A word of a set.
    Word(&'static str),
}

/// A field of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// There are several, in a list.
    pub(super) list: bool,
    span: Span,
}

/// Releases that have something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: u32,
    last: u32,
}

impl Span {
    /// Splits `text@6-9`.
    fn of(text: &'static str) -> (&'static str, Self) {
        let (rest, last) = match text.rsplit_once('-') {
            Some((rest, last)) => (rest, last.parse().unwrap_or(u32::MAX)),
            None => (text, u32::MAX),
        };
        let (rest, first) = match rest.rsplit_once('@') {
            Some((rest, first)) => (rest, first.parse().unwrap_or(0)),
            None => (rest, 0),
        };
        (rest, Self { first, last })
    }

    fn has(self, release: Release) -> bool {
        (self.first..=self.last).contains(&release.minor())
    }
}

impl Field {
    fn of(text: &'static str) -> Option<Self> {
        let (text, span) = Span::of(text);
        let (name, kind) = text.rsplit_once(':')?;
        let (kind, list) = match kind.strip_suffix("[]") {
            Some(kind) => (kind, true),
            None => (kind, false),
        };
        let kind = match kind {
            "flag" => Kind::Flag,
            "bool" => Kind::Bool,
            "int" => Kind::Int,
            "text" => Kind::Text,
            "bits" => Kind::Bits,
            "texts" => Kind::Texts,
            "pairs" => Kind::Pairs,
            "cpuid" => Kind::Cpuid,
            "any" => Kind::Any,
            other => match find(ENUMERATIONS, other) {
                Some(_) => Kind::Word(other),
                None => Kind::Structure(other),
            },
        };
        Some(Self {
            name,
            kind,
            list,
            span,
        })
    }

    /// Whether a release has it.
    pub(super) fn is_in(&self, release: Release) -> bool {
        self.span.has(release)
    }
}

fn find(table: &'static [(&str, &str)], name: &str) -> Option<&'static str> {
    let found = table.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// The fields of a structure, of all releases.
pub(super) fn fields(structure: &str) -> impl Iterator<Item = Field> {
    let text = find(STRUCTURES, structure).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(Field::of)
}

/// A field of a structure, whichever release has it.
pub(super) fn field(structure: &str, name: &str) -> Option<Field> {
    let text = find(STRUCTURES, structure)?;
    let mut fields = text.split_ascii_whitespace();
    let is_it = |text: &&str| {
        let rest = text.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    fields.find(is_it).and_then(Field::of)
}

/// Whether a word is of a set, in a release if one is said.
pub(super) fn has_word(set: &str, word: &str, release: Option<Release>) -> bool {
    let words = find(ENUMERATIONS, set).unwrap_or_default();
    let mut words = words.split_ascii_whitespace().map(Span::of);
    words.any(|(known, span)| known == word && release.is_none_or(|release| span.has(release)))
}

/// All structures and enumerations.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    STRUCTURES.iter().chain(ENUMERATIONS).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(minor: u32) -> Release {
        Release::new(4, minor).unwrap()
    }

    #[test]
    fn fields_know_their_releases() {
        let acpi = field("domain_build_info", "acpi").unwrap();
        assert_eq!((acpi.kind, acpi.list), (Kind::Flag, false));
        assert!(!acpi.is_in(release(7)) && acpi.is_in(release(8)) && acpi.is_in(release(40)));
        let old = field("domain_config", "p9").unwrap();
        assert!(old.list && old.is_in(release(9)) && !old.is_in(release(10)));
        assert_eq!(field("domain_build_info", "acp"), None);
        assert_eq!(field("nonsense", "acpi"), None);
        assert!(has_word("disk_format", "qed", Some(release(9))));
        assert!(!has_word("disk_format", "qed", Some(release(8))));
        assert!(!has_word("disk_format", "raw4", None));
    }

    /// What the shelf says of a field or word: first and last minor release.
    fn spans(history: &serde_json::Value, of: &str) -> Vec<(String, u32, u32)> {
        let minor = |value: &serde_json::Value| -> u32 {
            let text = value.as_str().unwrap().strip_prefix("4.").unwrap();
            text.parse().unwrap()
        };
        let all = history[of].as_object().unwrap().iter();
        all.map(|(name, span)| (name.clone(), minor(&span[0]), minor(&span[1])))
            .filter(|(_, _, last)| *last >= Release::OLDEST.minor())
            .collect()
    }

    #[test]
    fn releases_are_those_of_the_facts() {
        let Some(path) = virtxen_testkit::shared("reference/data/libxl-idl-history.json") else {
            return;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let facts: serde_json::Value = serde_json::from_str(&text).unwrap();
        let history = &facts["history"];
        let mut compared = 0;
        for (name, _) in names() {
            let of = format!("libxl_{name}");
            if history.get(&of).is_none() {
                continue;
            }
            for (key, first, last) in spans(history, &of) {
                // Members of unions and structures inside have their own entry.
                let (inner, key) = match key.rsplit_once('.') {
                    Some((path, key)) => (path.rsplit('.').next().unwrap().to_owned(), key),
                    None if key.contains('<') => continue,
                    None => (name.to_owned(), key.as_str()),
                };
                let inner = match inner.as_str() {
                    "socket" | "hostdev" => format!("{name}.{inner}"),
                    _ => inner,
                };
                let key = key.trim_end_matches("[]");
                for release in Release::all() {
                    let there = (first..=last).contains(&release.minor());
                    let ours = match find(STRUCTURES, &inner) {
                        Some(_) => field(&inner, key).is_some_and(|it| it.is_in(release)),
                        None => has_word(&inner, key, Some(release)),
                    };
                    assert_eq!(ours, there, "{inner}/{key} in Xen {release}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 5000, "{compared}");
    }

    #[test]
    fn every_type_is_there() {
        for (name, _) in names() {
            for field in fields(name) {
                if let Kind::Structure(inner) = field.kind {
                    assert!(find(STRUCTURES, inner).is_some(), "{name}/{}", field.name);
                }
            }
        }
    }
}
