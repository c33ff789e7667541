//! A whole tree at once: level by level, all nodes of a level in flight together.
//!
//! How a tree is shown is not here.

use crate::error::{Error, Result};
use crate::store::Store;
use crate::wire::Permission;
use tokio::task::JoinSet;

/// Most nodes of a dump: xenstored itself holds far fewer.
const NODES_MAX: usize = 1 << 20;

/// Nodes that are asked for at the same time, with three requests each.
const AT_ONCE: usize = 512;

/// A node of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its absolute path.
    pub path: String,
    /// Its value; `None` where it may not be read.
    pub value: Option<Vec<u8>>,
    /// Its permissions, the owner first; empty where they may not be read.
    pub permissions: Vec<Permission>,
    /// Indices of the nodes below it, in xenstored's order.
    pub children: Vec<usize>,
}

impl Store {
    /// A node and all below it; the node itself comes first. What goes while it is
    /// read is left out. It is no transaction: values may be of different times.
    ///
    /// # Errors
    /// As [`Store::read`], for the first node; [`Error::Request`] for a tree of more
    /// than a million nodes.
    pub async fn dump(&self, path: &str) -> Result<Vec<Entry>> {
        let (first, names) = look(self.clone(), path.to_owned()).await?;
        let mut entries = vec![first];
        let mut level: Vec<(usize, String)> = named(0, path, names);
        while !level.is_empty() {
            let mut next = Vec::new();
            for some in level.chunks(AT_ONCE) {
                for (parent, entry, names) in look_at_all(self, some).await? {
                    if entries.len() >= NODES_MAX {
                        return Err(Error::Request {
                            operation: "DIRECTORY",
                            path: path.to_owned(),
                            reason: "there are more than a million nodes below it",
                        });
                    }
                    let index = entries.len();
                    next.extend(named(index, &entry.path, names));
                    entries.push(entry);
                    if let Some(parent) = entries.get_mut(parent) {
                        parent.children.push(index);
                    }
                }
            }
            level = next;
        }
        Ok(entries)
    }
}

/// The paths of the nodes below one, with its index.
fn named(parent: usize, path: &str, names: Vec<String>) -> Vec<(usize, String)> {
    let above = path.trim_end_matches('/');
    names
        .into_iter()
        .map(|name| (parent, format!("{above}/{name}")))
        .collect()
}

/// Nodes in their order, each with the index of its parent and the names below.
async fn look_at_all(
    store: &Store,
    nodes: &[(usize, String)],
) -> Result<Vec<(usize, Entry, Vec<String>)>> {
    let mut tasks = JoinSet::new();
    for (order, (_, path)) in nodes.iter().enumerate() {
        let (store, path) = (store.clone(), path.clone());
        tasks.spawn(async move { (order, look(store, path).await) });
    }
    let mut found = Vec::with_capacity(nodes.len());
    while let Some(ended) = tasks.join_next().await {
        // Only a runtime that ends takes a task away.
        let Ok((order, looked)) = ended else { continue };
        match looked {
            Ok((entry, names)) => found.push((order, entry, names)),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_unstable_by_key(|(order, ..)| *order);
    let parents = found.into_iter().filter_map(|(order, entry, names)| {
        let (parent, _) = nodes.get(order)?;
        Some((*parent, entry, names))
    });
    Ok(parents.collect())
}

/// One node, and the names below it.
async fn look(store: Store, path: String) -> Result<(Entry, Vec<String>)> {
    let (names, value, permissions) = tokio::join!(
        store.directory(&path),
        store.read(&path),
        store.permissions(&path)
    );
    let entry = Entry {
        value: allowed(value)?,
        permissions: allowed(permissions)?.unwrap_or_default(),
        children: Vec::new(),
        path,
    };
    Ok((entry, allowed(names)?.unwrap_or_default()))
}

/// What may be read; `None` where it may not.
fn allowed<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(Error::Denied { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
