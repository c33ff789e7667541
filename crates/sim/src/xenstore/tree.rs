//! Nodes of a simulated xenstore, flat by path as xenstored's database has them.
//!
//! No transaction and no watch is here, only what a node is and how it comes and
//! goes.

use std::collections::HashMap;
use std::sync::Arc;
use virtxen_xenstore::Permission;

/// The rights of a node, which many nodes have alike.
pub(crate) type Rights = Arc<[Permission]>;

/// One node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Vec<u8>,
    /// The owner first, then other domains' rights.
    pub(super) permissions: Rights,
    /// Names of the nodes below, in the order in which they were made.
    pub(super) children: Vec<String>,
    /// Changes with each change of the node.
    pub(super) generation: u64,
}

impl Node {
    /// Whether a domain may do this. Domain 0 and the owner may do everything.
    pub(super) fn permits(&self, domid: u32, write: bool) -> bool {
        permits(&self.permissions, domid, write)
    }
}

/// As [`Node::permits`].
pub(super) fn permits(permissions: &[Permission], domid: u32, write: bool) -> bool {
    let Some((owner, others)) = permissions.split_first() else {
        return domid == 0;
    };
    if domid == 0 || owner.domid == domid {
        return true;
    }
    let rule = others
        .iter()
        .find(|rule| rule.domid == domid)
        .unwrap_or(owner);
    if write { rule.write } else { rule.read }
}

/// Where nodes are read and written: the tree itself or a transaction on it.
pub(super) trait Nodes {
    /// The node at a path.
    fn node(&mut self, path: &str) -> Option<Node>;
    /// Whether there is a node at a path.
    fn has(&mut self, path: &str) -> bool;
    /// Changes a node in place; `false` when there is none.
    fn change(&mut self, path: &str, edit: &mut dyn FnMut(&mut Node)) -> bool;
    /// Stores a node; its generation is given by the tree.
    fn put(&mut self, path: &str, node: Node);
    /// Forgets a node, not what is below it.
    fn forget(&mut self, path: &str);
}

/// All nodes.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: HashMap<String, Node>,
    generation: u64,
}

impl Tree {
    /// The tree of a xenstored that has just started.
    pub(super) fn new() -> Self {
        let mut tree = Self {
            nodes: HashMap::new(),
            generation: 0,
        };
        let root = Node {
            value: Vec::new(),
            permissions: Arc::new([Permission {
                domid: 0,
                read: false,
                write: false,
            }]),
            children: Vec::new(),
            generation: 0,
        };
        tree.put("/", root);
        make(&mut tree, "/tool/xenstored", 0);
        make(&mut tree, "/local", 0);
        tree
    }

    /// Generation of a node, 0 when there is none.
    pub(super) fn generation(&self, path: &str) -> u64 {
        self.nodes.get(path).map_or(0, |node| node.generation)
    }

    /// Makes room for this many nodes more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.nodes.reserve(more);
    }

    /// Writes a node with its rights, and what is missing above it; `false` when it
    /// is so already.
    pub(super) fn set(&mut self, path: &str, value: &[u8], permissions: &Rights) -> bool {
        let Some(node) = self.nodes.get_mut(path) else {
            return self.add(path, Some((value, permissions)));
        };
        if node.value == value && node.permissions == *permissions && node.generation != 0 {
            return false;
        }
        self.generation += 1;
        node.generation = self.generation;
        node.value = value.to_vec();
        node.permissions = Rights::clone(permissions);
        true
    }

    /// Adds a node and those above it that are missing. Without anything to write
    /// it is empty, has the rights of the one above and no generation yet.
    fn add(&mut self, path: &str, written: Option<(&[u8], &Rights)>) -> bool {
        let Some((parent, name)) = split(path) else {
            return false;
        };
        if !self.nodes.contains_key(parent) {
            self.add(parent, None);
        }
        let Some(above) = self.nodes.get_mut(parent) else {
            return false;
        };
        self.generation += 1;
        above.generation = self.generation;
        above.children.push(name.to_owned());
        let mut node = Node {
            value: Vec::new(),
            permissions: Rights::clone(&above.permissions),
            children: Vec::new(),
            generation: 0,
        };
        if let Some((value, permissions)) = written {
            self.generation += 1;
            node.generation = self.generation;
            node.value = value.to_vec();
            node.permissions = Rights::clone(permissions);
        }
        self.nodes.insert(path.to_owned(), node);
        true
    }

    /// Nodes that a domain owns.
    pub(super) fn owned_by(&self, domid: u32) -> usize {
        let owns = |node: &&Node| {
            node.permissions
                .first()
                .is_some_and(|one| one.domid == domid)
        };
        self.nodes.values().filter(owns).count()
    }
}

impl Nodes for Tree {
    fn node(&mut self, path: &str) -> Option<Node> {
        self.nodes.get(path).cloned()
    }

    fn has(&mut self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    fn change(&mut self, path: &str, edit: &mut dyn FnMut(&mut Node)) -> bool {
        let Some(node) = self.nodes.get_mut(path) else {
            return false;
        };
        edit(node);
        self.generation += 1;
        node.generation = self.generation;
        true
    }

    fn put(&mut self, path: &str, mut node: Node) {
        self.generation += 1;
        node.generation = self.generation;
        self.nodes.insert(path.to_owned(), node);
    }

    fn forget(&mut self, path: &str) {
        self.nodes.remove(path);
    }
}

/// The path of the node above, and the name below it; `None` for the root.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    if path == "/" {
        return None;
    }
    let (parent, name) = path.rsplit_once('/')?;
    Some((if parent.is_empty() { "/" } else { parent }, name))
}

/// Makes a node and all above it that are missing; each inherits the rights of
/// the one above it, and belongs to its maker unless that is domain 0.
pub(super) fn make(nodes: &mut dyn Nodes, path: &str, maker: u32) {
    let mut missing = Vec::new();
    let mut at = path;
    while !nodes.has(at) {
        let Some((parent, name)) = split(at) else {
            return;
        };
        missing.push((at, parent, name));
        at = parent;
    }
    for (path, parent, name) in missing.into_iter().rev() {
        let mut permissions = Rights::default();
        nodes.change(parent, &mut |above| {
            permissions = Rights::clone(&above.permissions);
            above.children.push(name.to_owned());
        });
        if maker != 0 {
            let mut own = permissions.to_vec();
            if let Some(owner) = own.first_mut() {
                owner.domid = maker;
            }
            permissions = own.into();
        }
        let node = Node {
            value: Vec::new(),
            permissions,
            children: Vec::new(),
            generation: 0,
        };
        nodes.put(path, node);
    }
}

/// Removes a node and all below it; gives what was there, the node itself first.
pub(super) fn remove(nodes: &mut dyn Nodes, path: &str) -> Vec<(String, Node)> {
    if let Some((parent, name)) = split(path) {
        nodes.change(parent, &mut |above| {
            above.children.retain(|child| child != name);
        });
    }
    let mut gone = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let Some(node) = nodes.node(&path) else {
            continue;
        };
        open.extend(node.children.iter().map(|child| format!("{path}/{child}")));
        nodes.forget(&path);
        gone.push((path, node));
    }
    gone
}
