//! Where the parts of a text are: JSON readers keep no places, so the text is walked
//! once more for those that notes are about.

use crate::convert::{Note, excerpt};
use std::collections::BTreeMap;

/// Most parts whose place is kept; a configuration has some hundreds.
const PARTS_MAX: usize = 200_000;

/// Places of a text's parts: `[2]/config/b_info/type.hvm`, byte offset.
#[derive(Debug, Default)]
pub(super) struct Places {
    offsets: BTreeMap<String, usize>,
    /// Keys that stand twice in their object, of which the last one counts.
    repeated: Vec<(String, usize)>,
}

impl Places {
    /// The places of a text that was read as JSON before.
    pub(super) fn of(text: &str) -> Self {
        let mut walk = Walk {
            text,
            at: 0,
            places: Self::default(),
        };
        walk.value("");
        walk.places
    }

    /// Gives notes their places, and adds those about keys that stand twice; `part`
    /// is where the configuration stands in the text, `""` or `[2]`.
    pub(super) fn put(&self, part: &str, notes: &mut Vec<Note>) {
        for note in notes.iter_mut() {
            let path = join(part, &note.path);
            note.at = note.at.or_else(|| self.offset(&path));
        }
        for (path, at) in &self.repeated {
            let inside = path.strip_prefix(part);
            if let Some(path) = inside.map(|path| path.trim_start_matches('/')) {
                notes.push(Note {
                    path: path.to_owned(),
                    at: Some(*at),
                    reason: "it stands here twice, the last one is read".to_owned(),
                    essential: true,
                });
            }
        }
    }

    /// The place of a part, or of the innermost one around it.
    fn offset(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(at) = self.offsets.get(path) {
                return Some(*at);
            }
            path = path.get(..path.rfind(['/', '['])?)?;
        }
    }
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}/{key}"),
    }
}

/// A walk over a text that is JSON. On any other text it stops early.
struct Walk<'t> {
    text: &'t str,
    at: usize,
    places: Places,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len()
            - rest
                .trim_start_matches([' ', '\t', '\n', '\r', '\u{feff}'])
                .len();
    }

    /// Goes over a sign if it is the next one.
    fn take(&mut self, sign: char) -> bool {
        self.blank();
        let there = self.rest().starts_with(sign);
        if there {
            self.at += sign.len_utf8();
        }
        there
    }

    // As deep as the reader of JSON goes, which is bounded.
    fn value(&mut self, path: &str) {
        self.blank();
        if self.places.offsets.len() < PARTS_MAX {
            self.places.offsets.insert(path.to_owned(), self.at);
        }
        if self.take('{') {
            self.object(path);
        } else if self.take('[') {
            let mut count = 0;
            while !self.take(']') && !self.rest().is_empty() {
                count += 1;
                self.value(&format!("{path}[{count}]"));
                self.take(',');
            }
        } else if self.rest().starts_with('"') {
            self.string();
        } else {
            let end = self.rest().find([',', ']', '}', ' ', '\n', '\r', '\t']);
            self.at += end.unwrap_or(self.rest().len()).max(1);
        }
    }

    fn object(&mut self, path: &str) {
        while !self.take('}') && !self.rest().is_empty() {
            self.blank();
            let at = self.at;
            let Some(key) = self.string() else { return };
            let path = join(path, &key);
            if self.places.offsets.contains_key(&path) {
                self.places.repeated.push((path.clone(), at));
            }
            self.take(':');
            self.value(&path);
            // A key is where people look.
            if let Some(known) = self.places.offsets.get_mut(&path) {
                *known = at;
            }
            self.take(',');
        }
    }

    /// Goes over a string; what is in it, cut as in notes.
    fn string(&mut self) -> Option<String> {
        let text = self.rest();
        let inside = text.strip_prefix('"')?;
        let mut escaped = false;
        let end = inside.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let quoted = text.get(..end + 2)?;
        let read = serde_json::from_str::<String>(quoted).ok()?;
        self.at += quoted.len();
        Some(excerpt(&read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        let text =
            "[{\"a\\\"b\": {\"c\": [1, \"x]}\", {\"d\": null}]}, \"e\": -1.5e3,\n \"e\": true}]";
        let places = Places::of(text);
        let at = |path: &str| places.offset(path).map(|at| text.get(at..at + 3).unwrap());
        assert_eq!(at("[1]/a\"b/c[2]"), Some("\"x]"));
        assert_eq!(at("[1]/a\"b/c[3]/d"), Some("\"d\""));
        assert_eq!(at("[1]/a\"b/c[9]/z"), Some("\"c\""));
        assert_eq!(at("[1]/e"), Some("\"e\""));
        assert_eq!(at("nothing"), None);
        let mut notes = Vec::new();
        places.put("[1]", &mut notes);
        let repeated: Vec<_> = notes.iter().map(|note| (&*note.path, note.at)).collect();
        assert_eq!(repeated, [("e", text.rfind("\"e\""))]);
    }

    #[test]
    fn other_texts_end() {
        for text in [
            "", "{", "[", "{\"a", "{\"a\":", "{a}", "[,]", "\u{fffd}", "[[[", "]",
        ] {
            Places::of(text);
        }
    }
}
