//! What messages about one node do, on the tree or in a transaction.
//! Which message goes where is in `request`.

use super::event::{Event, What};
use super::request::{Outcome, Request, number, ok};
use super::tree::{self, Node, Nodes};
use virtxen_xenstore::Permission;
use virtxen_xenstore::wire::{Kind, PAYLOAD_MAX};

/// Most bytes of a value that a domain other than 0 writes.
const QUOTA_VALUE: usize = 2048;

/// A message about one node, on the tree or in a transaction.
pub(super) fn on_node(
    nodes: &mut dyn Nodes,
    domid: u32,
    path: &str,
    request: &Request<'_>,
    events: &mut Vec<Event>,
) -> Outcome {
    let found = permitted(nodes, domid, path, request.kind)?;
    match request.kind {
        Kind::Read => Ok(found.ok_or("ENOENT")?.value),
        Kind::Directory => Ok(listing(&found.ok_or("ENOENT")?)),
        Kind::DirectoryPart => part(&found.ok_or("ENOENT")?, request),
        Kind::GetPerms => {
            let node = found.ok_or("ENOENT")?;
            let texts: Vec<String> = node.permissions.iter().map(|one| one.encode()).collect();
            Ok(texts
                .iter()
                .flat_map(|text| [text.as_bytes(), &[0]].concat())
                .collect())
        }
        Kind::Write => {
            let value = request.value()?;
            if domid != 0 && value.len() > QUOTA_VALUE {
                return Err("ENOSPC");
            }
            tree::make(nodes, path, domid);
            let mut node = nodes.node(path).ok_or("EIO")?;
            node.value = value.to_vec();
            nodes.put(path, node);
            events.push(Event::changed(path));
            ok()
        }
        Kind::Mkdir => {
            if found.is_none() {
                tree::make(nodes, path, domid);
                events.push(Event::changed(path));
            }
            ok()
        }
        Kind::Rm => {
            if path == "/" {
                return Err("EINVAL");
            }
            if found.is_some() {
                // In a transaction that cannot end well, nodes may be of different times.
                check_removal(nodes, path)?;
                events.extend(Event::removal(tree::remove(nodes, path)));
                return ok();
            }
            let above = tree::split(path).and_then(|(parent, _)| nodes.node(parent));
            if above.is_some() { ok() } else { Err("ENOENT") }
        }
        _ => {
            let mut node = found.ok_or("ENOENT")?;
            let wanted = request.permissions()?;
            let owner = |list: &[Permission]| list.first().map(|first| first.domid);
            if domid != 0 && owner(&wanted) != owner(&node.permissions) {
                return Err("EPERM");
            }
            let before = std::mem::replace(&mut node.permissions, wanted.into());
            nodes.put(path, node);
            events.push(Event::was(path, What::Changed, before));
            ok()
        }
    }
}

/// The node, if the domain may do this with it; for one that is missing, the
/// nearest one above decides.
fn permitted(
    nodes: &mut dyn Nodes,
    domid: u32,
    path: &str,
    kind: Kind,
) -> Result<Option<Node>, &'static str> {
    let write = matches!(kind, Kind::Write | Kind::Mkdir | Kind::Rm);
    let found = nodes.node(path);
    let mut at = path;
    let mut deciding = found.clone();
    while deciding.is_none() {
        let Some((parent, _)) = tree::split(at) else {
            break;
        };
        deciding = nodes.node(parent);
        at = parent;
    }
    let Some(deciding) = deciding else {
        return Err("ENOENT");
    };
    let owner_only = kind == Kind::SetPerms;
    let owns = deciding
        .permissions
        .first()
        .is_some_and(|one| one.domid == domid);
    if !deciding.permits(domid, write) || (owner_only && domid != 0 && !owns) {
        return Err("EACCES");
    }
    Ok(found)
}

/// Whether the node above has this one among those below it, and all that is said
/// to be below this one is there.
fn check_removal(nodes: &mut dyn Nodes, path: &str) -> Result<(), &'static str> {
    let (parent, name) = tree::split(path).ok_or("EINVAL")?;
    let above = nodes.node(parent).ok_or("EINVAL")?;
    if !above.children.iter().any(|child| child == name) {
        return Err("EIO");
    }
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let node = nodes.node(&path).ok_or("EIO")?;
        open.extend(node.children.iter().map(|child| format!("{path}/{child}")));
    }
    Ok(())
}

fn listing(node: &Node) -> Vec<u8> {
    node.children
        .iter()
        .flat_map(|name| [name.as_bytes(), &[0]].concat())
        .collect()
}

/// A part of a directory: its generation, then names from an offset, as many as
/// fit; an empty name after the last.
fn part(node: &Node, request: &Request<'_>) -> Outcome {
    let offset = usize::try_from(number(request.text(1)?)).unwrap_or(usize::MAX);
    let all = listing(node);
    let rest = all.get(offset..).unwrap_or_default();
    let mut reply = format!("{}\0", node.generation).into_bytes();
    let room = PAYLOAD_MAX - reply.len() - 1;
    if rest.len() <= room {
        reply.extend_from_slice(rest);
        reply.push(0);
    } else {
        let end = rest
            .iter()
            .take(room)
            .rposition(|b| *b == 0)
            .map_or(0, |at| at + 1);
        reply.extend_from_slice(rest.get(..end).unwrap_or_default());
    }
    Ok(reply)
}
