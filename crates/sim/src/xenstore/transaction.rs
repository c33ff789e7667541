//! Changes that are not committed: a layer over the tree.
//!
//! It keeps each node that it looked at, so that it sees the same again whatever
//! others do. When one of them has another generation at the end, somebody else was
//! faster and the transaction fails.

use super::event::Event;
use super::tree::{Node, Nodes, Tree};
use std::collections::{BTreeMap, HashMap, HashSet};

/// An open transaction of one connection.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Each node at the first look, with its generation.
    seen: BTreeMap<String, (u64, Option<Node>)>,
    /// Nodes as changed; `None` for removed ones.
    changed: BTreeMap<String, Option<Node>>,
    /// Nodes that the commit removed.
    removed: HashSet<String>,
    /// What was done, in its order.
    pub(super) events: Vec<Event>,
}

/// A transaction with the tree under it.
pub(super) struct Layer<'a> {
    pub(super) transaction: &'a mut Transaction,
    pub(super) tree: &'a mut Tree,
}

impl Layer<'_> {
    /// The node as it was at the first look.
    fn look(&mut self, path: &str) -> Option<&Node> {
        let seen = &mut self.transaction.seen;
        if !seen.contains_key(path) {
            let now = (self.tree.generation(path), self.tree.node(path));
            seen.insert(path.to_owned(), now);
        }
        seen.get(path)?.1.as_ref()
    }
}

impl Nodes for Layer<'_> {
    fn node(&mut self, path: &str) -> Option<Node> {
        if let Some(node) = self.transaction.changed.get(path) {
            return node.clone();
        }
        self.look(path).cloned()
    }

    fn has(&mut self, path: &str) -> bool {
        match self.transaction.changed.get(path) {
            Some(node) => node.is_some(),
            None => self.look(path).is_some(),
        }
    }

    fn change(&mut self, path: &str, edit: &mut dyn FnMut(&mut Node)) -> bool {
        let Some(mut node) = self.node(path) else {
            return false;
        };
        edit(&mut node);
        self.put(path, node);
        true
    }

    fn put(&mut self, path: &str, node: Node) {
        self.look(path);
        self.transaction.changed.insert(path.to_owned(), Some(node));
    }

    fn forget(&mut self, path: &str) {
        self.look(path);
        self.transaction.changed.insert(path.to_owned(), None);
    }
}

impl Transaction {
    /// What watches are told after a commit: one event for each node, the last of
    /// what was done to it, and none for nodes that came and went in between.
    pub(super) fn told(&mut self) -> Vec<Event> {
        let mut told: Vec<Event> = Vec::new();
        let mut places = HashMap::new();
        for event in std::mem::take(&mut self.events) {
            let before = self.seen.get(&event.path);
            let was_there = before.is_none_or(|(_, node)| node.is_some());
            if !was_there && self.removed.contains(&event.path) {
                continue;
            }
            match places
                .get(&event.path)
                .and_then(|at: &usize| told.get_mut(*at))
            {
                Some(first) => first.what = event.what,
                None => {
                    places.insert(event.path.clone(), told.len());
                    told.push(event);
                }
            }
        }
        told
    }

    /// Writes the changes to the tree; `false` and nothing written when it collided.
    pub(super) fn commit(&mut self, tree: &mut Tree) -> bool {
        if self
            .seen
            .iter()
            .any(|(path, (generation, _))| tree.generation(path) != *generation)
        {
            return false;
        }
        for (path, node) in std::mem::take(&mut self.changed) {
            match node {
                Some(node) => tree.put(&path, node),
                None => {
                    tree.forget(&path);
                    self.removed.insert(path);
                }
            }
        }
        true
    }
}
