//! A file that remembers what was asked of it, so that what nobody asked for
//! becomes a note instead of being lost.

use crate::config::{Document, Setting, Value};
use crate::convert::{Error, Notes, excerpt};
use std::collections::HashSet;

/// Most entries of one list: no guest has more devices of a kind.
const ENTRIES_MAX: usize = 4096;

/// A file while it is read.
pub(crate) struct Settings<'a> {
    document: &'a Document,
    asked: HashSet<&'static str>,
}

/// One text of a list, with its place for notes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) text: String,
    /// `disk[2]`
    pub(crate) path: String,
    /// Byte offset of the setting.
    pub(crate) at: usize,
}

/// A name that may stay unread: itself and the values with which it says nothing
/// new; no values means any.
pub(crate) type Quiet = (&'static str, &'static [&'static str]);

impl<'a> Settings<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        Self {
            document,
            asked: HashSet::new(),
        }
    }

    /// The value of a name as it is.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.insert(name);
        self.document
            .get(name)
            .filter(|value| **value != Value::None)
    }

    /// The text of a name; of a number its digits. A list is noted.
    pub(crate) fn text(&mut self, name: &'static str, notes: &mut Notes) -> Option<String> {
        let value = self.value(name)?;
        let text = value.to_text();
        if text.is_none() {
            let reason = format!("expected a string, found {}", value.kind());
            notes.setting_at(name, self.at(name), reason);
        }
        text
    }

    /// [`text`](Self::text) if it is not empty.
    pub(crate) fn filled(&mut self, name: &'static str, notes: &mut Notes) -> Option<String> {
        self.text(name, notes).filter(|text| !text.is_empty())
    }

    /// A whole number, in quotes or not.
    pub(crate) fn number(&mut self, name: &'static str, notes: &mut Notes) -> Option<i64> {
        let value = self.value(name)?;
        let number = value.as_integer();
        if number.is_none() && value.to_text().as_deref() != Some("") {
            let said = value.to_text().unwrap_or_else(|| value.kind().to_owned());
            let reason = format!("'{}' is no number", excerpt(&said));
            notes.setting_at(name, self.at(name), reason);
        }
        number
    }

    /// A number that is not negative.
    pub(crate) fn count(&mut self, name: &'static str, notes: &mut Notes) -> Option<u32> {
        let number = self.number(name, notes)?;
        let count = u32::try_from(number).ok();
        if count.is_none() {
            let reason = format!("{number} is out of range");
            notes.setting_at(name, self.at(name), reason);
        }
        count
    }

    /// Whether a switch is on: any number but 0.
    pub(crate) fn switch(&mut self, name: &'static str, notes: &mut Notes) -> Option<bool> {
        self.number(name, notes).map(|number| number != 0)
    }

    /// The texts of a list; a single text counts as a list of one.
    pub(crate) fn entries(&mut self, name: &'static str, notes: &mut Notes) -> Vec<Entry> {
        let Some(value) = self.value(name) else {
            return Vec::new();
        };
        let at = self.at(name);
        let Some(list) = value.as_list() else {
            let reason = format!("expected a list, found {}", value.kind());
            notes.essential_at(name, at, reason);
            return Vec::new();
        };
        if list.len() > ENTRIES_MAX {
            notes.essential_at(name, at, format!("only {ENTRIES_MAX} entries are read"));
        }
        let mut entries = Vec::new();
        for (i, value) in list.iter().enumerate().take(ENTRIES_MAX) {
            let path = format!("{name}[{}]", i + 1);
            match value.to_text() {
                Some(text) => entries.push(Entry { text, path, at }),
                None => {
                    let reason = format!("expected a string, found {}", value.kind());
                    notes.essential_at(path, at, reason);
                }
            }
        }
        entries
    }

    /// Byte offset of a name's last setting.
    pub(crate) fn at(&self, name: &str) -> usize {
        self.last(name).map_or(0, Setting::at)
    }

    /// The error for a value.
    pub(crate) fn malformed(&self, name: &str, value: &str, expected: &'static str) -> Error {
        Error::Malformed {
            path: name.to_owned(),
            at: Some(self.at(name)),
            value: excerpt(value),
            expected,
        }
    }

    /// Notes what nobody asked for, in the order of the file.
    pub(crate) fn finish(self, notes: &mut Notes, quiet: &[Quiet]) {
        let mut noted = HashSet::new();
        let mut unread = Vec::new();
        for setting in self.document.settings().iter().rev() {
            let name = setting.name.as_str();
            if !self.asked.contains(name) && noted.insert(name) {
                unread.push(setting);
            }
        }
        for setting in unread.into_iter().rev() {
            let said = setting.value.to_text();
            let is_quiet = quiet.iter().any(|(known, values)| {
                *known == setting.name
                    && (values.is_empty() || said.as_deref().is_some_and(|s| values.contains(&s)))
            });
            if !is_quiet {
                let said = said.map_or_else(|| "this".to_owned(), |s| format!("'{}'", excerpt(&s)));
                let reason = format!("{said} has no place in the domain document");
                notes.setting_at(excerpt(&setting.name), setting.at(), reason);
            }
        }
    }

    fn last(&self, name: &str) -> Option<&'a Setting> {
        let mut settings = self.document.settings().iter().rev();
        settings.find(|setting| setting.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_noted_once_with_its_place() {
        let text = "a = 1\nodd = 'x'\nodd = 'y'\nquiet = 0\nc = []\nd = ['p', [1], 2]\nn = None\n";
        let document = Document::read(text).unwrap();
        let mut settings = Settings::new(&document);
        let mut notes = Notes::default();
        assert_eq!(settings.switch("a", &mut notes), Some(true));
        assert_eq!(settings.text("c", &mut notes), None);
        let entries = settings.entries("d", &mut notes);
        let texts: Vec<_> = entries.iter().map(|e| (&*e.text, &*e.path)).collect();
        assert_eq!(texts, [("p", "d[1]"), ("2", "d[3]")]);
        assert_eq!(settings.text("n", &mut notes), None);
        settings.finish(&mut notes, &[("quiet", &["0"])]);
        let notes = notes.into_converted(()).notes;
        let places: Vec<_> = notes.iter().map(|n| (&*n.path, n.at)).collect();
        let odd = text.rfind("odd");
        let expected = [
            ("c", text.find("\nc =").map(|at| at + 1)),
            ("d[2]", text.find("\nd =").map(|at| at + 1)),
            ("odd", odd),
        ];
        assert_eq!(places, expected);
    }
}
