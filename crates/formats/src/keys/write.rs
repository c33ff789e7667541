//! The names of a file while it is written, in libvirt's order.

use crate::config::{Document, Value};

/// Names with their values.
#[derive(Debug, Default)]
pub(crate) struct Out {
    list: Vec<(&'static str, Value)>,
}

impl Out {
    pub(crate) fn text(&mut self, name: &'static str, text: impl Into<String>) {
        self.value(name, Value::Text(text.into()));
    }

    pub(crate) fn optional(&mut self, name: &'static str, text: Option<&String>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    pub(crate) fn number(&mut self, name: &'static str, number: impl Into<i64>) {
        self.value(name, Value::Integer(number.into()));
    }

    pub(crate) fn switch(&mut self, name: &'static str, on: bool) {
        self.number(name, i64::from(on));
    }

    /// A list, if it has entries.
    pub(crate) fn texts(&mut self, name: &'static str, texts: Vec<String>) {
        if !texts.is_empty() {
            self.value(
                name,
                Value::List(texts.into_iter().map(Value::Text).collect()),
            );
        }
    }

    /// The value of a name; a name stands once, its last value counts.
    pub(crate) fn value(&mut self, name: &'static str, value: Value) {
        match self.list.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.list.push((name, value)),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.list.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.list.iter().map(|(name, value)| (*name, value))
    }

    /// A new file.
    pub(crate) fn document(&self) -> Document {
        Document::from_settings(self.iter())
    }
}
