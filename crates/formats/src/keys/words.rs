//! `key=value` pairs with commas between them, which most devices are.

use super::Entry;
use crate::convert::{Notes, excerpt};

/// The pairs of an entry; remembers what was asked of it.
pub(crate) struct Words<'a> {
    entry: &'a Entry,
    pairs: Vec<Pair<'a>>,
}

struct Pair<'a> {
    key: &'a str,
    value: Option<&'a str>,
    used: bool,
}

impl<'a> Words<'a> {
    pub(crate) fn new(entry: &'a Entry) -> Self {
        let parts = entry.text.split(',').map(str::trim);
        let pairs = parts.filter(|part| !part.is_empty()).map(|part| {
            let pair = part.split_once('=');
            Pair {
                key: pair.map_or(part, |(key, _)| key.trim_end()),
                value: pair.map(|(_, value)| value.trim_start()),
                used: false,
            }
        });
        Self {
            entry,
            pairs: pairs.collect(),
        }
    }

    /// The value of a key, if it is not empty; of several the last.
    pub(crate) fn text(&mut self, key: &str) -> Option<&'a str> {
        let mut found = None;
        for pair in self.pairs.iter_mut().filter(|pair| pair.key == key) {
            pair.used = true;
            found = pair.value;
        }
        found.filter(|value| !value.is_empty())
    }

    /// [`text`](Self::text) as a text of its own.
    pub(crate) fn owned(&mut self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// A number; what is none is noted.
    pub(crate) fn number(&mut self, key: &str, radix: u32, notes: &mut Notes) -> Option<u32> {
        let text = self.text(key)?;
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let plain = digits.chars().all(|c| c.is_digit(radix));
        let number = plain.then(|| u32::from_str_radix(digits, radix).ok());
        let number = number.flatten();
        if number.is_none() {
            let reason = format!("'{}' is no number", excerpt(text));
            notes.setting_at(self.path(key), self.entry.at, reason);
        }
        number
    }

    /// Notes a setting of the entry.
    pub(crate) fn note(&self, key: &str, reason: impl Into<String>, notes: &mut Notes) {
        notes.setting_at(self.path(key), self.entry.at, reason);
    }

    /// Notes what nobody asked for.
    pub(crate) fn finish(self, notes: &mut Notes) {
        for pair in self.pairs.iter().filter(|pair| !pair.used) {
            let said = excerpt(pair.value.unwrap_or(pair.key));
            let reason = format!("'{said}' has no place in the domain document");
            notes.setting_at(self.path(&excerpt(pair.key)), self.entry.at, reason);
        }
    }

    fn path(&self, key: &str) -> String {
        format!("{}/{key}", self.entry.path)
    }
}
