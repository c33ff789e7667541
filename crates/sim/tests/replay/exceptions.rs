//! The list of replies that differ from the recordings, with the reason of each.
//!
//! A line is `FOLDER NAME REASON…`; a star in FOLDER or NAME stands for any text.

use std::collections::BTreeSet;

/// The list, and which of its lines were needed.
pub(crate) struct Exceptions {
    lines: Vec<(String, String)>,
    needed: BTreeSet<usize>,
    unexplained: Vec<String>,
}

impl Exceptions {
    /// Reads the list; empty lines and those after `#` are comments.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|line| {
                let words: Vec<&str> = line.splitn(3, ' ').collect();
                assert_eq!(words.len(), 3, "no reason in: {line}");
                (words[0].to_owned(), words[1].to_owned())
            })
            .collect();
        Self {
            lines,
            needed: BTreeSet::new(),
            unexplained: Vec::new(),
        }
    }

    /// Looks for the reason why this reply differs.
    pub(crate) fn explain(&mut self, folder: &str, name: &str) {
        let mut explained = false;
        for (index, (folders, names)) in self.lines.iter().enumerate() {
            if fits(folders, folder) && fits(names, name) {
                explained = true;
                self.needed.insert(index);
            }
        }
        if !explained {
            self.unexplained.push(format!("{folder}/{name}"));
        }
    }

    /// Differences without a reason and reasons without a difference.
    pub(crate) fn problems(&self) -> Vec<String> {
        let stale = self
            .lines
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.needed.contains(index))
            .map(|(_, (folder, name))| format!("explains nothing: {folder} {name}"));
        self.unexplained
            .iter()
            .map(|name| format!("not explained: {name}"))
            .chain(stale)
            .collect()
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
        }
    }
}
