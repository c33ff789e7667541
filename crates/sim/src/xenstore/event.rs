//! What happened to nodes, and which watches are told of it.
//!
//! Until Xen 4.14 a removal is told to all who watch something below the node,
//! whether it was there or not, and to guests whatever they may read. Later
//! xenstoreds tell only of nodes that were there, and a guest only of what it may
//! read. From 4.17 on, nobody is told the same twice in a row.

use super::client::{Client, Watch};
use super::tree::{Node, Nodes, Rights, Tree};
use std::collections::HashSet;

/// First releases with the later rules.
const STRICT_SINCE: (u32, u32) = (4, 15);
const ONCE_SINCE: (u32, u32) = (4, 17);

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Made or written, or its permissions were set.
    Changed,
    /// Removed.
    Removed,
    /// It went with a node above it.
    Gone,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(super) path: String,
    pub(super) what: What,
    /// Permissions that no longer hold.
    before: Rights,
}

impl Event {
    /// A node was made or written; or the special name of something else.
    pub(super) fn changed(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            what: What::Changed,
            before: Rights::default(),
        }
    }

    /// A node had these permissions until now.
    pub(super) fn was(path: &str, what: What, before: Rights) -> Self {
        Self {
            path: path.to_owned(),
            what,
            before,
        }
    }

    /// The events of a removal: of the node itself, then of all below it.
    pub(super) fn removal(gone: Vec<(String, Node)>) -> impl Iterator<Item = Self> {
        gone.into_iter().enumerate().map(|(index, (path, node))| {
            let what = if index == 0 {
                What::Removed
            } else {
                What::Gone
            };
            Self {
                path,
                what,
                before: node.permissions,
            }
        })
    }

    /// The node that was made or written; `None` for a removal.
    pub(crate) fn written(&self) -> Option<&str> {
        (self.what == What::Changed).then_some(&*self.path)
    }

    /// The path that a watch is told; `None` when it is not told.
    fn seen_by<'a>(&'a self, watch: &'a Watch, strict: bool) -> Option<&'a str> {
        let below = is_below(&self.path, &watch.path);
        match self.what {
            What::Changed | What::Removed if below => Some(&self.path),
            What::Removed if !strict && is_below(&watch.path, &self.path) => Some(&watch.path),
            What::Gone if strict && watch.path == self.path => Some(&self.path),
            _ => None,
        }
    }

    /// Whether a domain may know of it: it may read the node, as it is or as it
    /// was, or the one above. Special names are for Domain-0.
    fn is_for(&self, domid: u32, tree: &mut Tree) -> bool {
        if domid == 0 {
            return true;
        }
        let above = super::tree::split(&self.path).map(|(parent, _)| parent);
        [Some(&*self.path), above]
            .into_iter()
            .flatten()
            .filter_map(|path| tree.node(path))
            .any(|node| node.permits(domid, false))
            || super::tree::permits(&self.before, domid, false)
    }
}

/// Tells the watches of a client, on a xenstored of this release, what a request
/// has done.
pub(super) fn tell(events: &[Event], client: &Client, tree: &mut Tree, release: (u32, u32)) {
    let strict = release >= STRICT_SINCE;
    if client.watches.is_empty() {
        return;
    }
    let mut told = HashSet::new();
    for event in events {
        if strict && !event.is_for(client.domid, tree) {
            continue;
        }
        for watch in &client.watches {
            if let Some(path) = event.seen_by(watch, strict)
                && (told.insert((path, &watch.token)) || release < ONCE_SINCE)
            {
                client.fire(watch, path);
            }
        }
    }
}

/// Whether a path is this node or one under it.
fn is_below(path: &str, node: &str) -> bool {
    node == "/" && path.starts_with('/')
        || path
            .strip_prefix(node)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn below_goes_by_whole_names() {
        assert!(is_below("/a/b", "/a") && is_below("/a", "/a") && is_below("/a", "/"));
        assert!(!is_below("/ab", "/a") && !is_below("/a", "/a/b") && !is_below("@x", "/"));
    }
}
