//! A configuration while it is written: objects that know what the release has, so
//! that what it has not becomes a note and not a key that libxl drops.

use super::types::{Kind, field, has_word};
use super::{Release, Target};
use crate::convert::{Converted, Notes};
use serde_json::{Map, Value};
use virtxen_guest::{Guest, OsType};

/// One of libxl's structures.
pub(super) struct Out {
    structure: &'static str,
    release: Release,
    map: Map<String, Value>,
}

impl Out {
    pub(super) fn new(structure: &'static str, release: Release) -> Self {
        Self {
            structure,
            release,
            map: Map::new(),
        }
    }

    /// Whether the release has a key.
    pub(super) fn has(&self, key: &str) -> bool {
        field(self.structure, key).is_some_and(|field| field.is_in(self.release))
    }

    /// Whether the release has a key and this word for it.
    fn takes(&self, key: &str, value: &Value) -> bool {
        let Some(field) = field(self.structure, key) else {
            return false;
        };
        let known = match (field.kind, value.as_str()) {
            (Kind::Word(set), Some(word)) => has_word(set, word, Some(self.release)),
            _ => true,
        };
        known && field.is_in(self.release)
    }

    /// Sets a key that all releases have.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        debug_assert!(self.takes(key, &value), "{}/{key} {value}", self.structure);
        self.map.insert(key.to_owned(), value);
    }

    /// Sets a key if there is a value.
    pub(super) fn some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Sets a switch that all releases have.
    pub(super) fn flag(&mut self, key: &str, on: bool) {
        self.set(key, flag(on));
    }

    /// Sets a key that not all releases have, or notes that this one has not; `place`
    /// is where the document says it.
    pub(super) fn try_set(
        &mut self,
        key: &str,
        value: impl Into<Value>,
        place: &str,
        notes: &mut Notes,
    ) {
        self.put(key, value.into(), place, false, notes);
    }

    /// As [`Self::try_set`]; without the setting the guest is another one.
    pub(super) fn need(
        &mut self,
        key: &str,
        value: impl Into<Value>,
        place: &str,
        notes: &mut Notes,
    ) {
        self.put(key, value.into(), place, true, notes);
    }

    /// Whether a key was set.
    pub(super) fn says(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Sets a key that only a patched libxl has.
    pub(super) fn patched(&mut self, key: &str, value: impl Into<Value>) {
        self.map.insert(key.to_owned(), value.into());
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.map)
    }

    fn put(&mut self, key: &str, value: Value, place: &str, essential: bool, notes: &mut Notes) {
        if self.takes(key, &value) {
            self.map.insert(key.to_owned(), value);
            return;
        }
        let word = match (self.has(key), value.as_str()) {
            (true, Some(word)) => format!(" '{word}'"),
            _ => String::new(),
        };
        let reason = format!("libxl of Xen {} has no {key}{word}", self.release);
        match essential {
            true => notes.essential(place, reason),
            false => notes.setting(place, reason),
        }
    }
}

/// libxl's spelling of a switch.
pub(super) const fn flag(on: bool) -> &'static str {
    if on { "True" } else { "False" }
}

/// A whole configuration.
pub(super) struct Writer<'a> {
    pub(super) guest: &'a Guest,
    pub(super) target: &'a Target,
    /// Kind of guest that is written; a release may not have the one that is wanted.
    pub(super) kind: OsType,
    pub(super) notes: Notes,
    /// `libxl_domain_config`.
    pub(super) config: Out,
    /// `c_info`.
    pub(super) create: Out,
    /// `b_info`.
    pub(super) build: Out,
    /// What of `b_info` only this kind of guest has: `type.hvm` and its sisters.
    pub(super) own: Out,
}

impl<'a> Writer<'a> {
    pub(super) fn new(guest: &'a Guest, kind: OsType, target: &'a Target) -> Self {
        let out = |structure| Out::new(structure, target.release);
        Self {
            guest,
            target,
            kind,
            notes: Notes::default(),
            config: out("domain_config"),
            create: out("domain_create_info"),
            build: out("domain_build_info"),
            own: out(word_of(kind)),
        }
    }

    pub(super) fn is_hvm(&self) -> bool {
        self.kind == OsType::Hvm
    }

    pub(super) fn out(&self, structure: &'static str) -> Out {
        Out::new(structure, self.target.release)
    }

    /// Sets a key of `b_info` that stood under the kind of guest in older releases.
    pub(super) fn moved(&mut self, key: &str, value: impl Into<Value>, place: &str) {
        let out = match self.build.has(key) {
            true => &mut self.build,
            false => &mut self.own,
        };
        out.try_set(key, value, place, &mut self.notes);
    }

    /// A list of the configuration, if it has entries.
    pub(super) fn list(&mut self, key: &str, entries: Vec<Value>, place: &str) {
        if !entries.is_empty() {
            self.config.need(key, entries, place, &mut self.notes);
        }
    }

    /// The configuration with its notes.
    pub(super) fn finish(self) -> Converted<Value> {
        let Self {
            mut config,
            create,
            mut build,
            own,
            notes,
            kind,
            ..
        } = self;
        build.set(&format!("type.{}", word_of(kind)), own.into_value());
        let mut map = Map::new();
        map.insert("c_info".to_owned(), create.into_value());
        map.insert("b_info".to_owned(), build.into_value());
        map.append(&mut config.map);
        notes.into_converted(Value::Object(map))
    }
}

/// libxl's word for a kind of guest.
pub(super) const fn word_of(kind: OsType) -> &'static str {
    match kind {
        OsType::Xen => "pv",
        OsType::Hvm => "hvm",
        OsType::XenPvh => "pvh",
    }
}
