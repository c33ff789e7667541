//! A configuration while it is read: objects that remember what was asked of them,
//! so that what nobody asked for becomes a note instead of being lost.

use super::quiet;
use super::types::{Kind, field, has_word};
use crate::convert::{Notes, excerpt};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Most entries of one list: no guest has more devices of a kind.
const ENTRIES_MAX: usize = 4096;

/// Most bits of one set.
const BITS_MAX: usize = 65_536;

/// How libxl says that a size is left to it.
const UNSAID_SIZE: u64 = u64::MAX;

/// One of libxl's structures.
pub(super) struct Section<'a> {
    structure: &'static str,
    map: Option<&'a Map<String, Value>>,
    /// `b_info/type.hvm`; empty for the whole.
    path: String,
    asked: BTreeSet<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn new(structure: &'static str, value: &'a Value, path: String) -> Self {
        Self {
            structure,
            map: value.as_object(),
            path,
            asked: BTreeSet::new(),
        }
    }

    /// The place of a key, for notes.
    pub(super) fn place(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}/{key}"),
        }
    }

    /// The value of a key, unless it says nothing.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.insert(key);
        let value = self.map?.get(key)?;
        (!value.is_null()).then_some(value)
    }

    /// Whether a key is there, which does not count as asked.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.is_some_and(|map| map.contains_key(key))
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &'static str, notes: &mut Notes) -> Option<String> {
        let value = self.value(key)?;
        let text = value.as_str();
        if text.is_none() {
            self.wrong(key, value, "a text", notes);
        }
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A switch; `None` leaves it to libxl.
    pub(super) fn flag(&mut self, key: &'static str, notes: &mut Notes) -> Option<bool> {
        let value = self.value(key)?;
        match value.as_str() {
            Some("True") => Some(true),
            Some("False") => Some(false),
            Some("<default>" | "") => None,
            // Some types of libxl have plain truth values.
            None if value.is_boolean() => value.as_bool(),
            _ => {
                self.wrong(key, value, "True or False", notes);
                None
            }
        }
    }

    /// A number; an amount of memory that is left to libxl is none.
    pub(super) fn number(&mut self, key: &'static str, notes: &mut Notes) -> Option<i128> {
        let value = self.value(key)?;
        let number = value.as_u64().map(i128::from);
        let number = number.or_else(|| value.as_i64().map(i128::from));
        if number.is_none() {
            self.wrong(key, value, "a whole number", notes);
        }
        number.filter(|number| *number != i128::from(UNSAID_SIZE))
    }

    /// A number of a narrower type; one out of its range is noted.
    pub(super) fn count<T: TryFrom<i128>>(
        &mut self,
        key: &'static str,
        notes: &mut Notes,
    ) -> Option<T> {
        let number = self.number(key, notes)?;
        let count = T::try_from(number).ok();
        if count.is_none() {
            let reason = format!("{number} is out of range");
            notes.setting(self.place(key), reason);
        }
        count
    }

    /// A word of the key's set.
    pub(super) fn word(&mut self, key: &'static str, notes: &mut Notes) -> Option<&'a str> {
        let value = self.value(key)?;
        let set = match field(self.structure, key).map(|field| field.kind) {
            Some(Kind::Word(set)) => set,
            _ => "",
        };
        let word = value.as_str().filter(|word| has_word(set, word, None));
        if word.is_none() {
            self.wrong(key, value, "a word of libxl", notes);
        }
        word.filter(|word| !matches!(*word, "unknown" | "default" | "invalid"))
    }

    /// The bits of a set.
    pub(super) fn bits(&mut self, key: &'static str, notes: &mut Notes) -> Vec<u32> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        bits(value, &self.place(key), notes)
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, key: &'static str, notes: &mut Notes) -> Vec<String> {
        let mut texts = Vec::new();
        for (value, place) in self.values(key, notes) {
            match value.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => notes.essential(place, "expected a text"),
            }
        }
        texts
    }

    /// The entries of a list with their places; nothing where there is none.
    pub(super) fn values(
        &mut self,
        key: &'static str,
        notes: &mut Notes,
    ) -> Vec<(&'a Value, String)> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(list) = value.as_array() else {
            self.wrong(key, value, "a list", notes);
            return Vec::new();
        };
        if list.len() > ENTRIES_MAX {
            let reason = format!("only {ENTRIES_MAX} entries are read");
            notes.essential(self.place(key), reason);
        }
        let place = self.place(key);
        let entries = list.iter().take(ENTRIES_MAX).enumerate();
        let entries = entries.map(|(i, value)| (value, format!("{place}[{}]", i + 1)));
        entries.collect()
    }

    /// The structures of a list.
    pub(super) fn list(&mut self, key: &'static str, notes: &mut Notes) -> Vec<Section<'a>> {
        let structure = self.structure_of(key);
        let mut list = Vec::new();
        for (value, place) in self.values(key, notes) {
            match value.is_object() {
                true => list.push(Section::new(structure, value, place)),
                false => notes.essential(place, "expected an object"),
            }
        }
        list
    }

    /// A structure; an empty one where there is none.
    pub(super) fn section(&mut self, key: &'static str, notes: &mut Notes) -> Section<'a> {
        let structure = self.structure_of(key);
        let value = self.value(key);
        if let Some(value) = value.filter(|value| !value.is_object()) {
            self.wrong(key, value, "an object", notes);
        }
        Section::new(structure, value.unwrap_or(&Value::Null), self.place(key))
    }

    /// Notes what nobody asked for and is not what libxl does anyway.
    pub(super) fn finish(self, notes: &mut Notes) {
        for (key, value) in self.map.into_iter().flatten() {
            if self.asked.contains(key.as_str()) {
                continue;
            }
            let place = self.place(&excerpt(key));
            let is_device = self.structure == "domain_config" && value.is_array();
            if field(self.structure, key).is_none() {
                if !quiet::says_nothing(value) {
                    notes.setting(place, "no libxl known here has it");
                }
            } else if !quiet::is_quiet(self.structure, key, value) {
                let said = excerpt(&value.to_string());
                let reason = format!("{said} has no place in the domain document");
                // Without a device the guest is another one.
                match is_device {
                    true => notes.essential(place, reason),
                    false => notes.setting(place, reason),
                }
            }
        }
    }

    /// Notes a value that is not of its form.
    pub(super) fn wrong(&self, key: &str, value: &Value, expected: &str, notes: &mut Notes) {
        let said = excerpt(&value.to_string());
        let reason = format!("expected {expected}, found {said}");
        notes.essential(self.place(key), reason);
    }

    fn structure_of(&self, key: &str) -> &'static str {
        match field(self.structure, key).map(|field| field.kind) {
            Some(Kind::Structure(structure)) => structure,
            _ => "empty",
        }
    }
}

/// The bits of a set: a list of their numbers.
pub(super) fn bits(value: &Value, place: &str, notes: &mut Notes) -> Vec<u32> {
    let Some(list) = value.as_array() else {
        notes.essential(place, "expected a list of numbers");
        return Vec::new();
    };
    let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
    let numbers = list.iter().take(BITS_MAX).map(number);
    let read: Vec<u32> = numbers.flatten().collect();
    if read.len() != list.len() {
        notes.essential(place, "some of it are no numbers, or they are too many");
    }
    read
}
